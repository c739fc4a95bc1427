package iam

import (
	"strings"

	"cognate/internal/iam/policy"
)

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
	c := Caller{Principal: p.subject, Layers: p.layers, Conditions: map[string][]string{}}
	p.conditionKeys(func(key string, values ...string) { c.Conditions[strings.ToLower(key)] = values })
	return c
}
