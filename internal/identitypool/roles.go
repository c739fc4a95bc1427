package identitypool

import (
	"context"
	"regexp"

	"cognate/internal/api"
	"cognate/internal/api/identity"
)

// maxRules is how many rules a provider may have (Cognito: quotas in identity pools).
const maxRules = 25

var roleARN = regexp.MustCompile(`^arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:role/.+$`)

// SetIdentityPoolRoles replaces the roles of a pool and their mappings. That the roles exist is
// seen when credentials are asked for.
func (s *Service) SetIdentityPoolRoles(ctx context.Context, in *identity.SetIdentityPoolRolesInput) error {
	for kind, arn := range in.Roles {
		if kind != "authenticated" && kind != "unauthenticated" {
			return invalid("Invalid role type: " + kind)
		}
		if !roleARN.MatchString(arn) {
			return invalid("Invalid role ARN: " + arn)
		}
	}
	mappings := map[string]roleMapping{}
	for provider, m := range in.RoleMappings {
		stored, err := storedMapping(m)
		if err != nil {
			return err
		}
		mappings[provider] = stored
	}
	_, err := s.changePool(ctx, in.IdentityPoolId, func(p *Pool) error {
		p.Roles, p.Mappings = in.Roles, mappings
		return nil
	})
	return err
}

func storedMapping(m identity.RoleMapping) (roleMapping, error) {
	out := roleMapping{Type: string(m.Type), Ambiguous: string(m.AmbiguousRoleResolution)}
	if out.Ambiguous == "" {
		return out, invalid("AmbiguousRoleResolution is required.")
	}
	if m.Type != identity.RoleMappingTypeRules {
		return out, nil
	}
	if m.RulesConfiguration == nil || len(m.RulesConfiguration.Rules) == 0 {
		return out, invalid("RulesConfiguration is required for a mapping of type Rules.")
	}
	if len(m.RulesConfiguration.Rules) > maxRules {
		return out, identity.LimitExceededExceptionf("A provider can have %d rules at most.", maxRules).WithReason(api.ReasonQuota)
	}
	for _, r := range m.RulesConfiguration.Rules {
		if !roleARN.MatchString(r.RoleARN) {
			return out, invalid("Invalid role ARN: " + r.RoleARN)
		}
		out.Rules = append(out.Rules, rule{r.Claim, string(r.MatchType), r.Value, r.RoleARN})
	}
	return out, nil
}

// GetIdentityPoolRoles shows the roles of a pool and their mappings.
func (s *Service) GetIdentityPoolRoles(ctx context.Context, in *identity.GetIdentityPoolRolesInput) (*identity.GetIdentityPoolRolesResponse, error) {
	p, err := s.read(ctx, in.IdentityPoolId)
	if err != nil {
		return nil, err
	}
	out := &identity.GetIdentityPoolRolesResponse{IdentityPoolId: &p.ID, Roles: p.Roles}
	if out.Roles == nil {
		out.Roles = map[string]string{}
	}
	for provider, m := range p.Mappings {
		if out.RoleMappings == nil {
			out.RoleMappings = map[string]identity.RoleMapping{}
		}
		shown := identity.RoleMapping{Type: identity.RoleMappingType(m.Type), AmbiguousRoleResolution: identity.AmbiguousRoleResolutionType(m.Ambiguous)}
		if len(m.Rules) > 0 {
			shown.RulesConfiguration = &identity.RulesConfigurationType{}
			for _, r := range m.Rules {
				shown.RulesConfiguration.Rules = append(shown.RulesConfiguration.Rules, identity.MappingRule{
					Claim: r.Claim, MatchType: identity.MappingRuleMatchType(r.Match), Value: r.Value, RoleARN: r.Role,
				})
			}
		}
		out.RoleMappings[provider] = shown
	}
	return out, nil
}
