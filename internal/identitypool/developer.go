package identitypool

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/identity"
	"cognate/internal/audit"
	"cognate/internal/store"
)

func otherProvider() error {
	return invalid("This identity pool does not support the specified developer provider")
}

// GetOpenIdTokenForDeveloperIdentity returns a token for a user of the developer. The
// developer's own server has authenticated the user.
func (s *Service) GetOpenIdTokenForDeveloperIdentity(ctx context.Context, in *identity.GetOpenIdTokenForDeveloperIdentityInput) (*identity.GetOpenIdTokenForDeveloperIdentityResponse, error) {
	p, err := s.pool(ctx, in.IdentityPoolId)
	if err != nil {
		return nil, err
	}
	audit.From(ctx).SetPool(p.ID)
	user, ok := in.Logins[p.Developer]
	if p.Developer == "" || !ok {
		return nil, otherProvider()
	}
	for key, value := range in.PrincipalTags {
		if isAWSTag(key) || !tagForm.MatchString(key) || !tagForm.MatchString(value) {
			return nil, invalid("Invalid principal tag: " + key)
		}
	}
	others := maps.Clone(in.Logins)
	delete(others, p.Developer)
	logins, err := s.verify(ctx, p, others, false)
	if err != nil {
		return nil, err
	}
	id, err := s.settleDeveloper(ctx, p, api.Val(in.IdentityId), developerLogin(p, user), logins)
	if err != nil {
		return nil, err
	}
	audit.From(ctx).SetTarget(id)
	life := defaultTokenLife
	if in.TokenDuration != nil {
		life = time.Duration(*in.TokenDuration) * time.Second
	}
	logins = append([]*login{developerLogin(p, user)}, logins...)
	token, err := s.sign(ctx, p, id, logins, in.PrincipalTags, life)
	return &identity.GetOpenIdTokenForDeveloperIdentityResponse{IdentityId: &id, Token: &token}, err
}

// settleDeveloper is settle for a user of the developer. The developer's word alone leads to an
// identity that has no public logins; another one needs one of these, too.
func (s *Service) settleDeveloper(ctx context.Context, p *Pool, addressed string, user *login, logins []*login) (string, error) {
	all := append([]*login{user}, logins...)
	if addressed == "" {
		return s.settle(ctx, p, "", all)
	}
	i, other, err := s.identity(ctx, addressed)
	if err != nil {
		return "", err
	}
	if other.ID != p.ID {
		return "", noIdentity(addressed)
	}
	var id string
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.HoldIdentityPool(ctx, p.ID); err != nil {
			return orNoPool(err, p.ID)
		}
		if err := tx.TouchPoolIdentity(ctx, i.ID, s.deps.Now()); err != nil {
			return err
		}
		owner, err := tx.IdentityOfLogin(ctx, p.ID, user.hash())
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err == nil && owner != i.ID {
			return identity.DeveloperUserAlreadyRegisteredException("Developer user identifier is already registered with another identity.").WithReason(api.ReasonConflict)
		}
		own, err := tx.IdentityLogins(ctx, i.ID)
		if err != nil {
			return err
		}
		owners, err := ownersOf(ctx, &tx.Reader, p, all)
		if err != nil {
			return err
		}
		public := slices.ContainsFunc(own, func(l store.IdentityLogin) bool { return l.Subject == "" })
		if public && !slices.Contains(owners[1:], i.ID) {
			return refused(textNoLogin).WithReason(api.ReasonNotAllowed)
		}
		if slices.ContainsFunc(owners, func(o string) bool { return o != "" && o != i.ID }) {
			id, err = s.join(ctx, tx, p, i.ID, all, owners)
			return err
		}
		id = i.ID
		return s.attach(ctx, tx, p, i.ID, all, owners)
	}, store.Retry)
	return id, err
}

// developerPool returns a pool that has the developer provider.
func (s *Service) developerPool(ctx context.Context, id, provider string) (*Pool, error) {
	p, err := s.read(ctx, id)
	if err != nil {
		return nil, err
	}
	if p.Developer == "" || provider != "" && provider != p.Developer {
		return nil, otherProvider()
	}
	return p, nil
}

// LookupDeveloperIdentity returns the identity of a user of the developer, or the users of an
// identity.
func (s *Service) LookupDeveloperIdentity(ctx context.Context, in *identity.LookupDeveloperIdentityInput) (*identity.LookupDeveloperIdentityResponse, error) {
	const op = "LookupDeveloperIdentity"
	p, err := s.developerPool(ctx, in.IdentityPoolId, "")
	if err != nil {
		return nil, err
	}
	id, user := api.Val(in.IdentityId), api.Val(in.DeveloperUserIdentifier)
	if id == "" && user == "" {
		return nil, invalid("Either IdentityId or DeveloperUserIdentifier is required.")
	}
	if user != "" {
		owner, err := s.deps.Store.IdentityOfLogin(ctx, p.ID, developerLogin(p, user).hash())
		if errors.Is(err, store.ErrNotFound) {
			return nil, identity.ResourceNotFoundException("Developer user identifier not found.").WithReason(api.ReasonNotFound)
		}
		if err != nil {
			return nil, err
		}
		if id != "" && id != owner {
			return nil, identity.ResourceConflictException("The identity and the developer user identifier do not belong together.").WithReason(api.ReasonConflict)
		}
		id = owner
	} else if i, other, err := s.identity(ctx, id); err != nil {
		return nil, err
	} else if id = i.ID; other.ID != p.ID {
		return nil, noIdentity(api.Val(in.IdentityId))
	}
	bind := []string{p.ID, id}
	after, err := s.openPage(op, bind, in.NextToken)
	if err != nil {
		return nil, err
	}
	logins, err := s.deps.Store.IdentityLogins(ctx, id)
	if err != nil {
		return nil, err
	}
	out := &identity.LookupDeveloperIdentityResponse{IdentityId: &id, DeveloperUserIdentifierList: []string{}}
	for _, l := range logins {
		if l.Provider == p.Developer && l.Subject > after {
			out.DeveloperUserIdentifierList = append(out.DeveloperUserIdentifierList, l.Subject)
		}
	}
	if most := int(api.Val(in.MaxResults)); most > 0 && len(out.DeveloperUserIdentifierList) > most {
		out.DeveloperUserIdentifierList = out.DeveloperUserIdentifierList[:most]
		out.NextToken = s.nextPage(op, bind, out.DeveloperUserIdentifierList[most-1])
	}
	return out, nil
}

// MergeDeveloperIdentities makes one identity of those of two users of the developer.
func (s *Service) MergeDeveloperIdentities(ctx context.Context, in *identity.MergeDeveloperIdentitiesInput) (*identity.MergeDeveloperIdentitiesResponse, error) {
	p, err := s.developerPool(ctx, in.IdentityPoolId, in.DeveloperProviderName)
	if err != nil {
		return nil, err
	}
	var kept string
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		var ids [2]string
		for n, user := range []string{in.SourceUserIdentifier, in.DestinationUserIdentifier} {
			id, err := tx.IdentityOfLogin(ctx, p.ID, developerLogin(p, user).hash())
			if errors.Is(err, store.ErrNotFound) {
				return identity.ResourceNotFoundException("Developer user identifier not found.").WithReason(api.ReasonNotFound)
			}
			if err != nil {
				return err
			}
			ids[n] = id
		}
		if kept = ids[1]; ids[0] == ids[1] {
			return nil
		}
		source, err := tx.IdentityLogins(ctx, ids[0])
		if err != nil {
			return err
		}
		destination, err := tx.IdentityLogins(ctx, ids[1])
		if err != nil {
			return err
		}
		if len(source)+len(destination) > maxLogins {
			return tooManyLogins()
		}
		for _, l := range source {
			if l.Subject == "" && slices.ContainsFunc(destination, func(o store.IdentityLogin) bool { return o.Provider == l.Provider }) {
				return secondLogin(l.Provider)
			}
		}
		return tx.MergePoolIdentity(ctx, ids[0], ids[1], s.deps.Now())
	}, store.Retry)
	if err != nil {
		return nil, err
	}
	return &identity.MergeDeveloperIdentitiesResponse{IdentityId: &kept}, nil
}

// UnlinkDeveloperIdentity takes a user of the developer from an identity.
func (s *Service) UnlinkDeveloperIdentity(ctx context.Context, in *identity.UnlinkDeveloperIdentityInput) error {
	p, err := s.developerPool(ctx, in.IdentityPoolId, in.DeveloperProviderName)
	if err != nil {
		return err
	}
	i, other, err := s.identity(ctx, in.IdentityId)
	if err != nil {
		return err
	}
	if other.ID != p.ID {
		return noIdentity(in.IdentityId)
	}
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		err := tx.DeleteIdentityLogin(ctx, p.ID, developerLogin(p, in.DeveloperUserIdentifier).hash(), i.ID)
		if errors.Is(err, store.ErrNotFound) {
			return identity.ResourceNotFoundException("Developer user identifier not found.").WithReason(api.ReasonNotFound)
		}
		if err != nil {
			return err
		}
		return tx.TouchPoolIdentity(ctx, i.ID, s.deps.Now())
	}, store.Retry)
}
