package identitypool

import (
	"context"
	"errors"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/identity"
	"cognate/internal/audit"
	"cognate/internal/store"
)

// describe returns an identity as the API shows it.
func (s *Service) describe(ctx context.Context, i *store.PoolIdentity) (identity.IdentityDescription, error) {
	logins, err := s.deps.Store.IdentityLogins(ctx, i.ID)
	out := identity.IdentityDescription{IdentityId: &i.ID, CreationDate: i.CreatedAt, LastModifiedDate: i.ModifiedAt}
	for _, l := range logins {
		if !slices.Contains(out.Logins, l.Provider) {
			out.Logins = append(out.Logins, l.Provider)
		}
	}
	return out, err
}

// DescribeIdentity shows an identity.
func (s *Service) DescribeIdentity(ctx context.Context, in *identity.DescribeIdentityInput) (*identity.IdentityDescription, error) {
	i, err := s.deps.Store.PoolIdentity(ctx, in.IdentityId)
	if errors.Is(err, store.ErrNotFound) {
		return nil, noIdentity(in.IdentityId)
	}
	if err != nil {
		return nil, err
	}
	if _, err := s.pool(ctx, i.PoolID); err != nil {
		if api.CodeOf(err) == identity.CodeResourceNotFoundException {
			return nil, noIdentity(in.IdentityId)
		}
		return nil, err
	}
	audit.From(ctx).SetPool(i.PoolID)
	audit.From(ctx).SetTarget(i.ID)
	out, err := s.describe(ctx, &i)
	return &out, err
}

// ListIdentities lists the identities of a pool.
func (s *Service) ListIdentities(ctx context.Context, in *identity.ListIdentitiesInput) (*identity.ListIdentitiesResponse, error) {
	const op = "ListIdentities"
	p, err := s.read(ctx, in.IdentityPoolId)
	if err != nil {
		return nil, err
	}
	after, err := s.openPage(op, []string{p.ID}, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := int(in.MaxResults)
	list, err := s.deps.Store.PoolIdentities(ctx, p.ID, after, api.Val(in.HideDisabled), limit+1)
	if err != nil {
		return nil, err
	}
	out := &identity.ListIdentitiesResponse{IdentityPoolId: &p.ID, Identities: []identity.IdentityDescription{}}
	if len(list) > limit {
		list = list[:limit]
		out.NextToken = s.nextPage(op, []string{p.ID}, list[limit-1].ID)
	}
	for i := range list {
		shown, err := s.describe(ctx, &list[i])
		if err != nil {
			return nil, err
		}
		out.Identities = append(out.Identities, shown)
	}
	return out, nil
}

// DeleteIdentities deletes identities. It reports those that it could not delete.
func (s *Service) DeleteIdentities(ctx context.Context, in *identity.DeleteIdentitiesInput) (*identity.DeleteIdentitiesResponse, error) {
	out := &identity.DeleteIdentitiesResponse{UnprocessedIdentityIds: []identity.UnprocessedIdentityId{}}
	for _, id := range in.IdentityIdsToDelete {
		var code identity.ErrorCode
		i, err := s.deps.Store.PoolIdentity(ctx, id)
		if err == nil {
			_, err = s.pool(ctx, i.PoolID)
		}
		if err == nil {
			err = s.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.DeletePoolIdentity(ctx, id) }, store.Retry)
		}
		switch {
		case err == nil:
			continue
		case errors.Is(err, store.ErrNotFound), api.CodeOf(err) == identity.CodeResourceNotFoundException:
			code = identity.ErrorCodeAccessDenied
		default:
			audit.From(ctx).SetCause(err)
			code = identity.ErrorCodeInternalServerError
		}
		out.UnprocessedIdentityIds = append(out.UnprocessedIdentityIds, identity.UnprocessedIdentityId{IdentityId: &id, ErrorCode: code})
	}
	return out, nil
}

// UnlinkIdentity takes logins from an identity. One of its logins must prove who asks.
func (s *Service) UnlinkIdentity(ctx context.Context, in *identity.UnlinkIdentityInput) error {
	i, p, err := s.identity(ctx, in.IdentityId)
	if err != nil {
		return err
	}
	logins, err := s.verify(ctx, p, in.Logins, true)
	if err != nil {
		return err
	}
	audit.From(ctx).SetPool(p.ID)
	audit.From(ctx).SetUser(i.ID)
	var remove []string // names of providers, as logins have them
	for _, key := range in.LoginsToRemove {
		if sn, local, err := s.userPoolOf(ctx, key); err != nil {
			return err
		} else if local {
			key = awsHost(sn.Region) + "/" + sn.ID
		}
		remove = append(remove, key)
	}
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		owners, err := ownersOf(ctx, &tx.Reader, p, logins)
		if err != nil {
			return err
		}
		if !slices.Contains(owners, i.ID) {
			return refused(textNoLogin).WithReason(api.ReasonNotAllowed)
		}
		own, err := tx.IdentityLogins(ctx, i.ID)
		if err != nil {
			return err
		}
		if err := tx.TouchPoolIdentity(ctx, i.ID, s.deps.Now()); err != nil {
			return err
		}
		for _, l := range own {
			if l.Subject != "" || !slices.Contains(remove, l.Provider) {
				continue
			}
			if err := tx.DeleteIdentityLogin(ctx, p.ID, l.Hash, i.ID); err != nil {
				return err
			}
		}
		return nil
	}, store.Retry)
}
