package pool

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/store"
)

// tagsFault returns why the tags are not valid, "" if they are. changed are the new ones.
func tagsFault(tags, changed map[string]string) string {
	if len(tags) > maxTags {
		return fmt.Sprintf("A user pool can not have more than %d tags.", maxTags)
	}
	for k := range changed {
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			return "Tag keys can not begin with aws:, which is reserved: " + k
		}
	}
	return ""
}

// poolOfARN returns the pool that an ARN names. Nothing but pools can be tagged.
func (s *Service) poolOfARN(arn string) (string, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "cognito-idp" {
		return "", invalid("Invalid ResourceArn: " + arn)
	}
	id, ok := strings.CutPrefix(parts[5], "userpool/")
	if !ok || id == "" {
		return "", invalid("Invalid ResourceArn: " + arn)
	}
	region, _, _ := strings.Cut(id, "_")
	if parts[4] != s.deps.AccountID || parts[3] != region || parts[1] != api.Partition(region) {
		return "", noPool(id)
	}
	return id, nil
}

// TagResource adds tags to a pool and overwrites those of the same key.
func (s *Service) TagResource(ctx context.Context, in *idp.TagResourceRequest) (*idp.TagResourceResponse, error) {
	err := s.changeTags(ctx, in.ResourceArn, func(tags map[string]string) error {
		maps.Copy(tags, in.Tags)
		if reason := tagsFault(tags, in.Tags); reason != "" {
			return invalid(reason)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &idp.TagResourceResponse{}, nil
}

// UntagResource removes tags from a pool.
func (s *Service) UntagResource(ctx context.Context, in *idp.UntagResourceRequest) (*idp.UntagResourceResponse, error) {
	err := s.changeTags(ctx, in.ResourceArn, func(tags map[string]string) error {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &idp.UntagResourceResponse{}, nil
}

func (s *Service) changeTags(ctx context.Context, arn string, fn func(tags map[string]string) error) error {
	id, err := s.poolOfARN(arn)
	if err != nil {
		return err
	}
	return s.changePool(ctx, id, func(_ *store.Tx, _ *store.Pool, doc *settings) error {
		return fn(doc.Config.UserPoolTags)
	})
}

// ListTagsForResource returns a pool's tags.
func (s *Service) ListTagsForResource(ctx context.Context, in *idp.ListTagsForResourceRequest) (*idp.ListTagsForResourceResponse, error) {
	id, err := s.poolOfARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	_, doc, err := poolRecord(ctx, &s.deps.Store.Reader, id)
	if err != nil {
		return nil, err
	}
	return &idp.ListTagsForResourceResponse{Tags: doc.Config.UserPoolTags}, nil
}
