package user

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
)

// MissingAttributes returns the names of the attributes that the schema requires and the
// user does not have, sorted. The NEW_PASSWORD_REQUIRED challenge asks for them.
func MissingAttributes(sn *pool.Snapshot, u *User) []string {
	var missing []string
	for _, name := range sn.Schema.Required() {
		if name != schema.Sub && u.Attributes[name] == "" {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	return missing
}

// A NewPassword is an accepted answer to NEW_PASSWORD_REQUIRED: the password that
// takes the place of a temporary one, and the attributes that came with it.
type NewPassword struct {
	service    *Service
	pool       *pool.Snapshot
	user       *User
	sealed     []byte
	attributes map[string]string
}

// PrepareNewPassword checks an answer to NEW_PASSWORD_REQUIRED and hashes its
// password. Nothing is stored yet.
func (s *Service) PrepareNewPassword(ctx context.Context, sn *pool.Snapshot, client *pool.Client, u *User, password string, attrs map[string]string) (*NewPassword, error) {
	given := maps.Clone(attrs)
	maps.DeleteFunc(given, func(_, v string) bool { return v == "" })
	if err := checkCompletion(sn, client, u, given); err != nil {
		return nil, err
	}
	if _, err := s.CheckChoice(ctx, sn, client.ID, idp.EventFilterTypePasswordChange, PolicyChange, password); err != nil {
		return nil, err
	}
	sealed, err := s.SetPassword(ctx, sn, u, password, false, PolicyChange)
	if err != nil {
		return nil, err
	}
	return &NewPassword{s, sn, u, sealed, given}, nil
}

// Store stores the password and the attributes, confirms the user, and returns the
// user as stored. It rejects a user who is no longer the one that was prepared.
func (n *NewPassword) Store(ctx context.Context, tx *store.Tx) (*User, error) {
	e, err := n.service.Edit(ctx, tx, n.pool, n.user.ID())
	if err != nil {
		return nil, err
	}
	u := e.User
	// An administrator may have changed the account in this very moment.
	if u.Status() != idp.UserStatusTypeForceChangePassword || !bytes.Equal(u.Rec.Credential, n.user.Rec.Credential) {
		return nil, idp.NotAuthorizedException("Invalid session for the user.").WithReason(api.ReasonAccountChanged)
	}
	u.complete(n.attributes)
	u.Rec.Status = string(idp.UserStatusTypeConfirmed)
	u.Rec.Credential = n.sealed
	return u, e.Save(ctx, AliasExists)
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
	return CheckValues(sn, given)
}

// complete sets the attributes of the challenge. A new address is not verified.
func (u *User) complete(given map[string]string) {
	for name, value := range given {
		if (name == schema.Email || name == schema.PhoneNumber) && u.Attributes[name] != value {
			u.Attributes[schema.VerifiedFlag(name)] = "false"
			delete(u.Pending, name)
		}
		u.Attributes[name] = value
	}
}
