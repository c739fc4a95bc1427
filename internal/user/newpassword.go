package user

import (
	"context"
	"maps"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// MissingAttributes lists by name what the schema requires and the user lacks.
// The NEW_PASSWORD_REQUIRED challenge asks for it.
func MissingAttributes(sn *pool.Snapshot, u *User) []string {
	var missing []string
	for _, name := range sn.Schema.Required() {
		if name != attrSub && u.Attributes[name] == "" {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	return missing
}

// CompleteNewPassword ends the NEW_PASSWORD_REQUIRED challenge: the user's own
// password takes the place of the temporary one, attributes that came with it
// are stored and the user is confirmed. then runs in the same transaction: it
// is where the caller spends the session.
func (s *Service) CompleteNewPassword(ctx context.Context, sn *pool.Snapshot, client *pool.Client, u *User, password string, attrs map[string]string, then func(ctx context.Context, tx *store.Tx) error) (*User, error) {
	given := maps.Clone(attrs)
	maps.DeleteFunc(given, func(_, v string) bool { return v == "" })
	if err := checkCompletion(sn, client, u, given); err != nil {
		return nil, err
	}
	u, err := s.ReplacePassword(ctx, sn, u, PasswordChange{
		Password: password, Prefix: PolicyChange,
		Then: func(ctx context.Context, tx *store.Tx, u *User) error {
			if u.Status() != idp.UserStatusTypeForceChangePassword {
				return idp.NotAuthorizedException("Invalid session for the user.").WithReason(api.ReasonAccountChanged)
			}
			if then != nil {
				if err := then(ctx, tx); err != nil {
					return err
				}
			}
			u.complete(given)
			u.Rec.Status = string(idp.UserStatusTypeConfirmed)
			return nil
		},
	})
	return u, err
}

// checkCompletion checks the attributes of an answer to the challenge. Required
// attributes without a value must be sent. Required attributes that have a value
// must not be sent, even unchanged. Others must be writable by the client.
func checkCompletion(sn *pool.Snapshot, client *pool.Client, u *User, given map[string]string) error {
	for _, name := range MissingAttributes(sn, u) {
		if given[name] == "" {
			return idp.InvalidParameterException("Invalid attributes given, " + name + " is missing")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		a, known := sn.Schema.Attribute(name)
		old := u.Attributes[name]
		switch {
		case !known:
			return idp.InvalidParameterException("user." + name + noSuchName)
		case !mayWrite(sn, client, name):
			return unauthorizedAttribute()
		case a.Required && old != "":
			return idp.NotAuthorizedException("Cannot modify an already provided " + name).WithReason(api.ReasonInvalidRequest)
		case !a.Mutable && old != "" && old != given[name]:
			return idp.InvalidParameterException("user." + name + isImmutable)
		}
	}
	return checkValues(sn, given)
}

// complete stores the attributes of the challenge. An address that is new is
// not verified by it.
func (u *User) complete(given map[string]string) {
	for name, value := range given {
		if (name == attrEmail || name == attrPhone) && u.Attributes[name] != value {
			u.Attributes[verifiedFlag(name)] = "false"
			delete(u.Pending, name)
		}
		u.Attributes[name] = value
	}
}
