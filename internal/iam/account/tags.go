package account

import (
	"context"
	"slices"
	"strings"

	"cognate/internal/api/iamapi"
	"cognate/internal/iam/record"
	"cognate/internal/store"
)

// addTags sets tags of an entity. Keys compare without case.
func addTags(e *record.Entity, tags []iamapi.Tag) error {
	seen := map[string]bool{}
	for _, t := range tags {
		key := strings.ToLower(t.Key)
		if seen[key] {
			return iamapi.InvalidInputException("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		seen[key] = true
		if strings.HasPrefix(key, "aws:") {
			return iamapi.InvalidInputException("Tag keys that begin with aws: are reserved for AWS use.")
		}
		i := slices.IndexFunc(e.Tags, func(old record.Tag) bool { return strings.EqualFold(old.Key, t.Key) })
		if i < 0 {
			e.Tags = append(e.Tags, record.Tag{})
			i = len(e.Tags) - 1
		}
		e.Tags[i] = record.Tag{Key: t.Key, Value: t.Value}
	}
	if len(e.Tags) > maxTags {
		return iamapi.LimitExceededExceptionf("Cannot exceed quota for TagsPer%s: %d", quotaNames[e.Kind], maxTags)
	}
	slices.SortFunc(e.Tags, func(a, b record.Tag) int { return strings.Compare(a.Key, b.Key) })
	return nil
}

var quotaNames = map[string]string{
	store.IAMUser: "User", store.IAMRole: "Role", store.IAMPolicy: "Policy", store.IAMOIDCProvider: "OpenIDConnectProvider", store.IAMSAMLProvider: "SAMLProvider",
}

func removeTags(e *record.Entity, names []string) {
	e.Tags = slices.DeleteFunc(e.Tags, func(t record.Tag) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, t.Key) })
	})
}

func tagsOf(e *record.Entity) []iamapi.Tag {
	if len(e.Tags) == 0 {
		return nil
	}
	out := make([]iamapi.Tag, len(e.Tags))
	for i, t := range e.Tags {
		out[i] = iamapi.Tag{Key: t.Key, Value: t.Value}
	}
	return out
}

func (s *Service) tagPage(e *record.Entity, p place) ([]iamapi.Tag, *string, error) {
	p.bind = []string{e.ID}
	list := tagsOf(e)
	if list == nil {
		list = []iamapi.Tag{}
	}
	return page(s, p, list, func(t iamapi.Tag) string { return t.Key })
}

func (s *Service) tag(ctx context.Context, kind, name string, tags []iamapi.Tag) error {
	return s.edit(ctx, kind, name, func(_ *store.Tx, e *record.Entity) error { return addTags(e, tags) })
}

func (s *Service) untag(ctx context.Context, kind, name string, names []string) error {
	return s.edit(ctx, kind, name, func(_ *store.Tx, e *record.Entity) error { removeTags(e, names); return nil })
}

func (s *Service) tagByARN(ctx context.Context, kind, arn string, tags []iamapi.Tag) error {
	return s.editByARN(ctx, kind, arn, func(_ *store.Tx, e *record.Entity) error { return addTags(e, tags) })
}

func (s *Service) untagByARN(ctx context.Context, kind, arn string, names []string) error {
	return s.editByARN(ctx, kind, arn, func(_ *store.Tx, e *record.Entity) error { removeTags(e, names); return nil })
}

// TagRole sets tags.
func (s *Service) TagRole(ctx context.Context, in *iamapi.TagRoleRequest) error {
	return s.tag(ctx, store.IAMRole, in.RoleName, in.Tags)
}

// UntagRole removes tags.
func (s *Service) UntagRole(ctx context.Context, in *iamapi.UntagRoleRequest) error {
	return s.untag(ctx, store.IAMRole, in.RoleName, in.TagKeys)
}

// ListRoleTags lists tags.
func (s *Service) ListRoleTags(ctx context.Context, in *iamapi.ListRoleTagsRequest) (*iamapi.ListRoleTagsResponse, error) {
	e, err := find(ctx, &s.deps.Store.Reader, store.IAMRole, in.RoleName)
	if err != nil {
		return nil, err
	}
	tags, next, err := s.tagPage(e, place{op: "ListRoleTags", marker: in.Marker, max: in.MaxItems})
	return &iamapi.ListRoleTagsResponse{Tags: tags, IsTruncated: new(next != nil), Marker: next}, err
}

// TagUser sets tags.
func (s *Service) TagUser(ctx context.Context, in *iamapi.TagUserRequest) error {
	return s.tag(ctx, store.IAMUser, in.UserName, in.Tags)
}

// UntagUser removes tags.
func (s *Service) UntagUser(ctx context.Context, in *iamapi.UntagUserRequest) error {
	return s.untag(ctx, store.IAMUser, in.UserName, in.TagKeys)
}

// ListUserTags lists tags.
func (s *Service) ListUserTags(ctx context.Context, in *iamapi.ListUserTagsRequest) (*iamapi.ListUserTagsResponse, error) {
	e, err := find(ctx, &s.deps.Store.Reader, store.IAMUser, in.UserName)
	if err != nil {
		return nil, err
	}
	tags, next, err := s.tagPage(e, place{op: "ListUserTags", marker: in.Marker, max: in.MaxItems})
	return &iamapi.ListUserTagsResponse{Tags: tags, IsTruncated: new(next != nil), Marker: next}, err
}

// TagPolicy sets tags.
func (s *Service) TagPolicy(ctx context.Context, in *iamapi.TagPolicyRequest) error {
	return s.tagByARN(ctx, store.IAMPolicy, in.PolicyArn, in.Tags)
}

// UntagPolicy removes tags.
func (s *Service) UntagPolicy(ctx context.Context, in *iamapi.UntagPolicyRequest) error {
	return s.untagByARN(ctx, store.IAMPolicy, in.PolicyArn, in.TagKeys)
}

// ListPolicyTags lists tags.
func (s *Service) ListPolicyTags(ctx context.Context, in *iamapi.ListPolicyTagsRequest) (*iamapi.ListPolicyTagsResponse, error) {
	e, err := s.findByARN(ctx, &s.deps.Store.Reader, store.IAMPolicy, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	tags, next, err := s.tagPage(e, place{op: "ListPolicyTags", marker: in.Marker, max: in.MaxItems})
	return &iamapi.ListPolicyTagsResponse{Tags: tags, IsTruncated: new(next != nil), Marker: next}, err
}

// TagOpenIDConnectProvider sets tags.
func (s *Service) TagOpenIDConnectProvider(ctx context.Context, in *iamapi.TagOpenIDConnectProviderRequest) error {
	return s.tagByARN(ctx, store.IAMOIDCProvider, in.OpenIDConnectProviderArn, in.Tags)
}

// UntagOpenIDConnectProvider removes tags.
func (s *Service) UntagOpenIDConnectProvider(ctx context.Context, in *iamapi.UntagOpenIDConnectProviderRequest) error {
	return s.untagByARN(ctx, store.IAMOIDCProvider, in.OpenIDConnectProviderArn, in.TagKeys)
}

// ListOpenIDConnectProviderTags lists tags.
func (s *Service) ListOpenIDConnectProviderTags(ctx context.Context, in *iamapi.ListOpenIDConnectProviderTagsRequest) (*iamapi.ListOpenIDConnectProviderTagsResponse, error) {
	e, err := s.findByARN(ctx, &s.deps.Store.Reader, store.IAMOIDCProvider, in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	tags, next, err := s.tagPage(e, place{op: "ListOpenIDConnectProviderTags", marker: in.Marker, max: in.MaxItems})
	return &iamapi.ListOpenIDConnectProviderTagsResponse{Tags: tags, IsTruncated: new(next != nil), Marker: next}, err
}

// TagSAMLProvider sets tags.
func (s *Service) TagSAMLProvider(ctx context.Context, in *iamapi.TagSAMLProviderRequest) error {
	return s.tagByARN(ctx, store.IAMSAMLProvider, in.SAMLProviderArn, in.Tags)
}

// UntagSAMLProvider removes tags.
func (s *Service) UntagSAMLProvider(ctx context.Context, in *iamapi.UntagSAMLProviderRequest) error {
	return s.untagByARN(ctx, store.IAMSAMLProvider, in.SAMLProviderArn, in.TagKeys)
}

// ListSAMLProviderTags lists tags.
func (s *Service) ListSAMLProviderTags(ctx context.Context, in *iamapi.ListSAMLProviderTagsRequest) (*iamapi.ListSAMLProviderTagsResponse, error) {
	e, err := s.findByARN(ctx, &s.deps.Store.Reader, store.IAMSAMLProvider, in.SAMLProviderArn)
	if err != nil {
		return nil, err
	}
	tags, next, err := s.tagPage(e, place{op: "ListSAMLProviderTags", marker: in.Marker, max: in.MaxItems})
	return &iamapi.ListSAMLProviderTagsResponse{Tags: tags, IsTruncated: new(next != nil), Marker: next}, err
}
