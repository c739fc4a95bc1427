package identities

import (
	"context"
	"errors"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/pool/providers"
	"cognate/internal/store"
	"cognate/internal/user"
	"cognate/internal/user/codes"
)

// Operations that link people of providers to users.

const (
	// localProvider is the name under which users of the pool's own directory are linked.
	localProvider = "Cognito"
	// subjectAttribute is the attribute that means the provider's own name of the person.
	subjectAttribute = "Cognito_Subject"
)

// maxLinkedValue bounds what links a person, in bytes: ID tokens carry it, and no attribute is
// longer.
const maxLinkedValue = 2048

func invalid(text string) error { return idp.InvalidParameterException(text) }

// AdminLinkProviderForUser lets a person of a provider sign in as an existing user.
func (s *Service) AdminLinkProviderForUser(ctx context.Context, in *idp.AdminLinkProviderForUserRequest) (*idp.AdminLinkProviderForUserResponse, error) {
	source := in.SourceUser
	if api.Val(source.ProviderName) == localProvider {
		return nil, badSource()
	}
	err := s.deps.Pools.Change(ctx, in.UserPoolId, func(tx *store.Tx, sn *pool.Snapshot) error {
		p, err := s.deps.Providers.InTransaction(ctx, tx, sn, api.Val(source.ProviderName))
		if err != nil {
			return err
		}
		k, err := sourceKey(p, source)
		if err != nil {
			return err
		}
		id, err := s.destination(ctx, tx, sn, in.DestinationUser)
		if err != nil {
			return err
		}
		return s.link(ctx, tx, sn, p, k, id)
	})
	if err != nil {
		return nil, err
	}
	return &idp.AdminLinkProviderForUserResponse{}, nil
}

func badSource() error {
	return invalid("Invalid SourceUser: Cognito users with a username/password may not be passed in as a SourceUser, only as a DestinationUser")
}

// sourceKey returns the key of the person that a request names.
func sourceKey(p *providers.Provider, in *idp.ProviderUserIdentifierType) (key, error) {
	attribute, value := api.Val(in.ProviderAttributeName), api.Val(in.ProviderAttributeValue)
	switch {
	case value == "" || len(value) > maxLinkedValue:
		return key{}, invalid("ProviderAttributeValue must have 1 to 2048 characters.")
	case attribute == "":
		return key{}, invalid("ProviderAttributeName must not be empty.")
	case attribute == subjectAttribute:
		return key{provider: p.Name, value: value}, nil
	case p.IsSocial():
		return key{}, invalid("ProviderAttributeName must be Cognito_Subject for a social identity provider.")
	}
	return key{p.Name, attribute, value}, nil
}

// destination returns the id of the user that a request names: by username, or by an
// identity at a provider.
func (s *Service) destination(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, in *idp.ProviderUserIdentifierType) (string, error) {
	name, value := api.Val(in.ProviderName), api.Val(in.ProviderAttributeValue)
	if name != localProvider {
		id, err := tx.IdentityOwner(ctx, sn.ID, key{provider: name, value: value}.hash(sn))
		return id, user.AsUserNotFound(err)
	}
	rec, err := tx.UserByUsername(ctx, sn.ID, sn.FoldUsername(value))
	return rec.ID, user.AsUserNotFound(err)
}

// link adds the identity to the user.
func (s *Service) link(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, p *providers.Provider, k key, id string) error {
	hash := k.hash(sn)
	owner, err := tx.IdentityOwner(ctx, sn.ID, hash)
	switch {
	case err == nil && owner == id:
		return invalid("SourceUser is already linked to DestinationUser")
	case err == nil:
		return invalid("Merging is not currently supported, provide a SourceUser that has not been signed up in order to link")
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	e, err := s.deps.Users.Edit(ctx, tx, sn, id)
	if err != nil {
		return err
	}
	entries, err := entriesOf(e.User)
	if err != nil {
		return err
	}
	switch {
	case indexOf(sn, entries, p.Name, k.value) >= 0:
		return invalid("SourceUser is already linked to DestinationUser")
	case slices.ContainsFunc(entries, func(e entry) bool { return e.ProviderName == p.Name }):
		return badSource()
	case len(entries) >= maxIdentities:
		return idp.LimitExceededExceptionf("A user can have %d identities at most.", maxIdentities).WithReason(api.ReasonQuota)
	}
	if k.attribute != "" {
		if err := s.deps.Providers.AddLinked(ctx, tx, sn, p.Name, k.attribute); err != nil {
			return err
		}
	}
	added := entry{UserID: k.value, ProviderName: p.Name, ProviderType: p.Type, DateCreated: s.deps.Now().UnixMilli()}
	if p.EntityID != "" {
		added.Issuer = &p.EntityID
	}
	if err := setEntries(e.User, append(entries, added)); err != nil {
		return err
	}
	if err := e.Save(ctx, user.LeaveAlias); err != nil {
		return err
	}
	err = tx.InsertIdentity(ctx, sn.ID, hash, id)
	if _, taken := errors.AsType[*store.ExistsError](err); taken {
		return store.ErrConflict // The person signs in for the first time in this moment.
	}
	return err
}

// AdminDisableProviderForUser takes a way to sign in from a user: the pool's own directory, or
// an identity at a provider. It ends the user's tokens, because a token does not say by which
// way the person came. Who was linked gets a profile of its own at the next sign-in. Who has a
// profile of its own cannot sign in at the provider any more.
func (s *Service) AdminDisableProviderForUser(ctx context.Context, in *idp.AdminDisableProviderForUserRequest) (*idp.AdminDisableProviderForUserResponse, error) {
	err := s.deps.Pools.Change(ctx, in.UserPoolId, func(tx *store.Tx, sn *pool.Snapshot) error {
		if api.Val(in.User.ProviderName) == localProvider {
			id, err := s.destination(ctx, tx, sn, in.User)
			if err != nil {
				return err
			}
			return s.disableLocal(ctx, tx, sn, id)
		}
		p, err := s.deps.Providers.InTransaction(ctx, tx, sn, api.Val(in.User.ProviderName))
		if err != nil {
			return err
		}
		k, err := sourceKey(p, in.User)
		if err != nil {
			return err
		}
		return s.unlink(ctx, tx, sn, p, k)
	})
	if err != nil {
		return nil, err
	}
	return &idp.AdminDisableProviderForUserResponse{}, nil
}

// disableLocal keeps a user from signing in by the pool's own directory. The user has no
// password any more, and the status of people who sign in at other providers only: it rules
// out a new password, passkeys and codes.
func (s *Service) disableLocal(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, id string) error {
	e, err := s.deps.Users.Edit(ctx, tx, sn, id)
	if err != nil {
		return err
	}
	e.User.Rec.Credential, e.User.Rec.Status = nil, string(idp.UserStatusTypeExternalProvider)
	if err := tx.DropCode(ctx, sn.ID, id, codes.PurposeResetPassword); err != nil {
		return err
	}
	if err := e.SignOut(ctx); err != nil {
		return err
	}
	return e.Save(ctx, user.LeaveAlias)
}

// unlink takes an identity from its user.
func (s *Service) unlink(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, p *providers.Provider, k key) error {
	hash := k.hash(sn)
	id, err := tx.IdentityOwner(ctx, sn.ID, hash)
	if err != nil {
		return user.AsUserNotFound(err)
	}
	e, err := s.deps.Users.Edit(ctx, tx, sn, id)
	if err != nil {
		return err
	}
	entries, err := entriesOf(e.User)
	if err != nil {
		return err
	}
	at := indexOf(sn, entries, p.Name, k.value)
	if at < 0 {
		return nil // done before
	}
	own := entries[at].Primary
	if err := setEntries(e.User, slices.Delete(entries, at, at+1)); err != nil {
		return err
	}
	if err := e.SignOut(ctx); err != nil {
		return err
	}
	if err := e.Save(ctx, user.LeaveAlias); err != nil {
		return err
	}
	if err := leaveDirectory(ctx, tx, sn.ID, p.Name, id); err != nil || own {
		return err // The row of a profile's own identity stays: it leads to a refusal.
	}
	return tx.DeleteIdentity(ctx, sn.ID, hash, id)
}

// leaveDirectory takes a user who cannot sign in at a provider any more out of the provider's
// directory.
func leaveDirectory(ctx context.Context, tx *store.Tx, poolID, provider, userID string) error {
	d, err := tx.DirectoryOf(ctx, poolID, provider)
	if err == nil {
		err = tx.DeleteResource(ctx, poolID, d.ID, store.ResourceUser, userID)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
