package keys

import (
	"slices"
	"time"
)

// KeyUse says which tokens a signing key signs. Each pool has a key for each use.
type KeyUse string

// The uses of signing keys.
const (
	UseIDToken     KeyUse = "id"
	UseAccessToken KeyUse = "access"
)

// KeyState is the state of a signing key. It only moves forward:
//
//	pending → active → retired → (dropped)
//
// A pending key is published, but does not sign yet. So verifiers that cache the key set
// know the key before they meet a token of it. The active key signs; a use has one active
// key. A retired key no longer signs. It stays published until its last token has expired.
type KeyState string

// The states of signing keys.
const (
	KeyPending KeyState = "pending"
	KeyActive  KeyState = "active"
	KeyRetired KeyState = "retired"
)

// SigningKeyRecord is the stored state of a signing key. The private key is stored beside
// it, sealed.
type SigningKeyRecord struct {
	KID       string
	Use       KeyUse
	State     KeyState
	CreatedAt time.Time
	// ActivatesAt is when a pending key may begin to sign, or when another key began.
	ActivatesAt time.Time
	// RetiresAt is when a retired key stopped signing; zero before.
	RetiresAt time.Time
}

const (
	// PublishLead is how long a key is published before it signs: longer than the
	// max-age of the key set (a day).
	PublishLead = 25 * time.Hour
	// RetireLinger is how long a key is published after its last signature: the longest
	// life of an ID or access token (a day), and an hour for slow nodes and for clocks
	// that differ.
	RetireLinger = 25 * time.Hour
)

// IntroduceSigningKey adds a key. If nothing is active for its use it becomes
// active at once, as no verifier can know an older one; else it is pending and
// may sign after PublishLead. A use has one pending key at most: with another,
// ok is false and nothing changes.
func IntroduceSigningKey(records []SigningKeyRecord, kid string, use KeyUse, now time.Time) (next []SigningKeyRecord, ok bool) {
	r := SigningKeyRecord{KID: kid, Use: use, State: KeyActive, CreatedAt: now, ActivatesAt: now}
	for _, other := range records {
		switch {
		case other.KID == kid, other.Use == use && other.State == KeyPending:
			return records, false
		case other.Use == use && other.State == KeyActive:
			r.State, r.ActivatesAt = KeyPending, now.Add(PublishLead)
		}
	}
	return append(slices.Clone(records), r), true
}

// AdvanceSigningKeys brings the records up to date. Pending keys whose time has come
// become active, and the active keys retire. Retired keys without valid tokens are left
// out and returned in dropped. It changes nothing if it is called again with the same or
// an earlier time.
func AdvanceSigningKeys(records []SigningKeyRecord, now time.Time) (next []SigningKeyRecord, dropped []string) {
	succeeded := map[KeyUse]bool{}
	for _, r := range records {
		if r.State == KeyPending && !r.ActivatesAt.After(now) {
			succeeded[r.Use] = true
		}
	}
	for _, r := range records {
		switch {
		case r.State == KeyPending && !r.ActivatesAt.After(now):
			r.State, r.ActivatesAt = KeyActive, now
		case r.State == KeyActive && succeeded[r.Use]:
			r.State, r.RetiresAt = KeyRetired, now
		case r.State == KeyRetired && !r.RetiresAt.Add(RetireLinger).After(now):
			dropped = append(dropped, r.KID)
			continue
		}
		next = append(next, r)
	}
	return next, dropped
}

// ActiveSigningKey returns the kid of the key that signs for a use.
func ActiveSigningKey(records []SigningKeyRecord, use KeyUse) (kid string, ok bool) {
	for _, r := range records {
		if r.Use == use && r.State == KeyActive {
			return r.KID, true
		}
	}
	return "", false
}
