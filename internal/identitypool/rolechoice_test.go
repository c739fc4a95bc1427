package identitypool

import (
	"encoding/json"
	"maps"
	"testing"

	"cognate/internal/api"
)

// TestRoleChoice has a row for each rule about roles (Cognito: using role-based access control).
func TestRoleChoice(t *testing.T) {
	t.Parallel()
	const (
		people, guests = "arn:aws:iam::123456789012:role/people", "arn:aws:iam::123456789012:role/guests"
		a, b, c        = "arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:role/b", "arn:aws:iam::123456789012:role/c"
		provider       = "cognito-idp.us-east-1.amazonaws.com/us-east-1_Pool"
		key            = provider + ":app"
		corp           = "arn:aws:iam::123456789012:oidc-provider/login.example.com"
		denied         = "NotAuthorizedException"
		broken         = "InvalidIdentityPoolConfigurationException"
	)
	mapping := func(kind, ambiguous string, rules ...rule) map[string]roleMapping {
		return map[string]roleMapping{key: {Type: kind, Ambiguous: ambiguous, Rules: rules}}
	}
	claims := func(text string) map[string]any {
		out := map[string]any{"aud": "app", "iss": "https://" + provider}
		var more map[string]any
		if err := json.Unmarshal([]byte(text), &more); err != nil {
			t.Fatal(err)
		}
		maps.Copy(out, more)
		return out
	}
	person := func(text string) []*login { return []*login{{provider: provider, local: true, claims: claims(text)}} }
	roles := `{"cognito:roles":["` + a + `","` + b + `"]}`
	preferred := `{"cognito:roles":["` + a + `","` + b + `"],"cognito:preferred_role":"` + b + `"}`
	ordered := []rule{{"custom:dept", "Equals", "legal", a}, {"custom:dept", "StartsWith", "le", b}, {"cognito:groups", "Contains", "adm", c}}
	for _, row := range []struct {
		name     string
		mappings map[string]roleMapping
		logins   []*login
		custom   string
		want     string
	}{
		{"guest", nil, nil, "", guests},
		{"guest asks for a role", nil, nil, guests, denied},
		{"no mapping", nil, person(`{}`), "", people},
		{"no mapping, the role asked for is that of the pool", nil, person(`{}`), people, people},
		{"no mapping, another role asked for", nil, person(roles), a, denied},
		{"mapping of another app client", map[string]roleMapping{provider + ":other": {Type: "Token", Ambiguous: "Deny"}}, person(`{}`), "", people},
		{"token, preferred role", mapping("Token", "Deny"), person(preferred), "", b},
		{"token, role asked for", mapping("Token", "Deny"), person(preferred), a, a},
		{"token, role asked for that the person does not have", mapping("Token", "AuthenticatedRole"), person(preferred), c, denied},
		{"token, several roles", mapping("Token", "AuthenticatedRole"), person(roles), "", people},
		{"token, several roles, deny", mapping("Token", "Deny"), person(roles), "", denied},
		{"token, no roles", mapping("Token", "AuthenticatedRole"), person(`{}`), "", people},
		{"token, no roles, deny", mapping("Token", "Deny"), person(`{}`), "", denied},
		{"token, no roles, role asked for", mapping("Token", "AuthenticatedRole"), person(`{}`), people, denied},
		{"rules, the first that matches", mapping("Rules", "Deny", ordered...), person(`{"custom:dept":"legal"}`), "", a},
		{"rules, StartsWith", mapping("Rules", "Deny", ordered...), person(`{"custom:dept":"lease"}`), "", b},
		{"rules, Contains in an element", mapping("Rules", "Deny", ordered...), person(`{"cognito:groups":["x","badmin"]}`), "", c},
		{"rules, case counts", mapping("Rules", "Deny", ordered...), person(`{"custom:dept":"Legal"}`), "", denied},
		{"rules, none matches", mapping("Rules", "AuthenticatedRole", ordered...), person(`{"custom:dept":"sales"}`), "", people},
		{"rules, none matches, deny", mapping("Rules", "Deny", ordered...), person(`{"custom:dept":"sales"}`), "", denied},
		{"rules, a later role asked for", mapping("Rules", "Deny", ordered...), person(`{"custom:dept":"legal"}`), b, b},
		{"rules, role asked for of a rule that does not match", mapping("Rules", "AuthenticatedRole", ordered...), person(`{"custom:dept":"legal"}`), c, denied},
		{"rules, NotEqual", mapping("Rules", "Deny", rule{"custom:dept", "NotEqual", "legal", a}), person(`{"custom:dept":"sales"}`), "", a},
		{"rules, NotEqual to the value", mapping("Rules", "Deny", rule{"custom:dept", "NotEqual", "legal", a}), person(`{"custom:dept":"legal"}`), "", denied},
		{"rules, NotEqual of a claim that is not there", mapping("Rules", "Deny", rule{"custom:dept", "NotEqual", "legal", a}), person(`{}`), "", denied},
		{"rules, NotEqual of a list", mapping("Rules", "Deny", rule{"cognito:groups", "NotEqual", "x", a}), person(`{"cognito:groups":["y","x"]}`), "", denied},
		{"rules, a boolean", mapping("Rules", "Deny", rule{"email_verified", "Equals", "true", a}), person(`{"email_verified":true}`), "", a},
		{"rules, an empty value is in every text", mapping("Rules", "Deny", rule{"custom:dept", "Contains", "", a}), person(`{}`), "", denied},
		{"mapping by the issuer's name", map[string]roleMapping{"localhost:9229/us-east-1_Pool:app": {Type: "Token", Ambiguous: "Deny"}},
			[]*login{{provider: provider, local: true, claims: map[string]any{"aud": "app", "iss": "http://localhost:9229/us-east-1_Pool", "cognito:preferred_role": a}}}, "", a},
		{"mapping by the provider's ARN", map[string]roleMapping{corp: {Type: "Rules", Ambiguous: "Deny", Rules: []rule{{"sub", "Equals", "ada", a}}}},
			[]*login{{provider: "login.example.com", arn: corp, claims: map[string]any{"sub": "ada"}}}, "", a},
		{"attributes that look like claims of a user pool", mapping("Token", "Deny"),
			[]*login{{provider: "arn:aws:iam::123456789012:saml-provider/partner", arn: "arn:aws:iam::123456789012:saml-provider/partner", claims: claims(preferred)}}, "", people},
		{"the first login with a mapping", mapping("Token", "Deny"), append([]*login{{provider: "accounts.google.com"}}, person(preferred)...), "", b},
		{"a developer's user", mapping("Token", "Deny"), []*login{{provider: cognitoProvider, identity: "us-east-1:x"}}, "", people},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := &Pool{settings: settings{Roles: map[string]string{"authenticated": people, "unauthenticated": guests}, Mappings: row.mappings}}
			role, err := p.chooseRole(row.logins, row.custom)
			if err != nil {
				role = api.CodeOf(err)
			}
			if role != row.want {
				t.Errorf("got %s, %v; want %s", role, err, row.want)
			}
		})
	}
	for _, logins := range [][]*login{nil, person(`{}`)} {
		if _, err := (&Pool{}).chooseRole(logins, ""); api.CodeOf(err) != broken {
			t.Errorf("a pool without roles: %v", err)
		}
	}
}
