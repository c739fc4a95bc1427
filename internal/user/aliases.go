package user

import (
	"context"
	"errors"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
)

// nameKinds are the attributes that can be sign-in names, in the order in which
// conflicts are reported.
var nameKinds = []string{schema.Email, schema.PhoneNumber, schema.PreferredUsername}

// isNameKind reports whether the attribute can be a sign-in name in the pool.
func isNameKind(sn *pool.Snapshot, kind string) bool {
	return sn.AliasAttributes.Has(kind) || sn.UsernameAttributes.Has(kind)
}

// SignInNames returns the names, besides the username, by which a user signs in. An email or
// phone alias is one while it is verified. A username
// attribute and preferred_username are one as soon as they are set (Cognito: sign-in
// with aliases).
func SignInNames(sn *pool.Snapshot, u *User) []store.Name {
	attrs := u.Attributes
	if !hasAliases(sn) {
		return nil
	}
	var names []store.Name
	for _, kind := range nameKinds {
		value := attrs[kind]
		switch {
		case value == "":
		case sn.UsernameAttributes.Has(kind) && !isProfile(u),
			sn.AliasAttributes.Has(kind) && (kind == schema.PreferredUsername || attrs[schema.VerifiedFlag(kind)] == "true"):
			names = append(names, store.Name{Kind: kind, Value: sn.FoldAlias(kind, value)})
		}
	}
	return names
}

// isProfile reports whether a sign-in at another provider made the user of a pool whose
// usernames are addresses. The username is then the provider's, while the username of the
// pool's own users is the sub. The addresses of a profile are nobody's username.
func isProfile(u *User) bool { return u.Rec.Username != u.Rec.ID }

// A ConflictRule decides about a sign-in name that another user has. It returns the
// error of the operation, or nil to move the name, as Cognito does with aliases.
type ConflictRule func(kind string) error

// AliasExists is the ConflictRule of operations that change a user's attributes.
func AliasExists(kind string) error {
	return idp.AliasExistsException("An account with the given " + kind + " already exists.")
}

// UsernameExistsByAlias is the ConflictRule of SignUp, and of AdminCreateUser in a pool
// whose usernames are addresses.
func UsernameExistsByAlias(kind string) error {
	return idp.UsernameExistsException("An account with the given " + kind + " already exists.")
}

// MoveAliases returns the ConflictRule of an administrator who says that a value is
// verified, and of a forced confirmation. An email or phone alias moves. Other names
// have no flag that their user could lose: refuse returns the error for them.
func MoveAliases(sn *pool.Snapshot, refuse ConflictRule) ConflictRule {
	return func(kind string) error {
		if sn.UsernameAttributes.Has(kind) || kind == schema.PreferredUsername {
			return refuse(kind)
		}
		return nil
	}
}

// LeaveAlias is the ConflictRule of sign-ins at other providers: the name stays with its
// user, and the value is stored all the same.
func LeaveAlias(string) error { return errLeave }

var errLeave = errors.New("user: the name stays with its user")

// MaxSignInName is the longest sign-in name in bytes: what an index entry holds.
const MaxSignInName = 2048

// claim adds a sign-in name to the user. If another user has the name, decide says what
// happens.
func (e *Edit) claim(ctx context.Context, name store.Name, decide ConflictRule) error {
	err := e.claimOrDecide(ctx, name, decide)
	if errors.Is(err, errLeave) {
		return nil
	}
	return err
}

func (e *Edit) claimOrDecide(ctx context.Context, name store.Name, decide ConflictRule) error {
	if len(name.Value) > MaxSignInName {
		return idp.InvalidParameterException("user." + name.Kind + ": The value is too long to sign in by.")
	}
	owner, err := e.tx.NameOwner(ctx, e.sn.ID, name.Kind, name.Value)
	switch {
	case errors.Is(err, store.ErrNotFound):
		if err := e.notUsername(ctx, name, decide); err != nil {
			return err
		}
		err := e.tx.PutName(ctx, e.sn.ID, e.User.ID(), name)
		if errors.Is(err, store.ErrExists) { // A concurrent transaction was faster.
			return aliasRace(decide, name.Kind)
		}
		return err
	case err != nil:
		return err
	case owner == e.User.ID():
		return nil
	}
	if err := decide(name.Kind); err != nil {
		return err
	}
	return e.moveName(ctx, name, owner)
}

// notUsername rejects a preferred_username that is another user's username: the username
// comes first when names are resolved, so the preferred_username would never work. It
// also rejects another user's sub, see isSub.
func (e *Edit) notUsername(ctx context.Context, name store.Name, decide ConflictRule) error {
	if name.Kind != schema.PreferredUsername {
		return nil
	}
	if err := e.tx.TurnOfName(ctx, e.sn.ID, name.Value); err != nil {
		return err
	}
	if sub, err := isSub(ctx, e.tx, e.sn, name.Value); err != nil || sub && name.Value != e.User.ID() {
		if err == nil {
			err = decide(name.Kind)
		}
		return err
	}
	owner, err := e.tx.UserByUsername(ctx, e.sn.ID, name.Value)
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && owner.ID == e.User.ID():
		return nil
	case err != nil:
		return err
	}
	return decide(name.Kind)
}

// aliasRace returns the error for a name lost to a concurrent change. If the name
// would move, the transaction runs again and moves it.
func aliasRace(decide ConflictRule, kind string) error {
	if err := decide(kind); err != nil {
		return err
	}
	return store.ErrConflict
}

// moveName moves a name from its owner to the user. The owner keeps the value as an
// unverified one and keeps the tokens, but no longer signs in by the name.
func (e *Edit) moveName(ctx context.Context, name store.Name, owner string) error {
	if _, err := e.tx.TakeName(ctx, e.sn.ID, e.User.ID(), name); err != nil {
		return err
	}
	rec, err := e.tx.User(ctx, e.sn.ID, owner)
	if err != nil {
		return err
	}
	loser, err := FromRecord(e.sn, rec)
	if err != nil {
		return err
	}
	loser.Attributes[schema.VerifiedFlag(name.Kind)] = "false"
	loser.touch(e.s.deps.Now())
	if rec, err = loser.Record(); err != nil {
		return err
	}
	return e.tx.UpdateUser(ctx, rec)
}

// NameConflict returns the error of the first name that another user has and that may
// not move. It changes nothing.
func NameConflict(ctx context.Context, r *store.Reader, sn *pool.Snapshot, userID string, names []store.Name, decide ConflictRule) error {
	for _, name := range names {
		owner, err := r.NameOwner(ctx, sn.ID, name.Kind, name.Value)
		switch {
		case errors.Is(err, store.ErrNotFound) || err == nil && owner == userID:
			continue
		case err != nil:
			return err
		}
		if err := decide(name.Kind); err != nil {
			return err
		}
	}
	return nil
}
