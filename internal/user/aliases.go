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
// clashes are reported.
var nameKinds = []string{schema.Email, schema.PhoneNumber, schema.PreferredUsername}

// isNameKind reports whether the attribute can be a sign-in name in the pool.
func isNameKind(sn *pool.Snapshot, kind string) bool {
	return sn.AliasAttributes.Has(kind) || sn.UsernameAttributes.Has(kind)
}

// signInNames are the names besides the username by which somebody with these
// attributes signs in. An e-mail or phone alias counts while it is verified; a
// username attribute counts always; preferred_username counts as soon as it is
// set (Cognito: auth by alias).
func signInNames(sn *pool.Snapshot, attrs map[string]string) []store.Name {
	if !hasAliases(sn) {
		return nil
	}
	var names []store.Name
	for _, kind := range nameKinds {
		value := attrs[kind]
		switch {
		case value == "":
		case sn.UsernameAttributes.Has(kind),
			sn.AliasAttributes.Has(kind) && (kind == schema.PreferredUsername || attrs[schema.VerifiedFlag(kind)] == "true"):
			names = append(names, store.Name{Kind: kind, Value: sn.FoldAlias(kind, value)})
		}
	}
	return names
}

// A NameConflict decides what happens to a name that another user holds: an error is the
// answer; nil moves the name, as Cognito does with aliases.
type NameConflict func(kind string) error

// AliasExists is the NameConflict of operations that change a user's attributes.
func AliasExists(kind string) error {
	return idp.AliasExistsException("An account with the given " + kind + " already exists.")
}

// confirmAliasExists is the answer of ConfirmSignUp.
func confirmAliasExists(kind string) error {
	return idp.AliasExistsException("An account with the " + kind + " already exists.")
}

// usernameExistsByAlias is the answer of SignUp, and of AdminCreateUser where addresses are usernames.
func usernameExistsByAlias(kind string) error {
	return idp.UsernameExistsException("An account with the given " + kind + " already exists.")
}

// moveAliases is the NameConflict of an administrator who says that a value is
// verified, and of a forced confirmation: an e-mail or phone alias moves, what
// cannot lose a flag is refused.
func moveAliases(sn *pool.Snapshot, refuse NameConflict) NameConflict {
	return func(kind string) error {
		if sn.UsernameAttributes.Has(kind) || kind == schema.PreferredUsername {
			return refuse(kind)
		}
		return nil
	}
}

// maxSignInName is the longest sign-in name in bytes: what an index entry holds.
const maxSignInName = 2048

// claim adds a sign-in name to the user. If another user holds the name, claim
// does what decide says.
func (e *Edit) claim(ctx context.Context, name store.Name, decide NameConflict) error {
	if len(name.Value) > maxSignInName {
		return idp.InvalidParameterException("user." + name.Kind + ": The value is too long to sign in by.")
	}
	owner, err := e.tx.NameOwner(ctx, e.sn.ID, name.Kind, name.Value)
	switch {
	case errors.Is(err, store.ErrNotFound):
		if err := e.notUsername(ctx, name, decide); err != nil {
			return err
		}
		err := e.tx.PutName(ctx, e.sn.ID, e.User.ID(), name)
		if errors.Is(err, store.ErrExists) { // Somebody was faster.
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
	return e.take(ctx, name, owner)
}

// notUsername refuses a preferred_username that is another user's username:
// the username comes first when names are resolved, so it would never work. It
// also refuses one that is another user's sub, see isSub.
func (e *Edit) notUsername(ctx context.Context, name store.Name, decide NameConflict) error {
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

// aliasRace answers a name lost to a concurrent change. Where the name would
// move, the transaction is to be run again and move it.
func aliasRace(decide NameConflict, kind string) error {
	if err := decide(kind); err != nil {
		return err
	}
	return store.ErrConflict
}

// take moves a name to the user. Its owner keeps the value unverified and his
// tokens, and no longer signs in by it.
func (e *Edit) take(ctx context.Context, name store.Name, owner string) error {
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

// clashOf returns the conflict of the first name that another user holds, without
// changing anything; nil where there is none.
func clashOf(ctx context.Context, r *store.Reader, sn *pool.Snapshot, userID string, names []store.Name, decide NameConflict) error {
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
