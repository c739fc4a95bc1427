package privacy_test

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"html"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"cognate/internal/keys"
	"cognate/test/authenticator"
	"cognate/test/lambdas"
	"cognate/test/patience"
	"cognate/test/rows"
	"cognate/test/serving"
	"cognate/test/srpclient"
)

const password = "Passw0rd!one"

// What only the marked person has. No other value of the tests contains one of these.
const (
	username  = "zyxa.marked"
	email     = "zyxa.first@marked.example"
	newEmail  = "zyxa.second@marked.example"
	phone     = "+12065550177"
	given     = "Zyxanthe"
	family    = "Quillfeather"
	badge     = "badge-zyx-4711"
	laptop    = "laptop of zyx"
	telephone = "telephone of zyx"
	subject   = "zyx-at-corp"
	external  = "external-zyx"
)

// A life is a person who has used every feature.
type life struct {
	pool, client, identityPool string
	sub                        string
	terms                      []string // what identifies the person in the database
	access, id                 string   // tokens
}

// world makes a user pool with every feature.
func (r *rig) world(t *testing.T) *life {
	t.Helper()
	l := &life{}
	long := r.functions.On("create", func(e *lambdas.Event) string {
		e.Response["privateChallengeParameters"] = map[string]string{"answer": strings.Repeat("x", 4_000)}
		return ""
	})
	define := r.functions.On("define", func(e *lambdas.Event) string {
		e.Response["challengeName"], e.Response["issueTokens"], e.Response["failAuthentication"] = "CUSTOM_CHALLENGE", false, false
		return ""
	})
	made := r.call("CreateUserPool", object{
		"PoolName": "people", "UserPoolAddOns": object{"AdvancedSecurityMode": "AUDIT"}, "AliasAttributes": []string{"email", "phone_number", "preferred_username"}, "AutoVerifiedAttributes": []string{"email", "phone_number"},
		"SmsConfiguration":            object{"SnsCallerArn": "arn:aws:iam::123456789012:role/sms"},
		"DeviceConfiguration":         object{"ChallengeRequiredOnNewDevice": false, "DeviceOnlyRememberedOnUserPrompt": true},
		"Schema":                      []object{{"Name": "badge", "AttributeDataType": "String", "Mutable": true}},
		"UserAttributeUpdateSettings": object{"AttributesRequireVerificationBeforeUpdate": []string{"email"}},
		"Policies":                    object{"SignInPolicy": object{"AllowedFirstAuthFactors": []string{"PASSWORD", "WEB_AUTHN"}}},
		"LambdaConfig":                object{"DefineAuthChallenge": define, "CreateAuthChallenge": long, "VerifyAuthChallengeResponse": define},
	})
	l.pool = text(made, "UserPool", "Id")
	r.call("SetLogDeliveryConfiguration", object{"UserPoolId": l.pool, "LogConfigurations": []object{{
		"LogLevel": "INFO", "EventSource": "userAuthEvents", "CloudWatchLogsConfiguration": object{"LogGroupArn": "arn:aws:logs:us-east-1:123456789012:log-group:people"},
	}}})
	r.call("SetUserPoolMfaConfig", object{
		"UserPoolId": l.pool, "MfaConfiguration": "OPTIONAL", "SmsMfaConfiguration": object{}, "SoftwareTokenMfaConfiguration": object{"Enabled": true},
		"WebAuthnConfiguration": object{"RelyingPartyId": "example.com", "UserVerification": "required"},
	})
	r.call("SetUserPoolSessionConfiguration", object{"UserPoolId": l.pool, "UserSessionTracking": "ENABLED", "TokenSession": object{"MaxPerUser": 10}})
	r.call("CreateUserPoolDomain", object{"UserPoolId": l.pool, "Domain": "people", "ManagedLoginVersion": 2})
	l.client = r.addClient(l.pool, object{
		"AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthFlows": []string{"code"}, "AllowedOAuthScopes": []string{"openid", "aws.cognito.signin.user.admin"},
		"CallbackURLs": []string{"https://app.example/cb"}, "SupportedIdentityProviders": []string{"COGNITO"},
	})
	const nowhere = "https://provider.example"
	r.call("CreateIdentityProvider", object{"UserPoolId": l.pool, "ProviderName": "Corp", "ProviderType": "OIDC", "ProviderDetails": object{
		"client_id": "id", "client_secret": "secret", "authorize_scopes": "openid", "attributes_request_method": "GET", "oidc_issuer": nowhere,
		"authorize_url": nowhere + "/authorize", "token_url": nowhere + "/token", "attributes_url": nowhere + "/info", "jwks_uri": nowhere + "/keys",
	}})
	r.call("CreateGroup", object{"UserPoolId": l.pool, "GroupName": "editors", "Description": "may edit"})
	out := r.call("AWSCognitoIdentityService.CreateIdentityPool", object{
		"IdentityPoolName": "people", "AllowUnauthenticatedIdentities": true, "DeveloperProviderName": "login.example.app",
		"CognitoIdentityProviders": []object{{"ProviderName": l.provider(), "ClientId": l.client}},
	})
	l.identityPool = text(out, "IdentityPoolId")
	return l
}

// provider is Cognito's name of the user pool.
func (l *life) provider() string { return "cognito-idp.us-east-1.amazonaws.com/" + l.pool }

func (r *rig) addClient(pool string, more object) string {
	r.t.Helper()
	in := object{"UserPoolId": pool, "ClientName": "app", "ExplicitAuthFlows": []string{
		"ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH", "ALLOW_USER_AUTH",
	}}
	maps.Copy(in, more)
	return text(r.call("CreateUserPoolClient", in), "UserPoolClient", "ClientId")
}

func attributes(pairs ...string) (list []object) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, object{"Name": pairs[i], "Value": pairs[i+1]})
	}
	return list
}

// other makes another user of the pool, and signs in from elsewhere.
func (r *rig) other(t *testing.T, l *life, name string, more ...string) (sub string, tokens any) {
	t.Helper()
	was := r.client
	defer func() { r.client = was }()
	r.client = clientAt(t, otherAddress)
	out := r.call("AdminCreateUser", object{"UserPoolId": l.pool, "Username": name, "MessageAction": "SUPPRESS", "UserAttributes": attributes(more...)})
	r.call("AdminSetUserPassword", object{"UserPoolId": l.pool, "Username": name, "Password": password, "Permanent": true})
	for _, a := range at(out, "User", "Attributes").([]any) {
		if text(a, "Name") == "sub" {
			sub = text(a, "Value")
		}
	}
	return sub, r.signIn(l.client, name)
}

func (r *rig) signIn(client, name string) any {
	r.t.Helper()
	out := r.call("InitiateAuth", object{"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": object{"USERNAME": name, "PASSWORD": password}})
	if at(out, "AuthenticationResult") == nil {
		r.t.Fatalf("%v", out)
	}
	return at(out, "AuthenticationResult")
}

// code returns the newest code that was sent to an address.
func (r *rig) code(t *testing.T, to string) string {
	t.Helper()
	list := serving.Inbox(t, http.DefaultClient, r.URL(), url.Values{"to": {to}})
	if len(list) == 0 {
		t.Fatalf("no message to %s", to)
	}
	return list[0].Code
}

// live takes the marked person through every feature.
func (r *rig) live(t *testing.T) *life {
	t.Helper()
	l := r.world(t)
	r.signUp(t, l)
	r.useDevices(t, l)
	r.usePasskeys(t, l)
	r.usePages(t, l)
	r.useDirectories(t, l)
	r.useImports(t, l)
	r.useIdentityPool(t, l)
	r.call("AdminAddUserToGroup", object{"UserPoolId": l.pool, "Username": username, "GroupName": "editors"})
	r.useCodes(t, l)
	r.useTokens(t, l)
	r.useSecondFactor(t, l)
	for range 6 { // Failures lock the user.
		r.try("InitiateAuth", object{"ClientId": l.client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": object{"USERNAME": username, "PASSWORD": "Wrong-horse-77"}})
	}
	r.settle(t, l)
	l.terms = append(l.terms, l.sub, username, email, newEmail, phone, given, family, badge, laptop, telephone, subject, external, address)
	return l
}

// settle waits until the database has what the server counts in memory: the months of the person, in the pool and with each of
// two app clients, and the failures from a known address and from others.
func (r *rig) settle(t *testing.T, l *life) {
	t.Helper()
	db := r.open(t)
	rowsOf := func(table string) (n int) {
		for _, row := range rows.Of(t, db, "SELECT user_id FROM "+table) {
			if strings.HasPrefix(row[0].(string), l.sub) {
				n++
			}
		}
		return n
	}
	patience.Until(t, "all is stored", func() bool { return rowsOf("active_users") >= 3 && rowsOf("lockouts") >= 2 })
}

func (r *rig) signUp(t *testing.T, l *life) {
	out := r.call("SignUp", object{"ClientId": l.client, "Username": username, "Password": password, "UserAttributes": attributes(
		"email", email, "phone_number", phone, "given_name", given, "family_name", family, "custom:badge", badge,
	)})
	l.sub = text(out, "UserSub")
	r.call("ResendConfirmationCode", object{"ClientId": l.client, "Username": username})
	r.call("ConfirmSignUp", object{"ClientId": l.client, "Username": username, "ConfirmationCode": r.code(t, phone)})
	r.call("AdminUpdateUserAttributes", object{"UserPoolId": l.pool, "Username": username, "UserAttributes": attributes("email", email, "email_verified", "true", "phone_number_verified", "true")})
}

func (r *rig) useDevices(_ *testing.T, l *life) {
	r.confirmDevice(l, r.signIn(l.client, username), laptop)
	key := r.confirmDevice(l, r.signIn(l.client, username), "old "+laptop)
	r.call("AdminForgetDevice", object{"UserPoolId": l.pool, "Username": username, "DeviceKey": key})
	tokens := r.signIn(l.client, username)
	l.access, l.id = text(tokens, "AccessToken"), text(tokens, "IdToken")
}

// confirmDevice registers the new device of a sign-in, and returns its key.
func (r *rig) confirmDevice(l *life, tokens any, name string) string {
	r.t.Helper()
	key, group := text(tokens, "NewDeviceMetadata", "DeviceKey"), text(tokens, "NewDeviceMetadata", "DeviceGroupKey")
	salt := new(big.Int).SetBytes([]byte("sixteen bytes ok"))
	r.call("ConfirmDevice", object{"AccessToken": text(tokens, "AccessToken"), "DeviceKey": key, "DeviceName": name, "DeviceSecretVerifierConfig": object{
		"Salt":             base64.StdEncoding.EncodeToString(srpclient.Padded(salt)),
		"PasswordVerifier": base64.StdEncoding.EncodeToString(srpclient.Padded(srpclient.Verifier(group, key, "a secret", salt))),
	}})
	l.terms = append(l.terms, key)
	return key
}

func (r *rig) usePasskeys(t *testing.T, l *life) {
	for last := range 2 {
		options, err := json.Marshal(r.call("StartWebAuthnRegistration", object{"AccessToken": l.access})["CredentialCreationOptions"])
		if err != nil {
			t.Fatal(err)
		}
		if last == 1 {
			return // A registration is under way.
		}
		d := authenticator.New(l.sub, "example.com", "https://app.example.com")
		r.call("CompleteWebAuthnRegistration", object{"AccessToken": l.access, "Credential": json.RawMessage(d.Create(t, string(options)))})
		list := r.call("ListWebAuthnCredentials", object{"AccessToken": l.access})["Credentials"].([]any)
		l.terms = append(l.terms, text(list[0], "CredentialId"))
	}
}

var formAction = regexp.MustCompile(`action="([^"]+)"`)

// usePages signs in on the login page, which leaves a session of the browser and a code.
func (r *rig) usePages(t *testing.T, l *life) {
	get := func(ref string) (*http.Response, string) {
		if strings.HasPrefix(ref, "/") {
			ref = r.URL() + ref
		}
		res, body := r.send(http.NewRequestWithContext(t.Context(), http.MethodGet, ref, nil))
		return res, string(body)
	}
	q := url.Values{"client_id": {l.client}, "redirect_uri": {"https://app.example/cb"}, "response_type": {"code"}, "scope": {"openid"}}
	res, _ := get("/_domain/people/oauth2/authorize?" + q.Encode())
	ref := res.Header.Get("Location")
	res, page := get(ref)
	fields := url.Values{"username": {username}, "password": {password}}
	for range 3 {
		m := formAction.FindStringSubmatch(page)
		if m == nil {
			t.Fatalf("no form at %s: %d %s", ref, res.StatusCode, page)
		}
		csrf := regexp.MustCompile(`name="_csrf" value="([^"]*)"`).FindStringSubmatch(page)
		fields.Set("_csrf", html.UnescapeString(csrf[1]))
		to := html.UnescapeString(m[1])
		if strings.HasPrefix(to, "/") {
			to = r.URL() + to
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader(fields.Encode()))
		if err == nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			for _, c := range res.Cookies() {
				req.AddCookie(c)
			}
		}
		posted, body := r.send(req, err)
		location := posted.Header.Get("Location")
		if strings.Contains(location, "code=") {
			return
		}
		if location == "" {
			t.Fatalf("%d %s", posted.StatusCode, body)
		}
		_, page = get(location)
	}
	t.Fatalf("no code: %s", page)
}

func (r *rig) useDirectories(t *testing.T, l *life) {
	r.call("AdminLinkProviderForUser", object{
		"UserPoolId": l.pool, "DestinationUser": object{"ProviderName": "Cognito", "ProviderAttributeValue": username},
		"SourceUser": object{"ProviderName": "Corp", "ProviderAttributeName": "Cognito_Subject", "ProviderAttributeValue": subject},
	})
	base, token := serving.NewDirectory(t, r.Rig, l.pool, "Corp")
	doc := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"` + subject + `","externalId":"` + external + `","displayName":"` + given + `"}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/Users", strings.NewReader(doc))
	if err == nil {
		req.Header.Set("Content-Type", "application/scim+json")
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if res, body := r.send(req, err); res.StatusCode != http.StatusCreated || !strings.Contains(string(body), l.sub) {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
}

// useImports imports a file that names the person, and uploads another one that waits.
func (r *rig) useImports(t *testing.T, l *life) {
	columns := at(r.call("GetCSVHeader", object{"UserPoolId": l.pool}), "CSVHeader").([]any)
	line := func(values map[string]string) string {
		var list []string
		for _, c := range columns {
			list = append(list, values[c.(string)])
		}
		return strings.Join(list, ",") + "\n"
	}
	header := map[string]string{}
	for _, c := range columns {
		header[c.(string)] = c.(string)
	}
	file := line(header) +
		line(map[string]string{"cognito:username": username, "cognito:mfa_enabled": "false", "email": email, "email_verified": "true"}) +
		line(map[string]string{"cognito:username": "imported", "cognito:mfa_enabled": "false", "email": "imported@example.com", "email_verified": "true"})
	for _, start := range []bool{true, false} {
		job := r.call("CreateUserImportJob", object{"UserPoolId": l.pool, "JobName": "people", "CloudWatchLogsRoleArn": "arn:aws:iam::123456789012:role/import"})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, text(job, "UserImportJob", "PreSignedUrl"), strings.NewReader(file))
		if res, body := r.send(req, err); res.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", res.StatusCode, body)
		}
		if !start {
			return
		}
		id := text(job, "UserImportJob", "JobId")
		r.call("StartUserImportJob", object{"UserPoolId": l.pool, "JobId": id})
		for status := ""; status != "Succeeded"; {
			if status = text(r.call("DescribeUserImportJob", object{"UserPoolId": l.pool, "JobId": id}), "UserImportJob", "Status"); status == "Failed" {
				log, _ := serving.Run(t, nil, r.command("import", "log", "--pool", l.pool, id)...)
				t.Fatalf("the import failed: %s", log)
			}
		}
	}
}

func (r *rig) useIdentityPool(_ *testing.T, l *life) {
	out := r.call("AWSCognitoIdentityService.GetId", object{"IdentityPoolId": l.identityPool, "Logins": object{l.provider(): l.id}})
	l.terms = append(l.terms, text(out, "IdentityId"))
}

func (r *rig) useCodes(_ *testing.T, l *life) {
	r.call("UpdateUserAttributes", object{"AccessToken": l.access, "UserAttributes": attributes("email", newEmail)})
	r.call("GetUserAttributeVerificationCode", object{"AccessToken": l.access, "AttributeName": "phone_number"})
	r.call("ForgotPassword", object{"ClientId": l.client, "Username": username})
	r.call("InitiateAuth", object{"ClientId": l.client, "AuthFlow": "CUSTOM_AUTH", "AuthParameters": object{"USERNAME": username}})
}

// useTokens revokes a refresh token and rotates another one.
func (r *rig) useTokens(_ *testing.T, l *life) {
	tokens := r.signIn(l.client, username)
	r.call("RevokeToken", object{"ClientId": l.client, "Token": text(tokens, "RefreshToken")})
	rotates := r.addClient(l.pool, object{"RefreshTokenRotation": object{"Feature": "ENABLED", "RetryGracePeriodSeconds": 0}})
	tokens = r.signIn(rotates, username)
	key := r.confirmDevice(l, tokens, "tablet")
	r.call("GetTokensFromRefreshToken", object{"ClientId": rotates, "RefreshToken": text(tokens, "RefreshToken"), "DeviceKey": key})
}

func (r *rig) useSecondFactor(t *testing.T, l *life) {
	out := r.call("AssociateSoftwareToken", object{"AccessToken": l.access})
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text(out, "SecretCode"))
	if err != nil {
		t.Fatal(err)
	}
	r.call("VerifySoftwareToken", object{"AccessToken": l.access, "UserCode": keys.TOTPCode(secret, keys.TOTPStepAt(time.Now())), "FriendlyDeviceName": telephone})
	r.call("SetUserMFAPreference", object{"AccessToken": l.access, "SoftwareTokenMfaSettings": object{"Enabled": true, "PreferredMfa": true}})
}
