package identitypool

import (
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/identity"
)

// The claims of user pools that name roles.
const (
	claimRoles         = "cognito:roles"
	claimPreferredRole = "cognito:preferred_role"
)

const (
	textRoles      = "Invalid identity pool configuration. Check assigned IAM roles for this pool."
	textCustomRole = "Requested role is not allowed for this identity."
	textNoRole     = "The logins match no role of this identity pool."
)

func noRole(text string) error { return refused(text).WithReason(api.ReasonNotAllowed) }

// badRoles is the error of a pool whose roles cannot be assumed. The cause is for the operator.
func badRoles(cause error) error {
	return identity.InvalidIdentityPoolConfigurationException(textRoles).WithReason(api.ReasonNotConfigured).WithCause(cause)
}

// chooseRole returns the ARN of the role for an identity: a guest, or the person of the logins.
// custom is the role that the request asks for, or "" (Cognito: using role-based access control).
func (p *Pool) chooseRole(logins []*login, custom string) (string, error) {
	role, err := p.wantedRole(logins, custom)
	if err == nil && role == "" {
		return "", badRoles(nil)
	}
	return role, err
}

func (p *Pool) wantedRole(logins []*login, custom string) (string, error) {
	if len(logins) == 0 {
		if custom != "" {
			return "", noRole(textCustomRole)
		}
		return p.Roles["unauthenticated"], nil
	}
	for _, l := range logins {
		m, ok := p.mappingOf(l)
		switch {
		case !ok:
			continue
		case m.Type == string(identity.RoleMappingTypeToken):
			return p.roleOfToken(&m, l, custom)
		}
		return p.roleOfRules(&m, l, custom)
	}
	if custom != "" && custom != p.Roles["authenticated"] {
		return "", noRole(textCustomRole)
	}
	return p.Roles["authenticated"], nil
}

// mappingOf returns the role mapping of a login's provider. For a user pool its key has the app
// client, and either name of the pool. The claims of other providers do not choose a mapping: a
// SAML provider may send attributes of any name.
func (p *Pool) mappingOf(l *login) (roleMapping, bool) {
	keys := []string{l.arn, l.provider}
	if l.local {
		client, _ := l.claims["aud"].(string)
		issuer, _ := l.claims["iss"].(string)
		_, issuer, _ = strings.Cut(issuer, "://")
		keys = []string{l.provider + ":" + client, issuer + ":" + client, l.provider}
	}
	for _, key := range keys {
		if m, ok := p.Mappings[key]; ok && key != "" {
			return m, true
		}
	}
	return roleMapping{}, false
}

func (p *Pool) roleOfToken(m *roleMapping, l *login, custom string) (string, error) {
	if custom != "" {
		if !slices.Contains(texts(l.claims[claimRoles]), custom) {
			return "", noRole(textCustomRole)
		}
		return custom, nil
	}
	if preferred, _ := l.claims[claimPreferredRole].(string); preferred != "" {
		return preferred, nil
	}
	return p.ambiguous(m)
}

func (p *Pool) roleOfRules(m *roleMapping, l *login, custom string) (string, error) {
	for _, r := range m.Rules {
		if r.matches(l.claims[r.Claim]) && (custom == "" || custom == r.Role) {
			return r.Role, nil
		}
	}
	if custom != "" {
		return "", noRole(textCustomRole)
	}
	return p.ambiguous(m)
}

// ambiguous returns the role where the mapping names none.
func (p *Pool) ambiguous(m *roleMapping) (string, error) {
	if m.Ambiguous == string(identity.AmbiguousRoleResolutionTypeDeny) {
		return "", noRole(textNoRole)
	}
	return p.Roles["authenticated"], nil
}

// matches reports whether a claim fulfils the rule. Of a list, one element must; for NotEqual all
// must differ. A claim that is not there fulfils none.
func (r *rule) matches(claim any) bool {
	values := texts(claim)
	if r.Match == string(identity.MappingRuleMatchTypeNotEqual) {
		return len(values) > 0 && !slices.Contains(values, r.Value)
	}
	return slices.ContainsFunc(values, func(v string) bool {
		switch identity.MappingRuleMatchType(r.Match) {
		case identity.MappingRuleMatchTypeEquals:
			return v == r.Value
		case identity.MappingRuleMatchTypeContains:
			return strings.Contains(v, r.Value)
		case identity.MappingRuleMatchTypeStartsWith:
			return strings.HasPrefix(v, r.Value)
		}
		return false
	})
}

// texts returns the texts of a claim that is a list, or the text of another claim.
func texts(claim any) []string {
	list, ok := claim.([]any)
	if !ok {
		list = []any{claim}
	}
	var out []string
	for _, v := range list {
		if text, ok := claimText(v); ok {
			out = append(out, text)
		}
	}
	return out
}
