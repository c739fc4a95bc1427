package user

import (
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
)

// autoVerify returns where a new user's confirmation code goes: to the phone if
// the pool verifies phone numbers and there is one, else to the mail address
// (Cognito: auto-verified attributes); false if nowhere.
func autoVerify(sn *pool.Snapshot, u *User) (mailing.Delivery, bool) {
	for _, attr := range []string{schema.PhoneNumber, schema.Email} {
		if value := u.Attributes[attr]; value != "" && sn.AutoVerified.Has(attr) {
			return mailing.Delivery{Medium: mailing.MediumOf(attr), Attribute: attr, To: value}, true
		}
	}
	return mailing.Delivery{}, false
}

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
