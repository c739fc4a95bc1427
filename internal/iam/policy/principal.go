package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Principal is the identity that asks. An identity without a field leaves it empty;
// the zero Principal is an anonymous caller.
type Principal struct {
	// Account is the account id of users, roles and the root user.
	Account string
	// ARN is the ARN of the user or of the role with its path, or the root user's
	// arn:aws:iam::ACCOUNT:root. A session of GetSessionToken has its user's ARN. A
	// federated user has the ARN of the user that called GetFederationToken.
	ARN string
	// ID is the unique id that belongs to ARN: AIDA… or AROA…. Principals of stored
	// documents can name it instead of the ARN.
	ID string
	// Session is the ARN of a role's session (assumed-role) or of a federated user.
	Session string
	// Federated is the provider of a login: an OIDC or SAML provider's ARN, or a
	// domain such as cognito-identity.amazonaws.com. A session of a role that was
	// assumed with a login keeps it.
	Federated string
	// Service is a service's name, such as lambda.amazonaws.com.
	Service string
	// CanonicalUser is the account's canonical user id (Amazon S3).
	CanonicalUser string
}

// isRoot reports whether p is the account's root user, whose requests no
// identity-based policy limits.
func (p *Principal) isRoot() bool { return p.Session == "" && rootAccount(p.ARN) != "" }

// isLogin reports whether p is a login at a provider that has no role yet.
func (p *Principal) isLogin() bool { return p.Federated != "" && p.ARN == "" && p.Session == "" }

// rootAccount returns the account of arn:PARTITION:iam::ACCOUNT:root, or "".
func rootAccount(s string) string {
	before, ok := strings.CutSuffix(s, ":root")
	if !ok || !strings.HasPrefix(before, "arn:") {
		return ""
	}
	i := strings.LastIndexByte(before, ':')
	if !isAccount(before[i+1:]) || !strings.HasSuffix(before[:i], ":iam:") {
		return ""
	}
	return before[i+1:]
}

func isAccount(s string) bool { return len(s) == 12 && allDigits(s) }

// grant is what a statement of a resource's policy means for a principal in the
// resource's account.
type grant uint8

const (
	noGrant grant = iota
	// accountGrant delegates to the account: an identity-based policy must allow, too.
	accountGrant
	// entityGrant needs no identity-based policy. A permissions boundary and session
	// policies still limit it, because it names the role and not the session.
	entityGrant
	// directGrant needs no other policy.
	directGrant
)

// principals are the elements of Principal or NotPrincipal.
type principals struct {
	trust     bool // the document is a trust policy
	all       bool // "*"
	accounts  []string
	entities  []string // ARNs and unique ids
	federated []string
	services  []string
	canonical []string
}

// match returns what the elements of an Allow mean for p. For a Deny every result
// but noGrant is a match.
func (s *principals) match(p *Principal, deny bool) grant {
	switch {
	case p.Session != "" && slices.Contains(s.entities, p.Session):
		return directGrant
	case p.ARN != "" && slices.Contains(s.entities, p.ARN), p.ID != "" && slices.Contains(s.entities, p.ID):
		if p.Session == "" {
			return directGrant
		}
		return entityGrant
	case p.Federated != "" && slices.Contains(s.federated, p.Federated) && (deny || !s.trust || p.isLogin()):
		// A provider's name in a trust policy means its logins, not the sessions of
		// other roles that began with such a login.
		if p.isLogin() {
			return directGrant
		}
		return entityGrant
	case p.Service != "" && slices.Contains(s.services, p.Service):
		return directGrant
	case s.all && (deny || !p.isLogin()):
		// A login at a provider is trusted only by that provider's name.
		return entityGrant
	case p.CanonicalUser != "" && slices.Contains(s.canonical, p.CanonicalUser),
		p.Account != "" && slices.Contains(s.accounts, p.Account):
		if p.isRoot() {
			return directGrant
		}
		return accountGrant
	}
	return noGrant
}

// excepts reports whether NotPrincipal with these elements exempts p. A user or a role
// is exempt if both it and its account are listed (IAM User Guide: "AWS JSON policy
// elements: NotPrincipal").
func (s *principals) excepts(p *Principal) bool {
	switch g := s.match(p, true); {
	case s.all:
		return true
	case p.Account == "" || p.isRoot():
		return g != noGrant
	case !slices.Contains(s.accounts, p.Account):
		return false
	default:
		return g >= entityGrant
	}
}

// A PrincipalRef is an element of Principal: its type, such as "AWS", and its value.
// For "Principal": "*" the type is "AWS".
type PrincipalRef struct{ Type, Value string }

// InvalidPrincipal returns the error for a principal that does not exist. Its Text is
// the one that clients retry, since a new role may not be visible yet.
func InvalidPrincipal(r PrincipalRef) *Error {
	return &Error{
		Text: fmt.Sprintf("Invalid principal in policy: %q:%q", r.Type, r.Value), Member: "Principal", at: -1,
		Reason: fmt.Sprintf("%q is not a principal of type %s", r.Value, r.Type),
	}
}

// The forms of principals (IAM User Guide: "AWS JSON policy elements: Principal").
var (
	entityForm    = regexp.MustCompile(`^arn:aws[a-z-]*:(iam::([0-9]{12}:(user|role)|cloudfront:user)/[\x21-\x7e ]+|sts::[0-9]{12}:(assumed-role/[\w+=,.@-]+/[\w+=,.@-]+|federated-user/[\w+=,.@-]+))$`)
	uniqueIDForm  = regexp.MustCompile(`^(AIDA|AROA|ANPA|AGPA)[A-Z0-9]{8,124}$`)
	providerForm  = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(oidc-provider|saml-provider)/[\x21-\x7e]+$`)
	serviceForm   = regexp.MustCompile(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)
	canonicalForm = regexp.MustCompile(`^[0-9a-f]{32,128}$`)
)

// providerDomains are the providers that every account trusts without an own object, besides identity
// pools.
var providerDomains = []string{"accounts.google.com", "www.amazon.com", "graph.facebook.com"}

// poolsForm is the form of the names that identity pools have as a provider. Each partition has
// another one, and in China each Region.
var poolsForm = regexp.MustCompile(`^(cognito-identity(-us-gov)?\.amazonaws\.com|cognito-identity\.cn-[a-z]+-[0-9]\.amazonaws\.com\.cn)$`)

// IsIdentityPools reports whether a provider's name is that of identity pools in some partition.
func IsIdentityPools(provider string) bool { return poolsForm.MatchString(provider) }

// parsePrincipals reads Principal or NotPrincipal.
func parsePrincipals(v *value) (*principals, []PrincipalRef, *Error) {
	var s principals
	if v.kind == textValue {
		if v.text != "*" {
			return nil, nil, faultf(textSyntax, v, `must be an object or "*"`)
		}
		s.all = true
		return &s, []PrincipalRef{{"AWS", "*"}}, nil
	}
	if v.kind != objectValue || len(v.members) == 0 {
		return nil, nil, faultf(textSyntax, v, `must be an object or "*"`)
	}
	var refs []PrincipalRef
	for i := range v.members {
		m := &v.members[i]
		if !slices.Contains([]string{"AWS", "Federated", "Service", "CanonicalUser"}, m.key) {
			e := faultf(textSyntax, nil, "has no member %q", m.key)
			e.at = m.at
			return nil, nil, e
		}
		values, err := texts(&m.value)
		if err != nil {
			return nil, nil, err
		}
		for _, text := range values {
			ref := PrincipalRef{m.key, text}
			if !s.add(ref) {
				e := InvalidPrincipal(ref)
				e.at, e.Member = m.value.start, ""
				return nil, nil, e
			}
			refs = append(refs, ref)
		}
	}
	return &s, refs, nil
}

// add adds an element. It returns false if its form is wrong.
func (s *principals) add(r PrincipalRef) bool {
	text := r.Value
	switch r.Type {
	case "AWS":
		account := rootAccount(text)
		switch {
		case text == "*":
			s.all = true
		case account != "":
			s.accounts = append(s.accounts, account)
		case isAccount(text):
			s.accounts = append(s.accounts, text)
		case entityForm.MatchString(text) && !strings.ContainsAny(text, "*?"), uniqueIDForm.MatchString(text):
			s.entities = append(s.entities, text)
		default:
			return false
		}
	case "Federated":
		s.federated = append(s.federated, text)
		return slices.Contains(providerDomains, text) || IsIdentityPools(text) || providerForm.MatchString(text) && !strings.ContainsAny(text, "*?")
	case "Service":
		s.services = append(s.services, text)
		return serviceForm.MatchString(text)
	case "CanonicalUser":
		s.canonical = append(s.canonical, text)
		return canonicalForm.MatchString(text)
	}
	return true
}
