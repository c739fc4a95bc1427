package user

import (
	"context"
	"errors"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/keys"
	"cognate/internal/keys/srp"
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
)

// Labels of values that are derived for names without a user.
const (
	decoyID      keys.Purpose = "absent user id"
	decoySalt    keys.Purpose = "absent user salt"
	decoyContact keys.Purpose = "absent user contact"
)

// Decoy returns a user who does not exist, for an app client that hides who exists
// (Cognito: PreventUserExistenceErrors). It is a function of the pool and the folded name,
// so that repeated calls agree. No password matches it. Codes and attempts are counted
// under its id as they are for a user, so that later answers look the same too.
func (s *Service) Decoy(sn *pool.Snapshot, name string) *User {
	h := s.deps.Ring.Derive(decoyID, []byte(sn.ID), []byte(foldName(sn, name)))
	id := keys.DerivedUUID(h)
	return &User{
		Rec:        store.User{PoolID: sn.ID, ID: id, Username: decoyUsername(sn, name, id), Enabled: true, Status: string(idp.UserStatusTypeConfirmed)},
		Attributes: map[string]string{},
		decoy:      true,
		decoyName:  name,
	}
}

// Note adds the user's sub to the request's log line, or that there is no such user.
func Note(ctx context.Context, u *User) {
	sub := u.Rec.ID
	if u.decoy {
		sub = audit.NoUser
	}
	audit.From(ctx).SetUser(sub)
}

// decoyUsername returns a username as a user with this name would have. A name that can be
// a username is the username. If the name is an address, a user of the pool has another
// username: the sub if usernames are addresses, and an unknown one if addresses are
// aliases. Both are the id here.
func decoyUsername(sn *pool.Snapshot, name, id string) string {
	folded := sn.FoldUsername(name)
	switch {
	case len(sn.UsernameAttributes) > 0 && !keys.IsUUID(folded),
		sn.AliasAttributes.Has(schema.Email) && schema.IsEmail(name),
		sn.AliasAttributes.Has(schema.PhoneNumber) && schema.IsPhone(name):
		return id
	}
	return folded
}

// StandIn returns a decoy that takes the place of a user whose state the client must not
// learn (Cognito: PreventUserExistenceErrors). Simulated codes go to the user's own
// addresses, as in every other answer about the user.
func (s *Service) StandIn(sn *pool.Snapshot, u *User, name string) *User {
	if u.decoy {
		return u
	}
	decoy := s.Decoy(sn, name)
	decoy.standsFor = u
	return decoy
}

// HiddenReason returns why the client must not learn of the user. It is for the log.
func (u *User) HiddenReason() api.Reason {
	switch {
	case u.standsFor == nil:
		return api.ReasonUnknownUser
	case !u.standsFor.Rec.Enabled:
		return api.ReasonDisabled
	}
	return api.ReasonWrongStatus
}

// IsDecoy reports whether the user does not exist.
func (u *User) IsDecoy() bool { return u.decoy }

// decoyCredential returns a credential that no password matches. The salt is a function of
// the name, because a client sees it. The verifier is the same for all names: the values
// that a client sees of it are random each time.
func (s *Service) decoyCredential(u *User) (*Credential, error) {
	c, err := s.sampleCredential()
	if err != nil {
		return nil, err
	}
	salt := s.deps.Ring.Derive(decoySalt, []byte(u.Rec.PoolID+"\x00"+u.Rec.ID))
	salt[0] |= 1 // As salts are made: the first byte is not zero.
	c.Salt = salt[:srp.SaltSize]
	return c, nil
}

// DecoyDelivery returns where a code for a decoy would have gone: to an address of the
// user whose place the decoy takes, else to the name if it is an address of the medium,
// else to an address that is derived from the name.
func (s *Service) DecoyDelivery(sn *pool.Snapshot, u *User, attrs []string) mailing.Delivery {
	// If a code to a user cannot be delivered, neither can one to a decoy.
	if reached := slices.DeleteFunc(slices.Clone(attrs), func(attr string) bool {
		return s.deps.Mail.CheckDeliverable(sn, mailing.MediumOf(attr)) != nil
	}); len(reached) > 0 {
		attrs = reached
		for _, a := range reached {
			if known := u.standsFor; known != nil && known.Attributes[a] != "" {
				return mailing.Delivery{Medium: mailing.MediumOf(a), Attribute: a, To: known.Attributes[a]}
			}
		}
	}
	attr := schema.Email
	if len(attrs) > 0 {
		attr = attrs[0]
	}
	for _, a := range attrs {
		if a == schema.Email && schema.IsEmail(u.decoyName) || a == schema.PhoneNumber && schema.IsPhone(u.decoyName) {
			return mailing.Delivery{Medium: mailing.MediumOf(a), Attribute: a, To: foldName(sn, u.decoyName)}
		}
	}
	h := s.deps.Ring.Derive(decoyContact, []byte(sn.ID), []byte(foldName(sn, u.decoyName)))
	d := mailing.Delivery{Medium: mailing.MediumOf(attr), Attribute: attr}
	if attr == schema.PhoneNumber {
		d.To = "+1" + decimals(h[:10])
		return d
	}
	const initials = "aabcddegjjjklmmnprsst"
	domains := [...]string{"gmail.com", "gmail.com", "gmail.com", "outlook.com", "yahoo.com", "hotmail.com", "icloud.com", "example.com"}
	d.To = string(initials[int(h[0])%len(initials)]) + "@" + domains[int(h[1])%len(domains)]
	return d
}

func decimals(random []byte) string {
	b := make([]byte, len(random))
	for i, r := range random {
		b[i] = '0' + r%10
	}
	return string(b)
}

// ReadDecoy takes the time of reading the user of a decoy's id. It reads the user next
// to the id and drops it. A query that finds nothing would be faster, because it does
// not touch the page of a row.
func (s *Service) ReadDecoy(ctx context.Context, r *store.Reader, sn *pool.Snapshot, u *User) error {
	next, err := r.UserNextTo(ctx, sn.ID, u.ID())
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return s.dropNext(sn, next)
}

// dropNext takes the steps that make a user of a row, and drops the user. If there is no
// user next to the decoy's id, it uses the sample.
func (s *Service) dropNext(sn *pool.Snapshot, next store.User) error {
	if next.ID == "" {
		return s.readSample(sn)
	}
	_, err := FromRecord(sn, next)
	return err
}
