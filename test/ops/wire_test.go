package ops_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

const validation = " failed to satisfy constraint: "

// TestValidation sends what the SDK would not: several violations at once, what
// is left out, what is of another type.
func TestValidation(t *testing.T) {
	null := func(member string) string {
		return "Value null at '" + member + "'" + validation + "Member must not be null"
	}
	hidden := func(member, phrase string) string { return "Value at '" + member + "'" + validation + phrase }
	shown := func(value, member, phrase string) string {
		return "Value '" + value + "' at '" + member + "'" + validation + phrase
	}
	const (
		notNull  = "Member must not be null"
		poolForm = `Member must satisfy regular expression pattern: [\w-]+_[0-9a-zA-Z]+`
		nameForm = `Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+`
		noSpace  = `Member must satisfy regular expression pattern: [\S]+`
		edges    = `Member must satisfy regular expression pattern: ^[\S]+.*[\S]+$`
		atLeast1 = "Member must have length greater than or equal to 1"
	)
	long := strings.Repeat("a", 129)
	rows := []struct {
		name, operation, body string
		want                  []string // the violations, in the model's order
	}{
		{"nothing", "AdminGetUser", `{}`, []string{null("userPoolId"), hidden("username", notNull)}},
		{"empty body", "AdminGetUser", ``, []string{null("userPoolId"), hidden("username", notNull)}},
		{"nulls", "AdminGetUser", `{"UserPoolId":null,"Username":null}`, []string{null("userPoolId"), hidden("username", notNull)}},
		{"pool's form", "DescribeUserPool", `{"UserPoolId":"abc"}`, []string{shown("abc", "userPoolId", poolForm)}},
		{"pool's form and length", "DescribeUserPool", `{"UserPoolId":""}`, []string{shown("", "userPoolId", poolForm), shown("", "userPoolId", atLeast1)}},
		{"username too long", "AdminGetUser", `{"UserPoolId":"us-east-1_a","Username":"` + long + `"}`, []string{hidden("username", "Member must have length less than or equal to 128")}},
		{"username with a space", "AdminDeleteUser", `{"UserPoolId":"us-east-1_a","Username":"a b"}`, []string{hidden("username", nameForm)}},
		{"code", "ConfirmSignUp", `{"ClientId":"c","Username":"u","ConfirmationCode":""}`, []string{shown("", "confirmationCode", noSpace), shown("", "confirmationCode", atLeast1)}},
		{"no attribute name", "GetUserAttributeVerificationCode", `{"AccessToken":"a"}`, []string{null("attributeName")}},
		{"no token", "GetUser", `{}`, []string{hidden("accessToken", notNull)}},
		{"token's form", "GetUser", `{"AccessToken":"a b"}`, []string{hidden("accessToken", "Member must satisfy regular expression pattern: [A-Za-z0-9-_=.]+")}},
		{"password with a leading space", "SignUp", `{"ClientId":"c","Username":"u","Password":" Passw0rd!"}`, []string{hidden("password", edges)}},
		{"password too long", "SignUp", `{"ClientId":"c","Username":"u","Password":"` + long + long + `"}`, []string{hidden("password", "Member must have length less than or equal to 256")}},
		{"attribute in a list", "AdminUpdateUserAttributes", `{"UserPoolId":"us-east-1_a","Username":"u","UserAttributes":[{"Name":"a"},{"Value":"x"}]}`, []string{null("userAttributes.2.member.name")}},
		{"value too long", "AdminUpdateUserAttributes", `{"UserPoolId":"us-east-1_a","Username":"u","UserAttributes":[{"Name":"a","Value":"` + strings.Repeat("x", 2049) + `"}]}`,
			[]string{hidden("userAttributes.1.member.value", "Member must have length less than or equal to 2048")}},
		{"numbers", "ListUsers", `{"UserPoolId":"us-east-1_a","Limit":61}`, []string{shown("61", "limit", "Member must have value less than or equal to 60")}},
		{"numbers below", "ListUserPools", `{"MaxResults":0}`, []string{shown("0", "maxResults", "Member must have value greater than or equal to 1")}},
		{"filter", "ListUsers", `{"UserPoolId":"us-east-1_a","Filter":"` + long + long + `"}`, []string{shown(long+long, "filter", "Member must have length less than or equal to 256")}},
		{"enumeration", "CreateUserPool", `{"PoolName":"p","MfaConfiguration":"Off"}`, []string{shown("Off", "mfaConfiguration", "Member must satisfy enum value set: [OFF, ON, OPTIONAL]")}},
		{"nested", "CreateUserPool", `{"PoolName":"p","Policies":{"PasswordPolicy":{"MinimumLength":5}}}`,
			[]string{shown("5", "policies.passwordPolicy.minimumLength", "Member must have value greater than or equal to 6")}},
		{"three at once", "CreateGroup", `{"GroupName":"","UserPoolId":"x","Precedence":-1}`,
			[]string{shown("", "groupName", nameForm), shown("", "groupName", atLeast1), shown("x", "userPoolId", poolForm), shown("-1", "precedence", "Member must have value greater than or equal to 0")}},
	}
	each(t, func(t *testing.T, r rig) {
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				res, text := r.post(t, row.operation, row.body)
				count := "1 validation error detected: "
				if n := len(row.want); n > 1 {
					count = string(rune('0'+n)) + " validation errors detected: "
				}
				wantWire(t, res, text, http.StatusBadRequest, "InvalidParameterException", count+strings.Join(row.want, "; "))
			})
		}
	})
}

// wantWire compares an error as it is on the wire.
func wantWire(t *testing.T, res *http.Response, text string, status int, code, message string) {
	t.Helper()
	var body map[string]string
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Fatalf("%d %s: %v", res.StatusCode, text, err)
	}
	if res.StatusCode != status || body["__type"] != code || body["message"]+body["Message"] != message {
		t.Errorf("got  %d %s\nwant %d %s %s", res.StatusCode, text, status, code, message)
	}
	if h := res.Header; h.Get("X-Amzn-ErrorType") != code+":" || h.Get("X-Amzn-RequestId") == "" || h.Get("Content-Type") != "application/x-amz-json-1.1" {
		t.Errorf("headers %v", h)
	}
}

// TestFrontDoor has the errors before an operation runs.
func TestFrontDoor(t *testing.T) {
	target := func(value string) func(*http.Request) {
		return func(req *http.Request) { req.Header.Set("X-Amz-Target", value) }
	}
	unsigned := func(req *http.Request) { req.Header.Del("Authorization") }
	rows := []struct {
		name, operation, body string
		change                func(*http.Request)
		code, message         string
	}{
		{"unknown operation", "", `{}`, target("AWSCognitoIdentityProviderService.Nonsense"), "UnknownOperationException", ""},
		{"operation in another case", "", `{}`, target("AWSCognitoIdentityProviderService.listUserPools"), "UnknownOperationException", ""},
		{"unknown service", "", `{}`, target("Nonsense.ListUserPools"), "UnknownOperationException", ""},
		{"no target", "", `{}`, func(req *http.Request) { req.Header.Del("X-Amz-Target") }, "UnknownOperationException", ""},
		{"not signed", "ListUserPools", `{"MaxResults":1}`, unsigned, "MissingAuthenticationTokenException", "Missing Authentication Token"},
		{"not signed and senseless", "ListUserPools", `{`, unsigned, "MissingAuthenticationTokenException", "Missing Authentication Token"},
	}
	each(t, func(t *testing.T, r rig) {
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				res, text := r.post(t, row.operation, row.body, row.change)
				wantWire(t, res, text, http.StatusBadRequest, row.code, row.message)
			})
		}
		for _, body := range []string{`{`, `[]`, `"x"`, `{"MaxResults":"1"}`, `{"MaxResults":1.5}`, `{"MaxResults":1}{}`, `{"MaxResults":{}}`, "\xff"} {
			t.Run("body "+body, func(t *testing.T) {
				res, text := r.post(t, "ListUserPools", body)
				var got map[string]string
				if err := json.Unmarshal([]byte(text), &got); err != nil || res.StatusCode != http.StatusBadRequest || got["__type"] != "SerializationException" {
					t.Errorf("%d %s", res.StatusCode, text)
				}
			})
		}
		t.Run("not signed, public", func(t *testing.T) {
			res, text := r.post(t, "GetUser", `{"AccessToken":"x"}`, unsigned)
			wantWire(t, res, text, http.StatusBadRequest, "NotAuthorizedException", "Invalid Access Token")
		})
		t.Run("unknown members are ignored", func(t *testing.T) {
			res, text := r.post(t, "ListUserPools", `{"MaxResults":1,"Colour":"red"}`)
			if res.StatusCode != http.StatusOK {
				t.Errorf("%d %s", res.StatusCode, text)
			}
		})
	})
}

// TestEmptyAnswers holds the two kinds of answers without members: no body at
// all, and an empty object.
func TestEmptyAnswers(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool := r.pool(t)
		r.group(t, pool, "g")
		r.user(t, pool, "alice", verified("a@example.com")...)
		in := `{"UserPoolId":"` + pool + `","Username":"alice"`
		for _, row := range []struct{ operation, body, want string }{
			{"AdminAddUserToGroup", in + `,"GroupName":"g"}`, ""},
			{"AdminRemoveUserFromGroup", in + `,"GroupName":"g"}`, ""},
			{"AdminDisableUser", in + `}`, "{}"},
			{"AdminEnableUser", in + `}`, "{}"},
			{"AdminUserGlobalSignOut", in + `}`, "{}"},
			{"AdminSetUserPassword", in + `,"Password":"` + password + `","Permanent":true}`, "{}"},
			{"AdminUpdateUserAttributes", in + `,"UserAttributes":[{"Name":"name","Value":"A"}]}`, "{}"},
			{"AdminDeleteUserAttributes", in + `,"UserAttributeNames":["name"]}`, "{}"},
			{"AdminResetUserPassword", in + `}`, "{}"},
			{"AdminDeleteUser", in + `}`, ""},
			{"DeleteGroup", `{"UserPoolId":"` + pool + `","GroupName":"g"}`, ""},
			{"UpdateUserPool", `{"UserPoolId":"` + pool + `"}`, "{}"},
			{"DeleteUserPool", `{"UserPoolId":"` + pool + `"}`, ""},
		} {
			res, text := r.post(t, row.operation, row.body)
			if res.StatusCode != http.StatusOK || text != row.want || res.Header.Get("X-Amzn-RequestId") == "" {
				t.Errorf("%s: %d %q, want %q", row.operation, res.StatusCode, text, row.want)
			}
		}
	})
}
