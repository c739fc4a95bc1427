package credentials_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"cognate/test/fakeidp"
	"cognate/test/serving"
)

const notAuthorized = "Not authorized to perform sts:AssumeRoleWithWebIdentity"

// trustLogin trusts logins of a provider with an audience.
func trustLogin(provider, name, audience string) string {
	return `{"Effect":"Allow","Principal":{"Federated":"` + provider + `"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"` + name + `:aud":"` + audience + `"}}}`
}

func web(role, token string) *sts.AssumeRoleWithWebIdentityInput {
	return &sts.AssumeRoleWithWebIdentityInput{RoleArn: new(roleARN + role), RoleSessionName: new("one"), WebIdentityToken: &token}
}

// TestIdentityPoolTokens is the basic flow: a token of an identity pool for the credentials of a
// role, which end with the identity.
func TestIdentityPoolTokens(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		pool, id, token := r.identityToken(t, map[string]string{"team": "red"})
		const provider = "cognito-identity.amazonaws.com"
		trust := strings.Replace(trustLogin(provider, provider, pool), `"sts:AssumeRoleWithWebIdentity"`, `["sts:AssumeRoleWithWebIdentity","sts:TagSession"]`, 1)
		r.role(t, "people", trust, `{"Effect":"Allow","Action":"cognito-idp:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red","`+provider+`:sub":"`+id+`"}}}`)
		r.role(t, "tags", trustLogin(provider, provider, pool), allow("s3:*"))
		r.role(t, "elsewhere", strings.Replace(trust, pool, "us-east-1:99999999-9999-4999-8999-999999999999", 1), allow("s3:*"))
		r.role(t, "anywhere", `{"Effect":"Allow","Principal":{"Federated":"`+provider+`"},"Action":"sts:*"}`, allow("s3:*"))
		out, err := r.anybody().AssumeRoleWithWebIdentity(ctx, web("people", token))
		check(t, err)
		if *out.Provider != provider || *out.Audience != pool || *out.SubjectFromWebIdentityToken != id || *out.AssumedRoleUser.Arn != "arn:aws:sts::"+account+":assumed-role/people/one" || *out.PackedPolicySize < 1 { //nolint:staticcheck // older clients read PackedPolicySize
			t.Errorf("answer %+v", out)
		}
		if code := r.pools(t, of(out.Credentials)); code != "" {
			t.Errorf("ListUserPools: %s", code)
		}
		for _, role := range []string{"tags", "elsewhere", "anywhere", "none"} {
			_, err := r.anybody().AssumeRoleWithWebIdentity(ctx, web(role, token))
			want(t, err, "AccessDenied", notAuthorized)
		}
		_, err = r.identity.DeleteIdentities(ctx, &ci.DeleteIdentitiesInput{IdentityIdsToDelete: []string{id}})
		check(t, err)
		r.ahead.Store(int64(time.Second))
		if code := r.pools(t, of(out.Credentials)); code != "UnrecognizedClientException" {
			t.Errorf("after the identity was deleted: %q", code)
		}
		_, err = r.anybody().AssumeRoleWithWebIdentity(ctx, web("people", token))
		want(t, err, "AccessDenied", notAuthorized)
	})
}

func TestDeletedIdentityPool(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	const provider = "cognito-identity.amazonaws.com"
	pool, _, token := r.identityToken(t, nil)
	r.role(t, "people", trustLogin(provider, provider, pool), allow("cognito-idp:*"))
	out, err := r.anybody().AssumeRoleWithWebIdentity(t.Context(), web("people", token))
	check(t, err)
	_, err = r.identity.DeleteIdentityPool(t.Context(), &ci.DeleteIdentityPoolInput{IdentityPoolId: &pool})
	check(t, err)
	r.ahead.Store(int64(time.Second))
	if code := r.pools(t, of(out.Credentials)); code != "UnrecognizedClientException" {
		t.Errorf("after the pool was deleted: %q", code)
	}
}

// TestUserPoolTokens wants ID tokens of user pools that the account trusts, by the issuer or by the
// name at AWS.
func TestUserPoolTokens(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		pool, client, tokens := r.userPool(t)
		issuer := r.URL() + "/" + pool
		_, err := r.anybody().AssumeRoleWithWebIdentity(ctx, web("none", *tokens.IdToken))
		want(t, err, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for "+issuer)
		name := "cognito-idp.us-east-1.amazonaws.com/" + pool
		for i, name := range []string{name, strings.TrimPrefix(issuer, "http://")} {
			role := fmt.Sprint("people", i)
			made, err := r.iam.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: new("https://" + name), ClientIDList: []string{client}})
			check(t, err)
			r.role(t, role, trustLogin(*made.OpenIDConnectProviderArn, name, client), allow("cognito-idp:*"))
			out, err := r.anybody().AssumeRoleWithWebIdentity(ctx, web(role, *tokens.IdToken))
			check(t, err)
			if *out.Provider != issuer || *out.Audience != client {
				t.Errorf("answer %+v", out)
			}
			if code := r.pools(t, of(out.Credentials)); code != "" {
				t.Errorf("ListUserPools: %s", code)
			}
			_, err = r.anybody().AssumeRoleWithWebIdentity(ctx, web(role, *tokens.AccessToken))
			want(t, err, "InvalidIdentityToken", "Missing a required claim: aud")
			forged := (*tokens.IdToken)[:len(*tokens.IdToken)-8] + "AAAAAAAA"
			_, err = r.anybody().AssumeRoleWithWebIdentity(ctx, web(role, forged))
			want(t, err, "InvalidIdentityToken", "")
		}
		_, err = r.idp.AdminDisableUser(ctx, &cip.AdminDisableUserInput{UserPoolId: &pool, Username: new("dora")})
		check(t, err)
		_, err = r.anybody().AssumeRoleWithWebIdentity(ctx, web("people1", *tokens.IdToken))
		want(t, err, "IDPRejectedClaim", "")
		// A pool with the provider's settings is not another pool.
		_, other, theirs := r.userPool(t)
		_, err = r.anybody().AssumeRoleWithWebIdentity(ctx, web("people1", *theirs.IdToken))
		want(t, err, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for …")
		if other == client {
			t.Error("two clients with one id")
		}
	})
}

// TestOtherTokens are the cases of AssumeRoleWithWebIdentity at a provider elsewhere.
func TestOtherTokens(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	fake, end := fakeidp.Start(time.Now)
	t.Cleanup(end)
	gone, stop := fakeidp.Start(time.Now)
	stop()
	name := strings.TrimPrefix(fake.URL, "http://")
	for _, p := range []string{name, strings.TrimPrefix(gone.URL, "http://")} {
		_, err := r.iam.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{Url: new("https://" + p), ClientIDList: []string{"app", "other"}})
		check(t, err)
	}
	arn := "arn:aws:iam::" + account + ":oidc-provider/" + name
	r.role(t, "plain", trustLogin(arn, name, "app"), allow("cognito-idp:*"))
	r.role(t, "tagged", strings.NewReplacer(`"sts:AssumeRoleWithWebIdentity"`, `["sts:AssumeRoleWithWebIdentity","sts:TagSession","sts:SetSourceIdentity"]`, `"app"`, `"app","aws:RequestTag/team":"red","sts:SourceIdentity":"dora"`).
		Replace(trustLogin(arn, name, "app")), `{"Effect":"Allow","Action":"cognito-idp:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red","aws:FederatedProvider":"`+arn+`"}}}`)
	r.role(t, "methods", strings.Replace(trustLogin(arn, name, "app"), `"StringEquals"`, `"ForAnyValue:StringEquals":{"`+name+`:amr":"mfa"},"StringEquals"`, 1), allow("cognito-idp:*"))
	type object = map[string]any
	key := fakeidp.RSAKey("key-1")
	// A case makes its token when it runs: cases wait for each other, and the token is valid for five minutes.
	token := func(k fakeidp.Key, change func(header, claims object)) func() string {
		return func() string {
			now := time.Now().Unix()
			header, claims := object{"alg": k.Alg, "kid": k.ID}, object{"iss": fake.URL, "aud": "app", "sub": "dora", "iat": now, "exp": now + 300}
			if change != nil {
				change(header, claims)
			}
			return k.Sign(header, claims)
		}
	}
	text := func(s string) func() string { return func() string { return s } }
	type fromNow float64 // seconds
	claim := func(name string, value any) func() string {
		return token(key, func(_, claims object) {
			switch v := value.(type) {
			case nil:
				delete(claims, name)
			case fromNow:
				claims[name] = float64(claims["iat"].(int64)) + float64(v)
			default:
				claims[name] = v
			}
		})
	}
	tags := func(part any, rest ...any) func() string {
		return token(key, func(_, claims object) {
			claims["https://aws.amazon.com/tags"], claims["https://aws.amazon.com/source_identity"] = part, "dora"
			if len(rest) > 0 {
				delete(claims, "https://aws.amazon.com/tags")
				claims["https://aws.amazon.com/tags/principal_tags/team"] = rest[0]
			}
		})
	}
	const (
		notToken = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
		noKey    = "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"
	)
	tests := []struct {
		name       string
		token      func() string
		role       string
		code, text string // "" if it is accepted
		status     int
		change     func(in *sts.AssumeRoleWithWebIdentityInput)
	}{
		{name: "accepted", token: token(key, nil)},
		{name: "RS512", token: token(fakeidp.Key{ID: "key-1", Alg: "RS512", Private: key.Private}, nil), code: "InvalidIdentityToken", text: noKey, status: 400}, // the key is for RS256
		{name: "several audiences", token: claim("aud", []any{"stranger", "app"})},
		{name: "authorized party", token: token(key, func(_, c object) { c["aud"], c["azp"] = "stranger", "app" })},
		{name: "another authorized party", token: claim("azp", "stranger"), code: "InvalidIdentityToken", text: "Incorrect token audience", status: 400},
		{name: "tags", token: tags(object{"principal_tags": object{"team": []any{"red"}}}), role: "tagged"},
		{name: "flat tags", token: tags(nil, "red"), role: "tagged"},
		{name: "methods", token: claim("amr", []any{"pwd", "mfa"}), role: "methods"},
		{name: "other methods", token: claim("amr", []any{"pwd"}), role: "methods", code: "AccessDenied", text: notAuthorized, status: 403},
		{name: "tags that the trust policy forbids", token: tags(object{"principal_tags": object{"team": []any{"blue"}}}), role: "tagged", code: "AccessDenied", text: notAuthorized, status: 403},
		{name: "no permission for tags", token: tags(object{"principal_tags": object{"team": []any{"red"}}}), code: "AccessDenied", text: notAuthorized, status: 403},
		{name: "tag of two values", token: tags(object{"principal_tags": object{"team": []any{"red", "blue"}}}), role: "tagged", code: "InvalidIdentityToken", status: 400},
		{name: "tag with a star", token: tags(object{"principal_tags": object{"team": []any{"*"}}}), role: "tagged", code: "InvalidIdentityToken", status: 400},
		{name: "garbage", token: text("garbage"), code: "InvalidIdentityToken", text: notToken, status: 400},
		{name: "three parts", token: text("a.b.c"), code: "InvalidIdentityToken", text: notToken, status: 400},
		{name: "no issuer", token: claim("iss", nil), code: "InvalidIdentityToken", text: notToken, status: 400},
		{name: "unsigned", token: token(key, func(h, _ object) { h["alg"] = "none" }), code: "InvalidIdentityToken", text: notToken, status: 400},
		{name: "HS256 by the public key", token: token(fakeidp.Key{ID: "key-1", Alg: "HS256", Private: []byte("a-secret-of-at-least-32-characters")}, nil), code: "InvalidIdentityToken", text: notToken, status: 400},
		{name: "another key with the id", token: token(fakeidp.Key{ID: "key-1", Alg: "ES256", Private: fakeidp.ECKey("x").Private}, nil), code: "InvalidIdentityToken", text: noKey, status: 400},
		{name: "changed claims", token: func() string { return swap(token(key, nil)(), claim("sub", "eve")()) }, code: "InvalidIdentityToken", text: notToken, status: 400},
		{name: "unknown key", token: token(fakeidp.RSAKey("key-9"), nil), code: "InvalidIdentityToken", text: noKey, status: 400},
		{name: "no key id", token: token(key, func(h, _ object) { delete(h, "kid") }), code: "InvalidIdentityToken", text: notToken, status: 400},
		{name: "critical header", token: token(key, func(h, _ object) { h["crit"] = []any{"exp"} }), code: "InvalidIdentityToken", text: notToken, status: 400},
		{name: "issuer not registered", token: claim("iss", "https://issuer.example.com"), code: "InvalidIdentityToken", text: "No OpenIDConnect provider found in your account for https://issuer.example.com", status: 400},
		{name: "another audience", token: claim("aud", "stranger"), code: "InvalidIdentityToken", text: "Incorrect token audience", status: 400},
		{name: "audience that the trust policy forbids", token: claim("aud", "other"), code: "AccessDenied", text: notAuthorized, status: 403},
		{name: "no audience", token: claim("aud", nil), code: "InvalidIdentityToken", text: "Missing a required claim: aud", status: 400},
		{name: "no subject", token: claim("sub", nil), code: "InvalidIdentityToken", text: "Missing a required claim: sub", status: 400},
		{name: "long subject", token: claim("sub", strings.Repeat("s", 256)), code: "InvalidIdentityToken", status: 400},
		{name: "expired", token: claim("exp", fromNow(-5)), code: "ExpiredTokenException", text: "Token expired: current date/time …", status: 400},
		{name: "no expiry", token: claim("exp", nil), code: "InvalidIdentityToken", text: "Missing a required claim: exp", status: 400},
		{name: "expiry with a fraction", token: claim("exp", fromNow(300.5)), code: "InvalidIdentityToken", text: "The claim exp is not an integer.", status: 400},
		{name: "no time of issue", token: claim("iat", nil), code: "InvalidIdentityToken", text: "Missing a required claim: iat", status: 400},
		{name: "issued in the future", token: claim("iat", fromNow(600)), code: "InvalidIdentityToken", status: 400},
		{name: "not valid yet", token: claim("nbf", fromNow(600)), code: "InvalidIdentityToken", status: 400},
		{name: "provider is away", token: claim("iss", gone.URL), code: "IDPCommunicationError", status: 400},
		{name: "no role", token: token(key, nil), role: "none", code: "AccessDenied", text: notAuthorized, status: 403},
		{name: "short session name", token: token(key, nil), code: "ValidationError", status: 400, change: func(in *sts.AssumeRoleWithWebIdentityInput) { in.RoleSessionName = new("x") }},
		{name: "session name with a blank", token: token(key, nil), code: "ValidationError", status: 400, change: func(in *sts.AssumeRoleWithWebIdentityInput) { in.RoleSessionName = new("a b") }},
		{name: "short session", token: token(key, nil), code: "ValidationError", status: 400, change: func(in *sts.AssumeRoleWithWebIdentityInput) { in.DurationSeconds = aws.Int32(899) }},
		{name: "long session", token: token(key, nil), code: "ValidationError", status: 400, change: func(in *sts.AssumeRoleWithWebIdentityInput) { in.DurationSeconds = aws.Int32(43201) }},
		{name: "longer than the role allows", token: token(key, nil), code: "ValidationError", text: "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", status: 400,
			change: func(in *sts.AssumeRoleWithWebIdentityInput) { in.DurationSeconds = aws.Int32(7200) }},
		{name: "policy without JSON", token: token(key, nil), code: "MalformedPolicyDocument", status: 400, change: func(in *sts.AssumeRoleWithWebIdentityInput) { in.Policy = new("x") }},
		{name: "long policy", token: token(key, nil), code: "ValidationError", status: 400, change: func(in *sts.AssumeRoleWithWebIdentityInput) { in.Policy = new(strings.Repeat("x", 2049)) }},
		{name: "access token of a social provider", token: text("Atza|abc"), code: "AccessDenied", text: notAuthorized, status: 403, change: func(in *sts.AssumeRoleWithWebIdentityInput) { in.ProviderId = new("www.amazon.com") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			role := tt.role
			if role == "" {
				role = "plain"
			}
			in := web(role, tt.token())
			if tt.change != nil {
				tt.change(in)
			}
			out, err := r.anybody().AssumeRoleWithWebIdentity(t.Context(), in)
			if tt.code != "" {
				want(t, err, tt.code, tt.text)
				if e, ok := errors.AsType[*smithyhttp.ResponseError](err); !ok || e.HTTPStatusCode() != tt.status {
					t.Errorf("status of %v", err)
				}
				return
			}
			check(t, err)
			if *out.Provider != fake.URL || *out.Audience != "app" || *out.SubjectFromWebIdentityToken != "dora" {
				t.Errorf("answer %+v", out)
			}
			if code := r.pools(t, of(out.Credentials)); code != "" {
				t.Errorf("ListUserPools: %s", code)
			}
		})
	}
	t.Cleanup(func() {
		// Unknown keys make the server ask again once a minute.
		if n := len(fake.Requests("/keys")); n > 3 {
			t.Errorf("the keys were fetched %d times", n)
		}
	})
}

// swap returns a token with the signature of another one.
func swap(signature, claims string) string {
	return claims[:strings.LastIndexByte(claims, '.')] + signature[strings.LastIndexByte(signature, '.'):]
}

// TestWebIdentityAsJSON is the form that some proxies ask for.
func TestWebIdentityAsJSON(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	const provider = "cognito-identity.amazonaws.com"
	pool, _, token := r.identityToken(t, nil)
	r.role(t, "people", trustLogin(provider, provider, pool), allow("s3:*"))
	form := url.Values{"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {roleARN + "people"}, "RoleSessionName": {"one"}, "WebIdentityToken": {token}}
	ask := func() string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL(), strings.NewReader(form.Encode()))
		check(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Accept", "application/json")
		res, err := http.DefaultClient.Do(req)
		check(t, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		check(t, err)
		return string(body)
	}
	if body := ask(); !strings.HasPrefix(body, `{"AssumeRoleWithWebIdentityResponse":{"AssumeRoleWithWebIdentityResult":{`) || !strings.Contains(body, `"SessionToken":"`) {
		t.Error(body)
	}
	form.Set("WebIdentityToken", "garbage")
	if body := ask(); !strings.HasPrefix(body, `{"Error":{"Code":"InvalidIdentityToken",`) {
		t.Error(body)
	}
}

// TestPresignedIdentity is how clients prove to others who they are.
func TestPresignedIdentity(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	ada := r.user(t, "ada", "")
	signed, err := sts.NewPresignClient(r.sts(ada)).PresignGetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	check(t, err)
	for change, status := range map[string]int{"": 200, "&x=1": 403} {
		res, body := serving.Get(t, signed.URL+change)
		if res.StatusCode != status || status == 200 && !strings.Contains(body, "<Arn>arn:aws:iam::"+account+":user/ada</Arn>") {
			t.Errorf("status %d: %s", res.StatusCode, body)
		}
	}
}
