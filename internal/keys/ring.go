package keys

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// A Purpose is the use of a data key. A value sealed for one purpose does not open for
// another.
type Purpose string

// The purposes of values that are sealed in the database. Values that leave the server
// have a [Token] instead.
const (
	PurposeSRPVerifier    Purpose = "srp-verifier"
	PurposeDeviceVerifier Purpose = "device-verifier"
	PurposeTOTP           Purpose = "totp"
	PurposeSigningKey     Purpose = "signing-key"
	PurposeClientSecret   Purpose = "client-secret"
	PurposeProviderSecret Purpose = "provider-secret"
	PurposeAccessKey      Purpose = "access-key"
	PurposeSetting        Purpose = "setting"
	PurposeMessage        Purpose = "outbox"
	PurposeSignInState    Purpose = "sign-in-state"
	PurposeImport         Purpose = "import"
	PurposeAuthCode       Purpose = "authorization-code"
	PurposeAuditHead      Purpose = "audit-head"

	// PurposeAuditCheckpoint is of keys that sign: see [Ring.Sign].
	PurposeAuditCheckpoint Purpose = "audit-checkpoint"

	// PurposePageToken labels the key of page tokens, which [Ring.Derive] makes.
	PurposePageToken Purpose = "page-token"

	// PurposeSessionKey labels the access keys of temporary credentials, which
	// [Ring.Derive] makes.
	PurposeSessionKey Purpose = "session-key"

	// purposeHash is the root of Hash and Derive. Only [Retire] replaces it. A code is
	// stored only as its keyed hash, so a new root makes every valid code unknown. It
	// also changes the derived salts of unknown users, which distinguishes them from
	// known users.
	purposeHash Purpose = "hash"
)

// Purposes lists every purpose that values are sealed for: in the database, then
// in tokens.
func Purposes() []Purpose {
	list := []Purpose{
		PurposeSRPVerifier, PurposeDeviceVerifier, PurposeTOTP, PurposeSigningKey, PurposeClientSecret,
		PurposeProviderSecret, PurposeAccessKey, PurposeSetting, PurposeMessage, PurposeSignInState, PurposeImport, PurposeAuthCode,
		PurposeAuditHead, PurposeAuditCheckpoint,
	}
	for _, t := range Tokens() {
		list = append(list, t.purpose)
	}
	return list
}

// A WrappedKey is a data key as it is stored. Purpose and ID are its primary key. The ids
// of a purpose count from 1. So if two processes add the next key at once, one of them
// fails to insert it, and must load the other's key.
type WrappedKey struct {
	Purpose   Purpose
	ID        uint32
	Wrapped   []byte
	CreatedAt time.Time
	// RetiredAt is the time of the key's retirement as stolen, or zero. A retired key
	// opens only values in the database.
	RetiredAt time.Time
}

const (
	// SealDelay is how old a data key must be before it seals, unless no other key may
	// seal. Every node must have loaded a key before any node uses it. So nodes must
	// load the records more often than that.
	SealDelay = 2 * time.Minute
	// sealLinger is how long after SealDelay a node may still seal with the previous
	// key: it has not loaded the records yet, or its clock is behind.
	sealLinger = 5 * time.Minute
)

// ErrUnknownKey means that a value was sealed by a data key that the ring does not hold,
// but that may exist. That is a fault of the server, not of the client.
var ErrUnknownKey = errors.New("keys: sealed by a data key that is not loaded")

// A Ring holds the data keys, and seals, opens and hashes with them. It is safe for
// concurrent use.
type Ring struct {
	kek    atomic.Pointer[KEK]
	state  atomic.Pointer[ringState]
	follow follower
}

type ringState struct {
	at     time.Time // of the load
	epoch  uint32
	usable bool
	seal   map[Purpose]*dataKey
	open   map[keyRef]heldKey
	newest map[Purpose]uint32
	hasher *hasher
}

type keyRef struct {
	purpose Purpose
	id      uint32
}

// heldKey is a data key of the ring.
type heldKey struct {
	key     *dataKey // nil if the ring cannot unwrap it
	retired bool
	// supersededAt is the time after which no node seals with the key; zero for the
	// newest key.
	supersededAt time.Time
}

type dataKey struct {
	keyRef
	wrapped []byte
	aead    *xaes
	hasher  *hasher            // of purposeHash only
	signer  ed25519.PrivateKey // of PurposeAuditCheckpoint only
}

// OpenRing unwraps the data keys of the records. For purposes without a key it makes keys
// and returns their records. The caller must store these before it seals a value. If one
// exists already (another process was faster), the caller must read all records again and
// [Ring.Load] them.
func OpenRing(ctx context.Context, kek *KEK, records []WrappedKey, now time.Time) (*Ring, []WrappedKey, error) {
	r := &Ring{}
	r.kek.Store(kek)
	r.follow.turn, r.follow.wait = make(chan struct{}, 1), wait
	var added []WrappedKey
	for _, p := range append(Purposes(), purposeHash) {
		if slices.ContainsFunc(records, func(w WrappedKey) bool { return w.Purpose == p }) {
			continue
		}
		w, err := newDataKey(ctx, kek, p, 1, now)
		if err != nil {
			return nil, nil, err
		}
		added = append(added, w)
	}
	if err := r.Load(ctx, slices.Concat(records, added), now); err != nil {
		return nil, nil, err
	}
	return r, added, nil
}

// Load replaces the ring's keys by those of the records. Keys that it holds already are
// not unwrapped again. On an error the ring stays as it was, with one exception. If the
// records need another key-encryption key ([ErrWrongKEK]), a ring with keys goes on with
// those that are not retired.
func (r *Ring) Load(ctx context.Context, records []WrappedKey, now time.Time) error {
	old := r.state.Load()
	next := &ringState{at: now, usable: true, seal: map[Purpose]*dataKey{}, open: map[keyRef]heldKey{}, newest: map[Purpose]uint32{}}
	known := append(Purposes(), purposeHash)
	byPurpose := map[Purpose][]WrappedKey{}
	for _, w := range records {
		if slices.Contains(known, w.Purpose) { // other purposes belong to a newer version of this program
			byPurpose[w.Purpose] = append(byPurpose[w.Purpose], w)
		}
	}
	var wrongKEK error
	for _, p := range known {
		list := byPurpose[p]
		slices.SortFunc(list, func(a, b WrappedKey) int { return cmp.Compare(a.ID, b.ID) })
		err := r.loadPurpose(ctx, old, next, p, list)
		if old != nil && next.seal[p] != nil && errors.Is(err, ErrWrongKEK) {
			wrongKEK, err = err, nil
		}
		if err != nil {
			return err
		}
	}
	next.hasher = next.seal[purposeHash].hasher
	r.state.Store(next)
	return wrongKEK
}

// loadPurpose loads the records of a purpose, the oldest first.
func (r *Ring) loadPurpose(ctx context.Context, old, next *ringState, p Purpose, list []WrappedKey) (wrongKEK error) {
	var last *dataKey
	for i, w := range list {
		ref := keyRef{w.Purpose, w.ID}
		if _, twice := next.open[ref]; twice || w.ID == 0 {
			return fmt.Errorf("keys: data key %s/%d is there twice or has no id", w.Purpose, w.ID)
		}
		// A key that was retired once stays retired as long as the process lives.
		held := heldKey{retired: !w.RetiredAt.IsZero() || old != nil && old.open[ref].retired}
		if i+1 < len(list) {
			held.supersededAt = list[i+1].CreatedAt.Add(SealDelay + sealLinger)
		}
		if held.retired && p == purposeHash {
			next.epoch = w.ID
		}
		var err error
		held.key, err = r.unwrap(ctx, old, w)
		next.open[ref], next.newest[p] = held, w.ID
		if errors.Is(err, ErrWrongKEK) {
			wrongKEK = err
			continue
		}
		if err != nil {
			return err
		}
		last = held.key
		if !held.retired && (next.seal[p] == nil || !w.CreatedAt.After(next.at.Add(-SealDelay))) {
			next.seal[p] = held.key
		}
	}
	if next.seal[p] != nil {
		return wrongKEK
	}
	if last == nil {
		return cmp.Or(wrongKEK, fmt.Errorf("keys: no data key for %s", p))
	}
	// All keys that the ring can open are retired. They serve values in the database.
	next.seal[p], next.usable = last, false
	return cmp.Or(wrongKEK, fmt.Errorf("keys: every data key for %s is retired", p))
}

// unwrap opens a record, or takes its key from the old state. A record that another
// key-encryption key wraps now still has the same data key under the same id.
func (r *Ring) unwrap(ctx context.Context, old *ringState, w WrappedKey) (*dataKey, error) {
	var held *dataKey
	if old != nil {
		held = old.open[keyRef{w.Purpose, w.ID}].key
	}
	if held != nil && bytes.Equal(held.wrapped, w.Wrapped) {
		return held, nil
	}
	key, err := unwrapDataKey(ctx, r.kek.Load(), w)
	if held != nil && errors.Is(err, ErrWrongKEK) {
		return held, nil
	}
	return key, err
}

// Epoch returns how often keys were retired. Cached signatures and keys of an earlier
// epoch are void.
func (r *Ring) Epoch() uint32 { return r.state.Load().epoch }

// Usable reports whether the ring has a key for each purpose that is not retired. It is
// false after a retirement under a key-encryption key that the process does not have.
// Then the process must refuse requests.
func (r *Ring) Usable() bool { return r.state.Load().usable }

func (w WrappedKey) wrapPurpose() string { return fmt.Sprintf("data-key/%s/%d", w.Purpose, w.ID) }

func newDataKey(ctx context.Context, kek *KEK, p Purpose, id uint32, now time.Time) (WrappedKey, error) {
	w := WrappedKey{Purpose: p, ID: id, CreatedAt: now}
	key := make([]byte, keySize)
	rand.Read(key)
	var err error
	w.Wrapped, err = kek.Wrap(ctx, w.wrapPurpose(), key)
	return w, err
}

func unwrapDataKey(ctx context.Context, kek *KEK, w WrappedKey) (*dataKey, error) {
	key, err := kek.Unwrap(ctx, w.wrapPurpose(), w.Wrapped)
	if err != nil {
		return nil, fmt.Errorf("data key %s/%d: %w", w.Purpose, w.ID, err)
	}
	if len(key) != keySize {
		return nil, fmt.Errorf("keys: data key %s/%d has %d bytes", w.Purpose, w.ID, len(key))
	}
	d := &dataKey{keyRef: keyRef{w.Purpose, w.ID}, wrapped: slices.Clone(w.Wrapped)}
	if w.Purpose == purposeHash {
		d.hasher = newHasher(key)
	} else {
		d.aead = newXAES(key)
	}
	if w.Purpose == PurposeAuditCheckpoint {
		d.signer = newSigner(key)
	}
	return d, nil
}
