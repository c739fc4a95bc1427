package ops_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// request is an operation and its body. A name in angle brackets stands for an
// id that an earlier answer has.
type request struct{ op, body string }

// TestInfrastructureTool makes the calls of Terraform's AWS provider (version
// 5.100.0, recorded from the wire) in two stages: a pool with a template, texts,
// tags and second factors, groups, a domain, a resource server and app clients
// are made and then changed. After each stage everything that was sent is read
// back: a difference would be planned again at every run.
func TestInfrastructureTool(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		tool := infrastructureTool{rig: r, ids: map[string]string{"domain": strings.ToLower("tool-" + strings.ReplaceAll(t.Name(), "/", "-"))}}
		t.Run("create", func(t *testing.T) { tool.stage(t, created) })
		t.Run("change", func(t *testing.T) { tool.stage(t, changed) })
		pool := r.describe(t, tool.ids["pool"])
		for key, want := range map[string]string{"EmailVerificationMessage": "New text {####}", "EmailVerificationSubject": "New subject", "SmsVerificationMessage": "New sms {####}"} {
			if pool[key] != want {
				t.Errorf("%s is %v, want the template's %q", key, pool[key], want)
			}
		}
	})
}

var created = []request{
	{"CreateUserPool", `{"PoolName":"people","AccountRecoverySetting":{"RecoveryMechanisms":[{"Name":"verified_email","Priority":1},{"Name":"verified_phone_number","Priority":2}]},
		"AdminCreateUserConfig":{"InviteMessageTemplate":{"EmailMessage":"Hi {username} {####}","EmailSubject":"Invitation","SMSMessage":"Hi {username} {####}"}},
		"AliasAttributes":["preferred_username","email"],"AutoVerifiedAttributes":["phone_number","email"],"DeletionProtection":"ACTIVE",
		"DeviceConfiguration":{"ChallengeRequiredOnNewDevice":true},
		"Policies":{"PasswordPolicy":{"MinimumLength":8,"PasswordHistorySize":0,"RequireLowercase":true,"RequireNumbers":true,"RequireUppercase":true,"TemporaryPasswordValidityDays":3}},
		"Schema":[{"AttributeDataType":"String","DeveloperOnlyAttribute":false,"Mutable":false,"Name":"tenant","Required":false,"StringAttributeConstraints":{"MaxLength":"20","MinLength":"1"}},
			{"AttributeDataType":"String","DeveloperOnlyAttribute":false,"Mutable":true,"Name":"email","Required":true,"StringAttributeConstraints":{"MaxLength":"2048","MinLength":"0"}}],
		"SmsAuthenticationMessage":"Code {####}","SmsConfiguration":{"ExternalId":"ext","SnsCallerArn":"arn:aws:iam::123456789012:role/sms","SnsRegion":"us-east-1"},
		"UserAttributeUpdateSettings":{"AttributesRequireVerificationBeforeUpdate":["email"]},"UsernameConfiguration":{"CaseSensitive":false},"UserPoolTags":{"env":"test"},
		"VerificationMessageTemplate":{"DefaultEmailOption":"CONFIRM_WITH_CODE","EmailMessage":"Old text {####}","EmailSubject":"Old subject","SmsMessage":"Old sms {####}"}}`},
	{"SetUserPoolMfaConfig", `{"UserPoolId":"<pool>","MfaConfiguration":"OPTIONAL","SoftwareTokenMfaConfiguration":{"Enabled":true},
		"SmsMfaConfiguration":{"SmsAuthenticationMessage":"Code {####}","SmsConfiguration":{"ExternalId":"ext","SnsCallerArn":"arn:aws:iam::123456789012:role/sms","SnsRegion":"us-east-1"}}}`},
	{"CreateGroup", `{"UserPoolId":"<pool>","GroupName":"admins","Description":"Who can","Precedence":5,"RoleArn":"arn:aws:iam::123456789012:role/admins"}`},
	{"CreateUserPoolDomain", `{"UserPoolId":"<pool>","Domain":"<domain>","ManagedLoginVersion":1}`},
	{"CreateResourceServer", `{"UserPoolId":"<pool>","Identifier":"https://api.example.com","Name":"API","Scopes":[{"ScopeDescription":"Read","ScopeName":"read"}]}`},
	{"CreateUserPoolClient", `{"UserPoolId":"<pool>","ClientName":"web","GenerateSecret":true,"AccessTokenValidity":60,"IdTokenValidity":60,"RefreshTokenValidity":30,
		"TokenValidityUnits":{"AccessToken":"minutes","IdToken":"minutes","RefreshToken":"days"},"AllowedOAuthFlows":["code"],"AllowedOAuthFlowsUserPoolClient":true,
		"AllowedOAuthScopes":["email","https://api.example.com/read","openid"],"AuthSessionValidity":3,"CallbackURLs":["https://app.example.com/cb"],
		"DefaultRedirectURI":"https://app.example.com/cb","EnableTokenRevocation":false,"ExplicitAuthFlows":["ALLOW_REFRESH_TOKEN_AUTH","ALLOW_USER_SRP_AUTH"],
		"LogoutURLs":["https://app.example.com/out"],"PreventUserExistenceErrors":"ENABLED","ReadAttributes":["email","email_verified","name"],
		"SupportedIdentityProviders":["COGNITO"],"WriteAttributes":["email","name"]}`},
	{"CreateUserPoolClient", `{"UserPoolId":"<pool>","ClientName":"empty","AllowedOAuthFlows":[],"AllowedOAuthScopes":[],"CallbackURLs":[],"ExplicitAuthFlows":[],"LogoutURLs":[],
		"ReadAttributes":[],"SupportedIdentityProviders":[],"WriteAttributes":[]}`},
	{"SetUICustomization", `{"UserPoolId":"<pool>","ClientId":"ALL","CSS":".label-customizable {font-weight: 400;}"}`},
	{"SetUICustomization", `{"UserPoolId":"<pool>","ClientId":"<web>","CSS":".label-customizable {font-weight: 800;}"}`},
	{"CreateManagedLoginBranding", `{"UserPoolId":"<pool>","ClientId":"<web>","UseCognitoProvidedValues":false,
		"Settings":{"components":{"primaryButton":{"lightMode":{"defaults":{"backgroundColor":"0972d3ff","textColor":"ffffffff"}}}}},
		"Assets":[{"Category":"PAGE_BACKGROUND","ColorMode":"LIGHT","Extension":"PNG","Bytes":"iVBORw0KGgo="}]}`},
}

// changed sends the texts of the pool itself as the provider remembers them,
// beside the new ones of the template.
var changed = []request{
	{"TagResource", `{"ResourceArn":"arn:aws:cognito-idp:us-east-1:123456789012:userpool/<pool>","Tags":{"env":"live","team":"a"}}`},
	{"SetUserPoolMfaConfig", `{"UserPoolId":"<pool>","MfaConfiguration":"OPTIONAL","SoftwareTokenMfaConfiguration":{"Enabled":true},
		"SmsMfaConfiguration":{"SmsAuthenticationMessage":"Sign-in {####}","SmsConfiguration":{"ExternalId":"ext","SnsCallerArn":"arn:aws:iam::123456789012:role/sms","SnsRegion":"us-east-1"}}}`},
	{"UpdateUserPool", `{"UserPoolId":"<pool>","AccountRecoverySetting":{"RecoveryMechanisms":[{"Name":"verified_email","Priority":1},{"Name":"verified_phone_number","Priority":2}]},
		"AdminCreateUserConfig":{"AllowAdminCreateUserOnly":true,"InviteMessageTemplate":{"EmailMessage":"Welcome {username} {####}","EmailSubject":"Invitation","SMSMessage":"Hi {username} {####}"}},
		"AutoVerifiedAttributes":["phone_number","email"],"DeletionProtection":"INACTIVE","DeviceConfiguration":{"ChallengeRequiredOnNewDevice":true,"DeviceOnlyRememberedOnUserPrompt":true},
		"EmailConfiguration":{"EmailSendingAccount":"COGNITO_DEFAULT"},"EmailVerificationMessage":"Old text {####}","EmailVerificationSubject":"Old subject","MfaConfiguration":"OPTIONAL",
		"Policies":{"PasswordPolicy":{"MinimumLength":10,"PasswordHistorySize":0,"RequireLowercase":true,"RequireNumbers":true,"RequireUppercase":true,"TemporaryPasswordValidityDays":3},
			"SignInPolicy":{"AllowedFirstAuthFactors":["PASSWORD"]}},
		"SmsAuthenticationMessage":"Sign-in {####}","SmsConfiguration":{"ExternalId":"ext","SnsCallerArn":"arn:aws:iam::123456789012:role/sms","SnsRegion":"us-east-1"},
		"SmsVerificationMessage":"Old sms {####}","UserAttributeUpdateSettings":{"AttributesRequireVerificationBeforeUpdate":["email"]},"UserPoolTier":"ESSENTIALS",
		"VerificationMessageTemplate":{"DefaultEmailOption":"CONFIRM_WITH_LINK","EmailMessage":"New text {####}","EmailMessageByLink":"Open {##this##}","EmailSubject":"New subject",
			"EmailSubjectByLink":"A link","SmsMessage":"New sms {####}"}}`},
	{"AddCustomAttributes", `{"UserPoolId":"<pool>","CustomAttributes":[{"AttributeDataType":"Number","DeveloperOnlyAttribute":false,"Mutable":true,"Name":"age","Required":false,
		"NumberAttributeConstraints":{"MaxValue":"150","MinValue":"1"}}]}`},
	{"UpdateGroup", `{"UserPoolId":"<pool>","GroupName":"admins","Description":"Who may","Precedence":0}`},
	{"UpdateUserPoolDomain", `{"UserPoolId":"<pool>","Domain":"<domain>","ManagedLoginVersion":2}`},
	{"UpdateResourceServer", `{"UserPoolId":"<pool>","Identifier":"https://api.example.com","Name":"API","Scopes":[{"ScopeDescription":"Write","ScopeName":"write"},{"ScopeDescription":"Reads","ScopeName":"read"}]}`},
	{"UpdateUserPoolClient", `{"UserPoolId":"<pool>","ClientId":"<web>","ClientName":"web","AccessTokenValidity":30,"IdTokenValidity":60,"RefreshTokenValidity":30,
		"TokenValidityUnits":{"AccessToken":"minutes","IdToken":"minutes","RefreshToken":"days"},"AllowedOAuthFlows":["code"],"AllowedOAuthFlowsUserPoolClient":true,
		"AllowedOAuthScopes":["email","https://api.example.com/read","https://api.example.com/write","openid"],"AuthSessionValidity":5,
		"CallbackURLs":["https://app.example.com/cb","https://app2.example.com/cb"],"DefaultRedirectURI":"https://app.example.com/cb","EnableTokenRevocation":true,
		"EnablePropagateAdditionalUserContextData":false,"ExplicitAuthFlows":["ALLOW_REFRESH_TOKEN_AUTH","ALLOW_USER_SRP_AUTH"],"LogoutURLs":["https://app.example.com/out"],
		"PreventUserExistenceErrors":"ENABLED","ReadAttributes":["email"],"SupportedIdentityProviders":["COGNITO"],"WriteAttributes":["email"]}`},
	{"UpdateUserPoolClient", `{"UserPoolId":"<pool>","ClientId":"<empty>","ClientName":"empty","AllowedOAuthFlows":[],"AllowedOAuthScopes":[],"AuthSessionValidity":3,"CallbackURLs":[],
		"EnablePropagateAdditionalUserContextData":false,"EnableTokenRevocation":true,"ExplicitAuthFlows":["ALLOW_USER_PASSWORD_AUTH"],"LogoutURLs":[],"ReadAttributes":[],
		"RefreshTokenValidity":30,"SupportedIdentityProviders":[],"WriteAttributes":[]}`},
	{"SetUICustomization", `{"UserPoolId":"<pool>","ClientId":"<web>","CSS":".label-customizable {font-weight: 400;}"}`},
	{"UpdateManagedLoginBranding", `{"UserPoolId":"<pool>","ManagedLoginBrandingId":"<style>","UseCognitoProvidedValues":false,
		"Settings":{"components":{"primaryButton":{"lightMode":{"defaults":{"backgroundColor":"004499ff","textColor":"ffffffff"}}}}},
		"Assets":[{"Category":"PAGE_BACKGROUND","ColorMode":"LIGHT","Extension":"PNG","Bytes":"iVBORw0KGgoA"}]}`},
}

// infrastructureTool remembers the ids of what it made.
type infrastructureTool struct {
	rig
	ids map[string]string
}

// call sends a request with the ids filled in and returns both bodies.
func (i *infrastructureTool) call(t *testing.T, op, body string) (sent, answer map[string]any) {
	t.Helper()
	for name, id := range i.ids {
		body = strings.ReplaceAll(body, "<"+name+">", id)
	}
	res, text := i.post(t, op, body)
	if res.StatusCode != 200 {
		t.Fatalf("%s: %d %s", op, res.StatusCode, text)
	}
	if err := json.Unmarshal([]byte(body), &sent); err != nil {
		t.Fatal(err)
	}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			t.Fatal(err)
		}
	}
	return sent, answer
}

// stage makes the calls and then reads back what each of them set.
func (i *infrastructureTool) stage(t *testing.T, requests []request) {
	var sent []map[string]any
	for _, q := range requests {
		s, answer := i.call(t, q.op, q.body)
		sent = append(sent, s)
		switch q.op {
		case "CreateUserPool":
			i.ids["pool"] = answer["UserPool"].(map[string]any)["Id"].(string)
		case "CreateManagedLoginBranding":
			i.ids["style"] = answer["ManagedLoginBranding"].(map[string]any)["ManagedLoginBrandingId"].(string)
		case "CreateUserPoolClient":
			i.ids[s["ClientName"].(string)] = answer["UserPoolClient"].(map[string]any)["ClientId"].(string)
		}
	}
	for n, q := range requests {
		shown := i.read(t, q.op, sent[n])
		for _, key := range unread[q.op] {
			delete(sent[n], key)
		}
		for path, diff := range drift(sent[n], shown) {
			t.Errorf("%s: %s is %s", q.op, path, diff)
		}
	}
}

// unread are members of a request that no read shows in the same place.
var unread = map[string][]string{
	"TagResource":         {"ResourceArn", "Tags"},
	"AddCustomAttributes": {"UserPoolId", "CustomAttributes"},
	// A style does not name its app client.
	"CreateManagedLoginBranding": {"ClientId"},
	// The template's texts are shown in the place of these.
	"UpdateUserPool": {"EmailVerificationMessage", "EmailVerificationSubject", "SmsVerificationMessage"},
}

// read returns what the service shows of what the operation set.
func (i *infrastructureTool) read(t *testing.T, op string, sent map[string]any) map[string]any {
	t.Helper()
	reading, body, member := "DescribeUserPool", `{"UserPoolId":"<pool>"}`, "UserPool"
	switch {
	case op == "SetUserPoolMfaConfig":
		_, shown := i.call(t, "GetUserPoolMfaConfig", body)
		shown["UserPoolId"] = i.ids["pool"]
		return shown
	case strings.HasSuffix(op, "Group"):
		reading, body, member = "GetGroup", fmt.Sprintf(`{"UserPoolId":"<pool>","GroupName":%q}`, sent["GroupName"]), "Group"
	case strings.HasSuffix(op, "Domain"):
		reading, body, member = "DescribeUserPoolDomain", `{"Domain":"<domain>"}`, "DomainDescription"
	case strings.HasSuffix(op, "UICustomization"):
		reading, body, member = "GetUICustomization", fmt.Sprintf(`{"UserPoolId":"<pool>","ClientId":%q}`, sent["ClientId"]), "UICustomization"
	case strings.HasSuffix(op, "ManagedLoginBranding"):
		reading, body, member = "DescribeManagedLoginBranding", `{"UserPoolId":"<pool>","ManagedLoginBrandingId":"<style>"}`, "ManagedLoginBranding"
	case strings.HasSuffix(op, "ResourceServer"):
		reading, body, member = "DescribeResourceServer", fmt.Sprintf(`{"UserPoolId":"<pool>","Identifier":%q}`, sent["Identifier"]), "ResourceServer"
	case strings.HasSuffix(op, "Client"):
		delete(sent, "GenerateSecret")
		reading, body, member = "DescribeUserPoolClient", fmt.Sprintf(`{"UserPoolId":"<pool>","ClientId":"<%s>"}`, sent["ClientName"]), "UserPoolClient"
	}
	_, answer := i.call(t, reading, body)
	shown := answer[member].(map[string]any)
	if reading != "DescribeUserPool" {
		return shown
	}
	shown["UserPoolId"], shown["PoolName"] = shown["Id"], shown["Name"]
	if tags, ok := sent["Tags"]; ok && !cmp.Equal(tags, shown["UserPoolTags"]) {
		t.Errorf("tags are %v, want %v", shown["UserPoolTags"], tags)
	}
	custom := sent["CustomAttributes"]
	if op == "CreateUserPool" {
		custom = sent["Schema"]
		delete(sent, "Schema")
	}
	if list, ok := custom.([]any); ok {
		for _, a := range list {
			attribute := a.(map[string]any)
			if name := attribute["Name"].(string); name != "email" {
				attribute["Name"] = "custom:" + name
			}
			if !slices.ContainsFunc(shown["SchemaAttributes"].([]any), func(s any) bool { return cmp.Equal(a, s) }) {
				t.Errorf("%s: the schema does not have %v", op, a)
			}
		}
	}
	return shown
}

// drift returns the members that were sent and are not shown as sent, by path.
// Lists compare as sets. What was sent empty or false may be absent.
func drift(sent, shown map[string]any) map[string]string {
	found := map[string]string{}
	for key, want := range sent {
		got := shown[key]
		if inner, ok := want.(map[string]any); ok && len(inner) > 0 {
			if gotInner, ok := got.(map[string]any); ok {
				for path, diff := range drift(inner, gotInner) {
					found[key+"."+path] = diff
				}
				continue
			}
		}
		if !sameSetting(want, got) {
			found[key] = fmt.Sprintf("%v, want %v", got, want)
		}
	}
	return found
}

func sameSetting(want, got any) bool {
	switch w := want.(type) {
	case []any:
		list, _ := got.([]any)
		return len(w) == len(list) && !slices.ContainsFunc(w, func(v any) bool {
			return !slices.ContainsFunc(list, func(g any) bool { return cmp.Equal(v, g) })
		})
	case map[string]any:
		m, _ := got.(map[string]any)
		return len(w) == 0 && len(m) == 0
	}
	return cmp.Equal(want, got) || got == nil && (want == false || want == 0.0)
}
