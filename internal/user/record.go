package user

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
	"cognate/internal/user/codes"
)

// User is a user of a pool, read from the store.
type User struct {
	// Rec is the stored row. Changes of Attributes reach its Profile and its searchable
	// columns when Record is called.
	Rec store.User
	// Attributes are all attributes but sub, which is Rec.ID.
	Attributes map[string]string
	// Pending are values of email and phone_number that wait for their code
	// (Cognito: AttributesRequireVerificationBeforeUpdate).
	Pending map[string]string
	// MFA is the user's choice of second factors.
	MFA MFA
	// SoftwareToken is the user's authenticator app.
	SoftwareToken SoftwareToken

	// SignUpCode is the live code that confirms the user, nil if there is none. It is
	// in the profile, because a sign-up writes the profile anyway: that saves a row.
	SignUpCode *store.Code
	// decoy is true for a user who does not exist. decoyName is the name that was typed.
	// standsFor is the user whose state the decoy hides, nil if there is no such user.
	decoy     bool
	decoyName string
	standsFor *User
}

// MFA is a user's choice of second factors.
type MFA struct {
	// Enabled lists SMS_MFA, EMAIL_OTP, SOFTWARE_TOKEN_MFA.
	Enabled   []string `json:"enabled,omitempty"`
	Preferred string   `json:"preferred,omitempty"`
	// LegacySMS is set by SetUserSettings and shows as MFAOptions.
	LegacySMS bool `json:"legacySms,omitempty"`
	// Passkey says that a passkey with user verification is a second factor too.
	Passkey bool `json:"passkey,omitempty"`
}

// profileVersion is the newest form of the profile document that this program
// reads and writes.
const profileVersion = 1

// profile is the document in store.User.Profile. No query looks into it.
type profile struct {
	Version    int               `json:"v"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Pending    map[string]string `json:"pending,omitempty"`
	MFA        *MFA              `json:"mfa,omitempty"`
	SignUpCode *profileCode      `json:"SignUpCode,omitempty"`
	// SoftwareToken is absent for a user without an authenticator app.
	SoftwareToken *SoftwareToken `json:"softwareToken,omitempty"`
}

// profileCode is a code within the profile, by its keyed hash. Times are
// milliseconds since the epoch.
type profileCode struct {
	Hash      []byte `json:"hash"`
	Target    string `json:"target"`
	Value     string `json:"value"`
	CreatedAt int64  `json:"createdAt"`
	ExpiresAt int64  `json:"expiresAt"`
}

// FromRecord opens a stored row.
func FromRecord(_ *pool.Snapshot, rec store.User) (*User, error) {
	var p profile
	if err := p.parse(rec.Profile); err != nil {
		return nil, fmt.Errorf("user: profile of %s: %w", rec.ID, err)
	}
	if p.Version > profileVersion {
		return nil, fmt.Errorf("user: profile of %s has form %d, newer than %d", rec.ID, p.Version, profileVersion)
	}
	u := &User{Rec: rec, Attributes: p.Attributes, Pending: p.Pending}
	if u.Attributes == nil {
		u.Attributes = map[string]string{}
	}
	if p.MFA != nil {
		u.MFA = *p.MFA
	}
	if p.SoftwareToken != nil {
		u.SoftwareToken = *p.SoftwareToken
	}
	if c := p.SignUpCode; c != nil && len(c.Hash) == 32 {
		u.SignUpCode = &store.Code{
			PoolID: rec.PoolID, UserID: rec.ID, Purpose: codes.PurposeSignUp, Hash: [32]byte(c.Hash), Target: c.Target, Value: c.Value,
			CreatedAt: time.UnixMilli(c.CreatedAt), ExpiresAt: time.UnixMilli(c.ExpiresAt),
		}
	}
	return u, nil
}

// Record writes the attributes back into the row, with the copies that lists
// search, and returns the row.
func (u *User) Record() (store.User, error) {
	p := profile{Version: profileVersion, Attributes: u.Attributes, Pending: u.Pending}
	if len(u.MFA.Enabled) > 0 || u.MFA.Preferred != "" || u.MFA.LegacySMS {
		p.MFA = &u.MFA
	}
	if !u.SoftwareToken.Empty() {
		p.SoftwareToken = &u.SoftwareToken
	}
	if u.Status() != idp.UserStatusTypeUnconfirmed {
		u.SignUpCode = nil // The user is confirmed already.
	}
	if c := u.SignUpCode; c != nil {
		p.SignUpCode = &profileCode{Hash: c.Hash[:], Target: c.Target, Value: c.Value, CreatedAt: c.CreatedAt.UnixMilli(), ExpiresAt: c.ExpiresAt.UnixMilli()}
	}
	doc, err := json.Marshal(p)
	if err != nil {
		return store.User{}, fmt.Errorf("user: profile of %s: %w", u.Rec.ID, err)
	}
	u.Rec.Profile = doc
	u.Rec.Email = u.column(schema.Email)
	u.Rec.PhoneNumber = u.column(schema.PhoneNumber)
	u.Rec.Name = u.column("name")
	u.Rec.GivenName = u.column("given_name")
	u.Rec.FamilyName = u.column("family_name")
	u.Rec.PreferredUsername = u.column(schema.PreferredUsername)
	return u.Rec, nil
}

func (u *User) column(attr string) *string {
	if v, ok := u.Attributes[attr]; ok {
		return &v
	}
	return nil
}

// ID is the user's sub.
func (u *User) ID() string { return u.Rec.ID }

// Username is the stored username, which tokens and SRP use too.
func (u *User) Username() string { return u.Rec.Username }

// Status is the user's status.
func (u *User) Status() idp.UserStatusType { return idp.UserStatusType(u.Rec.Status) }

// Verified reports whether the value of email or phone_number is verified.
func (u *User) Verified(attr string) bool {
	return u.Attributes[attr] != "" && u.Attributes[schema.VerifiedFlag(attr)] == "true"
}

// AttributeList returns sub and the attributes that show accepts by name. A nil show
// accepts all.
func (u *User) AttributeList(show func(name string) bool) []idp.AttributeType {
	list := make([]idp.AttributeType, 0, len(u.Attributes)+1)
	list = append(list, idp.AttributeType{Name: schema.Sub, Value: new(u.Rec.ID)})
	for _, name := range slices.Sorted(maps.Keys(u.Attributes)) {
		if show == nil || show(name) {
			list = append(list, idp.AttributeType{Name: name, Value: new(u.Attributes[name])})
		}
	}
	return list
}

// touch sets the time of the last change.
func (u *User) touch(now time.Time) { u.Rec.ModifiedAt = now }
