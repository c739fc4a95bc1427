package identitypool

import (
	"context"
	"errors"

	"cognate/internal/pool"
	"cognate/internal/store"
)

// A UserIdentity is an identity to which the login of a user pool's user leads.
type UserIdentity struct {
	store.PoolIdentity
	// Logins are all logins of the identity, those of other providers included.
	Logins []store.IdentityLogin
	// Merged are the identities that were merged into this one.
	Merged []store.PoolIdentity
}

// UserProvider returns the provider of the logins of a user pool's users.
func UserProvider(sn *pool.Snapshot) string { return awsHost(sn.Region) + "/" + sn.ID }

// userLogin returns the login of a user pool's user.
func userLogin(sn *pool.Snapshot, sub string) *login {
	return &login{provider: UserProvider(sn), subject: sub, local: true}
}

// IdentitiesOfUser lists the identities of a user pool's user, in all identity pools.
func IdentitiesOfUser(ctx context.Context, r *store.Reader, sn *pool.Snapshot, sub string) ([]UserIdentity, error) {
	own, err := r.LoginsOfHash(ctx, userLogin(sn, sub).hash())
	if err != nil {
		return nil, err
	}
	var list []UserIdentity
	for _, l := range own {
		var u UserIdentity
		if u.PoolIdentity, err = r.PoolIdentity(ctx, l.IdentityID); errors.Is(err, store.ErrNotFound) {
			continue // The identity pool is being swept away.
		}
		if err == nil {
			u.Logins, err = r.IdentityLogins(ctx, l.IdentityID)
		}
		if err == nil {
			u.Merged, err = r.MergedIdentities(ctx, l.IdentityID)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, u)
	}
	return list, nil
}

// ForgetUser removes the login of a user pool's user from all identity pools, and the identities
// to which no other login leads. It returns the identities that stay, which are those with logins
// of other providers, and how many rows of each table it removed.
func ForgetUser(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, sub string) (stay []UserIdentity, removed map[string]int, err error) {
	list, err := IdentitiesOfUser(ctx, &tx.Reader, sn, sub)
	if err != nil {
		return nil, nil, err
	}
	removed = map[string]int{}
	hash := userLogin(sn, sub).hash()
	for _, u := range list {
		removed["identity_logins"]++
		if len(u.Logins) > 1 {
			stay = append(stay, u)
			err = tx.DeleteIdentityLogin(ctx, u.PoolID, hash, u.ID)
		} else {
			removed["pool_identities"] += 1 + len(u.Merged)
			err = tx.DeletePoolIdentity(ctx, u.ID)
		}
		if errors.Is(err, store.ErrNotFound) {
			err = store.ErrConflict // Another transaction has changed the identity.
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return stay, removed, nil
}
