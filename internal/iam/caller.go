package iam

import "cognate/internal/iam/policy"

// A Caller is a principal as policies see it. It decides about requests at services that
// know no policies of their own, such as those behind the gateway.
type Caller struct {
	Principal policy.Principal
	Layers    policy.Layers
	// Conditions are the condition keys that describe the caller, in lower case. Keys of
	// the request are not among them.
	Conditions map[string][]string
}

// Caller returns what policies see of a principal.
func (s *Service) Caller(p *Principal) Caller {
	return Caller{
		Principal:  policy.Principal{Account: s.deps.AccountID, ARN: p.ARN, ID: p.ID},
		Layers:     policy.Layers{Identity: p.policies, Boundary: p.boundary},
		Conditions: p.conditions(),
	}
}

// conditions returns the condition keys of the principal itself.
func (p *Principal) conditions() map[string][]string {
	c := map[string][]string{keyPrincipalType: {"User"}}
	for key, value := range map[string]string{keyUserID: p.ID, keyUsername: p.Name} {
		if value != "" {
			c[key] = []string{value}
		}
	}
	for key, value := range p.Tags {
		c[prefixPrincipalTag+key] = []string{value}
	}
	return c
}
