package identities

import (
	"context"
	"errors"
	"slices"

	"cognate/internal/api"
	"cognate/internal/federation"
	"cognate/internal/pool"
	"cognate/internal/pool/providers"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
	"cognate/internal/user"
)

// This file changes users as the directory of a provider says, without a sign-in. It calls none
// of the pool's functions.

// A Person is what a directory says of a person of its provider.
type Person struct {
	// Subject is the provider's name of the person: the same as at a sign-in.
	Subject string
	// Active says whether the person may sign in. If it is nil, a user stays as it is, and a new
	// profile is enabled.
	Active *bool
	// Values are attributes of the pool's schema. "" removes one.
	Values map[string]string
}

// ErrOtherOwner says that another user has the person's identity.
var ErrOtherOwner = errors.New("identities: another user has this identity")

// ErrDisabled says that an administrator has disabled the provider for the user of the person.
var ErrDisabled = errors.New("identities: the provider is disabled for the user")

// enables reports whether a user is enabled after the change. is says whether it is now.
func (p *Person) enables(is bool) bool {
	if p.Active == nil {
		return is
	}
	return *p.Active
}

// provisioning is the Arrival of a person without a sign-in.
func provisioning(sn *pool.Snapshot, p *providers.Provider, subject string) *Arrival {
	return &Arrival{Pool: sn, Provider: p, Identity: &federation.Identity{Subject: subject, Issuer: p.EntityID}}
}

// change returns the change of attributes for a user; u is nil for a new one. It leaves out
// attributes that the schema does not have, and changes of immutable ones.
func (p *Person) change(sn *pool.Snapshot, u *user.User) *change {
	c := &change{values: map[string]string{}}
	for name, value := range p.Values {
		attribute, known := sn.Schema.Attribute(name)
		if known && (u == nil || attribute.Mutable || u.Attributes[name] == value) {
			c.values[name] = value
		}
	}
	for _, address := range []string{schema.Email, schema.PhoneNumber} {
		// A directory does not say whether an address is verified. One that is stays so.
		if value, sent := c.values[address]; sent && u != nil && u.Attributes[address] == value {
			delete(c.values, address)
		}
	}
	return c
}

// Provision returns the user of a person that the directory adds. It makes a profile, or
// changes the user who has the identity already. Its errors are those of SignIn, and ErrDisabled.
func (s *Service) Provision(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, p *providers.Provider, person Person) (*user.User, error) {
	a := provisioning(sn, p, person.Subject)
	if err := a.checkSubject(); err != nil {
		return nil, err
	}
	id, err := tx.IdentityOwner(ctx, sn.ID, a.subject().hash(sn))
	if err == nil {
		u, err := s.Reprovision(ctx, tx, sn, p, id, person.Subject, person)
		if api.CodeOf(err) == "UserNotFoundException" {
			return nil, ErrDisabled // The row of the identity leads to a user without the entry.
		}
		return u, err
	}
	if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	u, err := s.newProfile(a, person.change(sn, nil))
	if err != nil {
		return nil, err
	}
	u.Rec.Enabled = person.enables(true)
	err = s.insert(ctx, tx, a, u)
	if errors.Is(err, errRaced) {
		return nil, store.ErrConflict
	}
	return u, err
}

// Reprovision changes the user of a person. was is the person's subject until now. A user who
// may not sign in any more is signed out. It returns UserNotFoundException if the user is gone or
// no longer signs in by that subject.
func (s *Service) Reprovision(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, p *providers.Provider, id, was string, person Person) (*user.User, error) {
	e, err := s.deps.Users.Edit(ctx, tx, sn, id)
	if err != nil {
		return nil, err
	}
	enabled := person.enables(e.User.Rec.Enabled)
	if e.User.Rec.Enabled && !enabled {
		if err := e.SignOut(ctx); err != nil {
			return nil, err
		}
	}
	renamed, err := s.rename(ctx, tx, sn, p, e.User, was, person.Subject)
	if err != nil {
		return nil, err
	}
	changed, err := person.change(sn, e.User).apply(provisioning(sn, p, person.Subject), e.User, false)
	if err != nil {
		return nil, err
	}
	if !changed && !renamed && e.User.Rec.Enabled == enabled {
		return e.User, nil
	}
	e.User.Rec.Enabled = enabled
	return e.User, e.Save(ctx, user.LeaveAlias)
}

// rename moves the user's identity to another subject, and reports whether it did.
func (s *Service) rename(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, p *providers.Provider, u *user.User, was, subject string) (bool, error) {
	entries, err := entriesOf(u)
	if err != nil {
		return false, err
	}
	at := indexOf(sn, entries, p.Name, was)
	if at < 0 {
		return false, user.AsUserNotFound(store.ErrNotFound)
	}
	if was == subject {
		return false, nil
	}
	a := provisioning(sn, p, subject)
	if err := a.checkSubject(); err != nil {
		return false, err
	}
	entries[at].UserID = subject
	if err := setEntries(u, entries); err != nil {
		return false, err
	}
	before, after := key{provider: p.Name, value: was}.hash(sn), a.subject().hash(sn)
	if before == after { // The two differ in case alone.
		return true, nil
	}
	if err := tx.DeleteIdentity(ctx, sn.ID, before, u.ID()); err != nil {
		return false, user.AsUserNotFound(err)
	}
	err = tx.InsertIdentity(ctx, sn.ID, after, u.ID())
	if _, taken := errors.AsType[*store.ExistsError](err); taken {
		return false, ErrOtherOwner
	}
	return true, err
}

// Deprovision removes a person. It deletes the profile that was made for the person. Another user
// who is linked to the person stays, disabled and without the link: an administrator decides
// about the user. It is no error if the user is gone or no longer linked.
func (s *Service) Deprovision(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, p *providers.Provider, id, subject string) error {
	e, err := s.deps.Users.Edit(ctx, tx, sn, id)
	if api.CodeOf(err) == "UserNotFoundException" {
		return nil
	}
	if err != nil {
		return err
	}
	entries, err := entriesOf(e.User)
	if err != nil {
		return err
	}
	at := indexOf(sn, entries, p.Name, subject)
	if at < 0 {
		return nil
	}
	if entries[at].Primary {
		return s.deps.Users.Delete(ctx, tx, sn, id)
	}
	if err := e.SignOut(ctx); err != nil {
		return err
	}
	e.User.Rec.Enabled = false
	if err := setEntries(e.User, slices.Delete(entries, at, at+1)); err != nil {
		return err
	}
	if err := e.Save(ctx, user.LeaveAlias); err != nil {
		return err
	}
	err = tx.DeleteIdentity(ctx, sn.ID, key{provider: p.Name, value: subject}.hash(sn), id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
