package keys

import (
	"slices"
	"time"
)

// KeyUse says which tokens a signing key signs. Each pool has a key for each.
type KeyUse string

// The uses of signing keys.
const (
	UseIDToken     KeyUse = "id"
	UseAccessToken KeyUse = "access"
)

// KeyState is where a signing key stands. It goes forward only:
//
//	pending → active → retired → (dropped)
//
// A pending key is published and does not sign yet, so that verifiers who cache
// the key set learn of it before they meet a token of it. The active key signs;
// a use has one. A retired key signs no more and stays published until the last
// token that it signed has expired.
type KeyState string

// The states of signing keys.
const (
	KeyPending KeyState = "pending"
	KeyActive  KeyState = "active"
	KeyRetired KeyState = "retired"
)

// SigningKeyRecord is a signing key's state as it is persisted. The private key is
// beside it, sealed.
type SigningKeyRecord struct {
	KID       string
	Use       KeyUse
	State     KeyState
	CreatedAt time.Time
	// ActivatesAt is when a pending key may begin to sign, and of the others when
	// it began.
	ActivatesAt time.Time
	// RetiresAt is when a retired key stopped signing; zero before.
	RetiresAt time.Time
}

const (
	// PublishLead is how long a key is published before it signs: longer than the
	// max-age of the key set (a day).
	PublishLead = 25 * time.Hour
	// RetireLinger is how long a key is published after it has signed last: the
	// longest life of an ID or access token (a day), and an hour for nodes that
	// learn late and for clocks that differ.
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

// AdvanceSigningKeys brings the records to where they stand at now: pending keys
// whose time has come sign in place of the active ones, which retire, and retired
// keys that no live token needs are left out and named in dropped. It changes
// nothing if called again at the same time, or at an earlier one.
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

// ActiveSigningKey is the kid that signs for a use.
func ActiveSigningKey(records []SigningKeyRecord, use KeyUse) (kid string, ok bool) {
	for _, r := range records {
		if r.Use == use && r.State == KeyActive {
			return r.KID, true
		}
	}
	return "", false
}
