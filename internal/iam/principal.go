package iam

import (
	"context"
	"errors"
	"fmt"

	"cognate/internal/iam/policy"
	"cognate/internal/keys"
	"cognate/internal/store"
)

// Lookup returns the principal of an access key, or ErrUnknownKey if no such key
// can be used. The session token is "" for long-term keys. This version issues no
// temporary credentials, so a key with a session token is unknown.
func (s *Service) Lookup(ctx context.Context, accessKeyID, sessionToken string) (*Principal, error) {
	if sessionToken != "" || !keyForm.MatchString(accessKeyID) {
		return nil, ErrUnknownKey
	}
	now := s.deps.Now()
	c, ok := s.cache.GetIfPresent(accessKeyID)
	// A clock that was set back must not prolong an entry.
	if ok && now.Before(c.until) && !now.Before(c.until.Add(-cacheAge)) {
		return c.principal, nil
	}
	p, err := s.load(ctx, accessKeyID)
	if err != nil {
		return nil, err
	}
	s.cache.Set(accessKeyID, cached{p, now.Add(cacheAge)})
	return p, nil
}

func (s *Service) load(ctx context.Context, id string) (*Principal, error) {
	row, err := s.deps.Store.AccessKey(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrUnknownKey
	}
	if err != nil {
		return nil, err
	}
	doc, err := readDocument(row)
	if err != nil {
		return nil, err
	}
	if doc.Inactive {
		return nil, ErrUnknownKey
	}
	secret, err := s.deps.Ring.Open(keys.PurposeAccessKey, sealedAs(id), row.Secret)
	if err != nil {
		return nil, fmt.Errorf("iam: access key %s: %w", id, err)
	}
	p := &Principal{AccessKeyID: id, Secret: keys.Secret(secret), ARN: row.PrincipalARN, Name: row.Name}
	for _, np := range doc.Policies {
		d, err := policy.Parse(policy.Identity, np.Document, policy.Options{Name: np.Name, SupportedKey: supportedKey})
		if err != nil {
			// A newer version may have written the policy. A policy that is only
			// partly understood could allow what it denies, so the whole key is refused.
			return nil, fmt.Errorf("iam: access key %s: policy %q: %w", id, np.Name, err)
		}
		p.policies = append(p.policies, d)
	}
	return p, nil
}
