package iam

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"strings"

	"cognate/internal/api"
	"cognate/internal/iam/record"
	"cognate/internal/store"
)

// EntityARN returns the ARN of the entity that an operation of IAM names, with its path. An
// entity that does not exist has the path "/"; the operation answers that error. An operation
// about a user that names no user is about the caller.
func (s *Service) EntityARN(ctx context.Context, r api.Resource, region string, p *Principal) (string, error) {
	switch {
	case r.Name != "":
		return r.Name, nil
	case r.Type == "":
		return "*", nil
	case r.ID == "" && r.Type == store.IAMUser:
		return p.ARN, nil
	case r.ID == "":
		return "*", nil
	}
	partition, name := api.Partition(region), r.ID
	if r.Type == store.IAMOIDCProvider {
		name, _ = ProviderName(r.ID)
	}
	path := r.Path
	if path == "" || r.NewName != "" {
		row, err := s.deps.Store.IAMEntity(ctx, r.Type, record.Key(name))
		if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrText) {
			return "", err
		}
		if err == nil {
			e, err := record.Read(row)
			if err != nil {
				return "", err
			}
			partition, name = cmp.Or(e.Partition, "aws"), e.Name
			if path == "" {
				path = e.Path
			}
		}
	}
	return record.ARN(partition, s.deps.AccountID, r.Type, path, cmp.Or(r.NewName, name)), nil
}

// maxProviderName is the longest name of an OIDC provider (IAM: OpenIDConnectProviderUrlType).
const maxProviderName = 255

// ProviderName returns the name of the OIDC provider with an issuer: its address without the
// scheme. The scheme may be left out. A provider's address has no query, and no slash at its end.
func ProviderName(issuer string) (string, bool) {
	name := strings.TrimPrefix(issuer, "https://")
	u, err := url.Parse("https://" + name)
	if err != nil || len(issuer) > maxProviderName || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" ||
		strings.ContainsAny(name, " *?#\\") || strings.Contains(name, "://") {
		return "", false
	}
	return strings.TrimSuffix(name, "/"), true
}

// entityTags returns the tags of a user or a role with an ARN of the account, for conditions.
func (s *Service) entityTags(ctx context.Context, arn string) (map[string]string, error) {
	p, ok := record.ParseARN(arn)
	if !ok || p.Account != s.deps.AccountID {
		return nil, nil
	}
	e, err := s.readEntity(ctx, p.Kind, record.Key(p.Name))
	if errors.Is(err, ErrNoEntity) || errors.Is(err, store.ErrText) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return tagMap(e.Tags), nil
}
