package outputs_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/template/outputs"
)

func shop() *outputs.Deployment {
	first := 1
	return &outputs.Deployment{
		Region: "eu-west-1", Endpoint: "http://localhost:9229",
		UserPool: &outputs.UserPool{
			ID: "eu-west-1_shop", UsernameAttributes: []string{"email"}, RequiredAttributes: []string{"email"},
			VerifiedAttributes: []string{"email"}, MFA: "OPTIONAL", MFAMethods: []string{"TOTP"},
			Password: &outputs.PasswordPolicy{MinimumLength: 10, Lowercase: true, Numbers: true},
			Groups:   []outputs.Group{{Name: "admins", Precedence: &first}, {Name: "buyers"}},
		},
		Client: &outputs.Client{ID: "client", OAuth: &outputs.OAuth{
			Domain: "shop.auth.localhost:9230", Scopes: []string{"openid"}, CallbackURLs: []string{"http://localhost:3000/", "http://localhost:5173/"},
			Providers: []string{"Google", "Okta"},
		}},
		IdentityPool: &outputs.IdentityPool{ID: "eu-west-1:pool", Guests: true},
		Custom:       map[string]string{"ApiUrl": "http://localhost:8080"},
		Values:       []outputs.Value{{"AUTH_USER_POOL_ID", "eu-west-1_shop"}, {"GREETING", "it's \"$5\"\n"}, {"TEXT", "a b"}, {"AWS_REGION", "twice"}},
	}
}

// TestAmplifyOutputs: Amplify sees the entry Auth with the endpoints, applications that of Gen 2.
func TestAmplifyOutputs(t *testing.T) {
	t.Parallel()
	text, err := shop().AmplifyOutputs()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got["version"] != nil {
		t.Error("with a version, Amplify does not read the endpoints")
	}
	for name := range got {
		if strings.HasPrefix(name, "aws_") {
			t.Errorf("with %s, Amplify does not read the endpoints", name)
		}
	}
	const auth = `{
  "userPoolId": "eu-west-1_shop", "userPoolClientId": "client", "userPoolEndpoint": "http://localhost:9229",
  "identityPoolId": "eu-west-1:pool", "identityPoolEndpoint": "http://localhost:9229", "allowGuestAccess": true,
  "signUpVerificationMethod": "code", "userAttributes": {"email": {"required": true}},
  "loginWith": {"username": false, "email": true, "phone": false, "oauth": {
    "domain": "shop.auth.localhost:9230", "scopes": ["openid"], "redirectSignIn": ["http://localhost:3000/", "http://localhost:5173/"],
    "redirectSignOut": [], "responseType": "code", "providers": ["Google", {"custom": "Okta"}]}},
  "mfa": {"status": "optional", "totpEnabled": true, "smsEnabled": false},
  "passwordFormat": {"minLength": 10, "requireLowercase": true, "requireUppercase": false, "requireNumbers": true, "requireSpecialCharacters": false},
  "groups": [{"admins": {"precedence": 1}}, {"buyers": {}}]}`
	const gen2 = `{
  "aws_region": "eu-west-1", "user_pool_id": "eu-west-1_shop", "user_pool_client_id": "client", "identity_pool_id": "eu-west-1:pool",
  "mfa_methods": ["TOTP"], "standard_required_attributes": ["email"], "username_attributes": ["email"],
  "user_verification_types": ["email"], "groups": [{"admins": {"precedence": 1}}, {"buyers": {}}], "mfa_configuration": "OPTIONAL",
  "password_policy": {"min_length": 10, "require_lowercase": true, "require_numbers": true, "require_symbols": false, "require_uppercase": false},
  "oauth": {"identity_providers": ["GOOGLE"], "domain": "shop.auth.localhost:9230", "scopes": ["openid"],
    "redirect_sign_in_uri": ["http://localhost:3000/", "http://localhost:5173/"], "redirect_sign_out_uri": [], "response_type": "code"},
  "unauthenticated_identities_enabled": true}`
	if diff := cmp.Diff(decoded(t, auth), got["Auth"].(map[string]any)["Cognito"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(decoded(t, gen2), got["auth"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(decoded(t, `{"ApiUrl": "http://localhost:8080"}`), got["custom"]); diff != "" {
		t.Error(diff)
	}
}

func decoded(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestAWSExports checks the entries of Gen 1. The tests of test/js run the file.
func TestAWSExports(t *testing.T) {
	t.Parallel()
	text, err := shop().AWSExports()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "const exported = ")
	exported, _, _ := strings.Cut(rest, ";\n")
	const want = `{
  "aws_project_region": "eu-west-1", "aws_cognito_identity_pool_id": "eu-west-1:pool", "aws_cognito_region": "eu-west-1",
  "aws_user_pools_id": "eu-west-1_shop", "aws_user_pools_web_client_id": "client",
  "oauth": {"domain": "shop.auth.localhost:9230", "scope": ["openid"], "redirectSignIn": "http://localhost:3000/,http://localhost:5173/", "redirectSignOut": "", "responseType": "code"},
  "aws_cognito_username_attributes": ["EMAIL"], "aws_cognito_social_providers": ["GOOGLE"], "aws_cognito_signup_attributes": ["EMAIL"],
  "aws_cognito_mfa_configuration": "OPTIONAL", "aws_cognito_mfa_types": ["TOTP"],
  "aws_cognito_password_protection_settings": {"passwordPolicyMinLength": 10, "passwordPolicyCharacters": ["REQUIRES_LOWERCASE", "REQUIRES_NUMBERS"]},
  "aws_cognito_verification_mechanisms": ["EMAIL"]}`
	if diff := cmp.Diff(decoded(t, want), decoded(t, exported)); diff != "" {
		t.Error(diff)
	}
}

// TestEmpty: a template may have no user pool, or nothing.
func TestEmpty(t *testing.T) {
	t.Parallel()
	d := &outputs.Deployment{Region: "us-east-1", Endpoint: "http://localhost:9229"}
	if text, err := d.AmplifyOutputs(); err != nil || strings.Contains(string(text), "null") {
		t.Errorf("%s, %v", text, err)
	}
	if text, err := d.AWSExports(); err != nil || strings.Contains(string(text), "null") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestEnv(t *testing.T) {
	t.Parallel()
	const want = `COGNITO_ENDPOINT=http://localhost:9229
AWS_REGION=eu-west-1
AWS_DEFAULT_REGION=eu-west-1
AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER=http://localhost:9229
AWS_ENDPOINT_URL_COGNITO_IDENTITY=http://localhost:9229
COGNITO_USER_POOL_ID=eu-west-1_shop
COGNITO_CLIENT_ID=client
COGNITO_IDENTITY_POOL_ID=eu-west-1:pool
AUTH_USER_POOL_ID=eu-west-1_shop
GREETING="it's \"\$5\"\n"
TEXT='a b'
`
	if diff := cmp.Diff(want, string(shop().Env())); diff != "" {
		t.Error(diff)
	}
}

// TestEnvInShell: a shell that reads the file runs nothing of its values.
func TestEnvInShell(t *testing.T) {
	t.Parallel()
	const value = "it's `echo no` $(echo no) \\ \"x\""
	file := filepath.Join(t.TempDir(), ".env")
	d := &outputs.Deployment{Values: []outputs.Value{{"TEXT", value}}}
	if err := os.WriteFile(file, d.Env(), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := exec.CommandContext(t.Context(), "sh", "-c", `. "$0" && printf %s "$TEXT"`, file).Output()
	if err != nil || string(got) != value {
		t.Errorf("got %q, %v; want %q", got, err, value)
	}
}

func TestVariable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ path, suffix, want string }{
		{"UserPool", "ID", "USER_POOL_ID"},
		{"UserPool6BA7E5F2", "ID", "USER_POOL_ID"},
		{"Auth/AmplifyUserPool6BA7E5F2", "ID", "AUTH_AMPLIFY_USER_POOL_ID"},
		{"userPoolId", "", "USER_POOL_ID"},
		{"APIUrl", "", "API_URL"},
		{"PoolC98C37AEC", "SECRET", "POOL_C_SECRET"},
		{"SvcServiceURL1A95443A", "", "SVC_SERVICE_URL"},
		{"D3F588B8", "", "D3_F588_B8"},
		{"DEADBEEF", "", "DEADBEEF"},
		{"2Pools", "", "_2_POOLS"},
		{"", "", "_"},
	} {
		if got := outputs.Variable(test.path, test.suffix); got != test.want {
			t.Errorf("Variable(%q, %q) = %q, want %q", test.path, test.suffix, got, test.want)
		}
	}
}
