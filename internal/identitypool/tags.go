package identitypool

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/identity"
	"cognate/internal/store"
)

// poolOfARN returns the id of the pool that an ARN names. Nothing but pools can be tagged.
func (s *Service) poolOfARN(arn string) (string, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "cognito-identity" {
		return "", invalid("Invalid ResourceArn: " + arn)
	}
	id, ok := strings.CutPrefix(parts[5], "identitypool/")
	if !ok || id == "" {
		return "", invalid("Invalid ResourceArn: " + arn)
	}
	region, _, _ := strings.Cut(id, ":")
	if parts[4] != s.deps.AccountID || parts[3] != region || parts[1] != api.Partition(region) {
		return "", noPool(id)
	}
	return id, nil
}

// TagResource adds tags to a pool, and overwrites those of the same key.
func (s *Service) TagResource(ctx context.Context, in *identity.TagResourceInput) (*identity.TagResourceResponse, error) {
	id, err := s.poolOfARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	_, err = s.changePool(ctx, id, func(p *Pool) error {
		all := maps.Clone(p.Tags)
		if all == nil {
			all = map[string]string{}
		}
		maps.Copy(all, in.Tags)
		p.Tags = all
		return checkTags(all, in.Tags)
	})
	if err != nil {
		return nil, err
	}
	return &identity.TagResourceResponse{}, nil
}

// UntagResource removes tags from a pool.
func (s *Service) UntagResource(ctx context.Context, in *identity.UntagResourceInput) (*identity.UntagResourceResponse, error) {
	id, err := s.poolOfARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	_, err = s.changePool(ctx, id, func(p *Pool) error {
		p.Tags = maps.Clone(p.Tags)
		maps.DeleteFunc(p.Tags, func(key, _ string) bool { return slices.Contains(in.TagKeys, key) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &identity.UntagResourceResponse{}, nil
}

// ListTagsForResource lists the tags of a pool.
func (s *Service) ListTagsForResource(ctx context.Context, in *identity.ListTagsForResourceInput) (*identity.ListTagsForResourceResponse, error) {
	id, err := s.poolOfARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	p, err := s.read(ctx, id)
	if err != nil {
		return nil, err
	}
	tags := p.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	return &identity.ListTagsForResourceResponse{Tags: tags}, nil
}

// Tags returns the tags of a pool in any Region, for policies that ask for them. For a pool that
// does not exist it returns no tags.
func (s *Service) Tags(ctx context.Context, id string) (map[string]string, error) {
	p, err := s.pools.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return p.Tags, nil
}

// Limits of principal tags (Cognito: attributes for access control).
const (
	maxTagKey   = 128
	maxTagClaim = 256
)

var tagForm = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// SetPrincipalTagAttributeMap sets which claims of a provider become tags of sessions.
func (s *Service) SetPrincipalTagAttributeMap(ctx context.Context, in *identity.SetPrincipalTagAttributeMapInput) (*identity.SetPrincipalTagAttributeMapResponse, error) {
	for key, claim := range in.PrincipalTags {
		if len(key) > maxTagKey || len(claim) > maxTagClaim || key == "" || claim == "" || !tagForm.MatchString(key) || isAWSTag(key) {
			return nil, invalid("Invalid principal tag: " + key)
		}
	}
	tags := in.PrincipalTags
	if tags == nil {
		tags = map[string]string{}
	}
	set := tagMap{Defaults: api.Val(in.UseDefaults), Tags: tags}
	_, err := s.changePool(ctx, in.IdentityPoolId, func(p *Pool) error {
		all := maps.Clone(p.PrincipalTags)
		if all == nil {
			all = map[string]tagMap{}
		}
		all[in.IdentityProviderName] = set
		p.PrincipalTags = all
		if len(all) > maxProviders {
			return identity.LimitExceededExceptionf("An identity pool can have principal tags of %d providers at most.", maxProviders).WithReason(api.ReasonQuota)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &identity.SetPrincipalTagAttributeMapResponse{
		IdentityPoolId: &in.IdentityPoolId, IdentityProviderName: &in.IdentityProviderName, UseDefaults: &set.Defaults, PrincipalTags: tags,
	}, nil
}

// maxProviders is more than the providers of a pool can be.
const maxProviders = 200

// GetPrincipalTagAttributeMap shows which claims of a provider become tags of sessions.
func (s *Service) GetPrincipalTagAttributeMap(ctx context.Context, in *identity.GetPrincipalTagAttributeMapInput) (*identity.GetPrincipalTagAttributeMapResponse, error) {
	p, err := s.read(ctx, in.IdentityPoolId)
	if err != nil {
		return nil, err
	}
	set, ok := p.PrincipalTags[in.IdentityProviderName]
	if !ok {
		set.Defaults = true
	}
	if set.Tags == nil {
		set.Tags = map[string]string{}
	}
	return &identity.GetPrincipalTagAttributeMapResponse{
		IdentityPoolId: &in.IdentityPoolId, IdentityProviderName: &in.IdentityProviderName, UseDefaults: &set.Defaults, PrincipalTags: set.Tags,
	}, nil
}
