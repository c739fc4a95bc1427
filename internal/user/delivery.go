package user

import (
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
)

// DisplayName returns the name by which a message addresses the user. In a pool whose
// usernames are addresses this is the address, not the generated username.
func (u *User) DisplayName(sn *pool.Snapshot) string {
	for _, attr := range []string{schema.Email, schema.PhoneNumber} {
		if sn.UsernameAttributes.Has(attr) && u.Attributes[attr] != "" {
			return u.Attributes[attr]
		}
	}
	return u.Username()
}

// Recipient returns the user as the recipient of a message.
func (u *User) Recipient(sn *pool.Snapshot) mailing.Recipient {
	return mailing.Recipient{
		UserID: u.ID(), Username: u.Username(), DisplayName: u.DisplayName(sn), EventName: u.EventName(), Nowhere: u.decoy,
		EventAttributes: func() map[string]string { return u.EventAttributes(sn) },
	}
}
