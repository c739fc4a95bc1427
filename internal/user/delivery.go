package user

import (
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
)

// DisplayName is the name by which a message addresses the user: in a pool
// whose usernames are addresses it is the address, not the generated username.
func (u *User) DisplayName(sn *pool.Snapshot) string {
	for _, attr := range []string{schema.Email, schema.PhoneNumber} {
		if sn.UsernameAttributes.Has(attr) && u.Attributes[attr] != "" {
			return u.Attributes[attr]
		}
	}
	return u.Username()
}

// Recipient is the user as messages of the pool know a person.
func (u *User) Recipient(sn *pool.Snapshot) mailing.Recipient {
	return mailing.Recipient{
		UserID: u.ID(), Username: u.Username(), DisplayName: u.DisplayName(sn), EventName: u.EventName(), Nowhere: u.decoy,
		EventAttributes: func() map[string]string { return u.EventAttributes(sn) },
	}
}
