package identitypool

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/identity"
	"cognate/internal/audit"
	"cognate/internal/store"
)

// maxLogins is how many logins an identity may have (Cognito: quotas in identity pools).
const maxLogins = 20

// GetId returns the identity of logins, or a new identity of a guest.
func (s *Service) GetId(ctx context.Context, in *identity.GetIdInput) (*identity.GetIdResponse, error) {
	p, err := s.pool(ctx, in.IdentityPoolId)
	if err != nil {
		return nil, err
	}
	audit.From(ctx).SetPool(p.ID)
	if account := api.Val(in.AccountId); account != "" && account != s.deps.AccountID {
		return nil, noPool(in.IdentityPoolId)
	}
	if len(in.Logins) == 0 && !p.AllowGuests {
		return nil, refused(textNoGuests).WithReason(api.ReasonNotAllowed)
	}
	logins, err := s.verify(ctx, p, in.Logins, false)
	if err != nil {
		return nil, err
	}
	id, err := s.settle(ctx, p, "", logins)
	if err != nil {
		return nil, err
	}
	audit.From(ctx).SetUser(id)
	return &identity.GetIdResponse{IdentityId: &id}, nil
}

// access decides who a request about an identity is: a guest, or the person of its logins. It
// returns the identity that the client must use from now on.
func (s *Service) access(ctx context.Context, i store.PoolIdentity, p *Pool, asked string, raw map[string]string) (id string, logins []*login, err error) {
	event := audit.From(ctx)
	event.SetPool(p.ID)
	event.SetUser(i.ID)
	if len(raw) == 0 {
		own, err := s.deps.Store.IdentityLogins(ctx, i.ID)
		switch {
		case err != nil:
			return "", nil, err
		case !p.AllowGuests:
			return "", nil, refused(textNoGuests).WithReason(api.ReasonNotAllowed)
		case len(own) > 0 || i.ID != asked: // A merged identity has the logins of the other one.
			return "", nil, refused("Access to Identity '" + asked + "' is forbidden.").WithReason(api.ReasonNotAllowed)
		}
		return i.ID, nil, nil
	}
	if logins, err = s.verify(ctx, p, raw, true); err != nil {
		return "", nil, err
	}
	id, err = s.settle(ctx, p, i.ID, logins)
	event.SetUser(id)
	return id, logins, err
}

// settle returns the identity of logins, and attaches the logins that do not lead to it yet.
// addressed is the identity that the request names, "" if it names none. A request that changes
// nothing writes nothing.
func (s *Service) settle(ctx context.Context, p *Pool, addressed string, logins []*login) (string, error) {
	owners, err := ownersOf(ctx, &s.deps.Store.Reader, p, logins)
	if err != nil {
		return "", err
	}
	if len(logins) > 0 && !slices.ContainsFunc(owners, func(o string) bool { return o == "" || o != owners[0] }) && (addressed == "" || addressed == owners[0]) {
		return owners[0], nil
	}
	var id string
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if err := tx.HoldIdentityPool(ctx, p.ID); err != nil {
			return orNoPool(err, p.ID)
		}
		if owners, err = ownersOf(ctx, &tx.Reader, p, logins); err != nil {
			return err
		}
		id, err = s.join(ctx, tx, p, addressed, logins, owners)
		return err
	}, store.Retry)
	return id, err
}

func orNoPool(err error, id string) error {
	if errors.Is(err, store.ErrNotFound) {
		return noPool(id)
	}
	return err
}

// ownersOf returns the identity of each login, "" for a login that leads to none.
func ownersOf(ctx context.Context, r *store.Reader, p *Pool, logins []*login) ([]string, error) {
	owners := make([]string, len(logins))
	for i, l := range logins {
		if l.identity != "" {
			owner, err := r.PoolIdentity(ctx, l.identity)
			if errors.Is(err, store.ErrNotFound) || err == nil && owner.PoolID != p.ID {
				return nil, refused(textNoLogin).WithReason(api.ReasonNotAllowed)
			}
			if err != nil {
				return nil, err
			}
			if owners[i] = owner.ID; owner.Parent != "" {
				owners[i] = owner.Parent
			}
			continue
		}
		owner, err := r.IdentityOfLogin(ctx, p.ID, l.hash())
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		owners[i] = owner
	}
	return owners, nil
}

// join decides which identity logins lead to, and stores it.
func (s *Service) join(ctx context.Context, tx *store.Tx, p *Pool, addressed string, logins []*login, owners []string) (string, error) {
	var proven []string
	for _, o := range owners {
		if o != "" && !slices.Contains(proven, o) {
			proven = append(proven, o)
		}
	}
	if addressed != "" {
		// The identity may have been deleted or merged since the request was read.
		i, err := tx.PoolIdentity(ctx, addressed)
		if errors.Is(err, store.ErrNotFound) {
			return "", noIdentity(addressed)
		}
		if err != nil {
			return "", err
		}
		addressed = cmp.Or(i.Parent, addressed)
	}
	now := s.deps.Now()
	var target string
	switch {
	case addressed != "" && !slices.Contains(proven, addressed):
		own, err := tx.IdentityLogins(ctx, addressed)
		if err != nil {
			return "", err
		}
		if len(own) > 0 || provesByToken(logins) {
			// Nothing proves the identity that the request names: a merge would hand it over.
			return "", refused(textNoLogin).WithReason(api.ReasonNotAllowed)
		}
		if len(proven) == 0 {
			target = addressed // The guest becomes the person.
			break
		}
		proven = append(proven, addressed) // The guest goes into the person's identity.
		fallthrough
	case len(proven) > 0:
		var err error
		if target, err = s.merge(ctx, tx, proven); err != nil {
			return "", err
		}
	default:
		target = newID(p.Region)
		err := tx.InsertPoolIdentity(ctx, store.PoolIdentity{ID: target, PoolID: p.ID, CreatedAt: now, ModifiedAt: now})
		if err != nil {
			return "", err
		}
	}
	return target, s.attach(ctx, tx, p, target, logins, owners)
}

// provesByToken reports whether a login is a token for one certain identity.
func provesByToken(logins []*login) bool {
	return slices.ContainsFunc(logins, func(l *login) bool { return l.identity != "" })
}

// merge makes one identity of several: the oldest one that has logins stays.
func (s *Service) merge(ctx context.Context, tx *store.Tx, ids []string) (string, error) {
	list := make([]store.PoolIdentity, 0, len(ids))
	for _, id := range ids {
		i, err := tx.PoolIdentity(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return "", store.ErrConflict
		}
		if err != nil {
			return "", err
		}
		list = append(list, i)
	}
	if len(list) == 1 {
		return list[0].ID, nil
	}
	own := map[string][]store.IdentityLogin{}
	for _, i := range list {
		logins, err := tx.IdentityLogins(ctx, i.ID)
		if err != nil {
			return "", err
		}
		own[i.ID] = logins
	}
	slices.SortFunc(list, func(a, b store.PoolIdentity) int {
		if aGuest, bGuest := len(own[a.ID]) == 0, len(own[b.ID]) == 0; aGuest != bGuest {
			if aGuest {
				return 1
			}
			return -1
		}
		return a.CreatedAt.Compare(b.CreatedAt)
	})
	kept := list[0].ID
	all := own[kept]
	for _, i := range list[1:] {
		for _, l := range own[i.ID] {
			if l.Subject == "" && slices.ContainsFunc(all, func(o store.IdentityLogin) bool { return o.Provider == l.Provider }) {
				return "", secondLogin(l.Provider)
			}
		}
		if all = append(all, own[i.ID]...); len(all) > maxLogins {
			return "", tooManyLogins()
		}
		if err := tx.MergePoolIdentity(ctx, i.ID, kept, s.deps.Now()); err != nil {
			return "", err
		}
	}
	return kept, nil
}

func secondLogin(provider string) error {
	return identity.ResourceConflictException("Identity already has a login for provider " + provider + ".").WithReason(api.ReasonConflict)
}

func tooManyLogins() error {
	return identity.LimitExceededExceptionf("An identity can have %d logins at most.", maxLogins).WithReason(api.ReasonQuota)
}

// attach adds the logins that lead to no identity.
func (s *Service) attach(ctx context.Context, tx *store.Tx, p *Pool, target string, logins []*login, owners []string) error {
	all, err := tx.IdentityLogins(ctx, target)
	if err != nil {
		return err
	}
	for i, l := range logins {
		if owners[i] != "" || l.identity != "" {
			continue
		}
		if !l.developer && slices.ContainsFunc(all, func(o store.IdentityLogin) bool { return o.Provider == l.provider }) {
			return secondLogin(l.provider)
		}
		record := store.IdentityLogin{PoolID: p.ID, Hash: l.hash(), IdentityID: target, Provider: l.provider, CreatedAt: s.deps.Now()}
		if l.developer {
			record.Subject = l.subject
		}
		if all = append(all, record); len(all) > maxLogins {
			return tooManyLogins()
		}
		err := tx.InsertIdentityLogin(ctx, record)
		if errors.Is(err, store.ErrExists) {
			err = store.ErrConflict // Another request was faster.
		}
		if err != nil {
			return err
		}
	}
	return nil
}
