package ratelimit

import (
	"context"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/store"
)

// maxProvisioned is the highest limit that UpdateProvisionedLimit sets. Cognito's is a
// quota of the account.
const maxProvisioned = 100_000

// GetProvisionedLimit returns the limit of a category. The free limit is the operator's
// number, or Cognito's. Without a provisioned limit both values are the same, also if
// the server does not enforce the free limit.
func (s *Service) GetProvisionedLimit(ctx context.Context, in *idp.GetProvisionedLimitRequest) (*idp.GetProvisionedLimitResponse, error) {
	c, err := s.defined(in.LimitDefinition)
	if err != nil {
		return nil, err
	}
	if err := s.loadProvisioned(ctx); err != nil {
		return nil, err
	}
	return &idp.GetProvisionedLimitResponse{Limit: s.describe(c)}, nil
}

// UpdateProvisionedLimit sets the limit of a category and turns it on. It holds on this
// server at once, and on others within a second.
func (s *Service) UpdateProvisionedLimit(ctx context.Context, in *idp.UpdateProvisionedLimitRequest) (*idp.UpdateProvisionedLimitResponse, error) {
	c, err := s.defined(in.LimitDefinition)
	if err != nil {
		return nil, err
	}
	base, value := s.base(c.category), int(in.RequestedLimitValue)
	switch {
	case !c.adjustable:
		return nil, idp.InvalidParameterExceptionf("The limit of category %s is not adjustable.", c.name)
	case base == 0:
		return nil, idp.InvalidParameterExceptionf("The settings of the server turn the limit of category %s off.", c.name)
	case value < base:
		return nil, idp.InvalidParameterExceptionf("The requested limit is below the free limit of %d.", base)
	case value > maxProvisioned:
		return nil, idp.ServiceQuotaExceededExceptionf("The requested limit is above the maximum of %d.", maxProvisioned)
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		return tx.PutProvisionedLimit(ctx, store.ProvisionedLimit{Category: c.name, Value: value, UpdatedAt: s.deps.Now()})
	})
	if err != nil {
		return nil, err
	}
	if err := s.loadProvisioned(ctx); err != nil {
		return nil, err
	}
	return &idp.UpdateProvisionedLimitResponse{Limit: s.describe(c)}, nil
}

// defined returns the category of a definition.
func (s *Service) defined(d *idp.LimitDefinitionType) (*categoryLimit, error) {
	name, ok := d.Attributes["Category"]
	if !ok || len(d.Attributes) != 1 {
		return nil, idp.InvalidParameterException("The attributes of the limit must be Category alone.")
	}
	c := s.categories[name]
	if c == nil {
		return nil, idp.ResourceNotFoundExceptionf("There is no category %s.", name).WithReason(api.ReasonNotFound)
	}
	return c, nil
}

func (s *Service) describe(c *categoryLimit) *idp.LimitType {
	base := s.base(c.category)
	if base == 0 {
		base = c.free
	}
	value := c.current.Load().value
	if value == 0 {
		value = base
	}
	return &idp.LimitType{
		LimitDefinition:       &idp.LimitDefinitionType{LimitClass: idp.LimitClassApiCategory, Attributes: map[string]string{"Category": c.name}},
		ProvisionedLimitValue: int32(value), FreeLimitValue: int32(base),
	}
}

// loadProvisioned reads the provisioned limits.
func (s *Service) loadProvisioned(ctx context.Context) error {
	s.loading.Lock()
	defer s.loading.Unlock()
	list, err := s.deps.Store.ProvisionedLimits(ctx)
	if err != nil {
		return err
	}
	values := map[string]int{}
	for _, l := range list {
		values[l.Category] = l.Value
	}
	for _, c := range s.categories {
		if value := s.effective(c.category, values[c.name]); value != c.current.Load().value {
			c.set(value)
		}
	}
	return nil
}
