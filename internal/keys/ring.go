package keys

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// Purpose says what a data key is for. A value sealed for one purpose does not
// open for another.
type Purpose string

// The purposes that a [Ring] has a data key for.
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
	PurposeRefreshToken   Purpose = "refresh-token"
	PurposeSession        Purpose = "session"
	PurposeSecretBlock    Purpose = "secret-block"
	PurposePageToken      Purpose = "page-token"
	PurposeCookie         Purpose = "cookie"
	PurposeImport         Purpose = "import"

	// purposeHash is the root of Hash and Derive. It is never rotated: what is
	// stored of a token or a code is its keyed hash alone, so that a new key would
	// make every live token, code and session unknown, and derived salts of
	// unknown users would change, which tells them from known users.
	purposeHash Purpose = "hash"
)

// Purposes lists every purpose that values are sealed for.
func Purposes() []Purpose {
	return []Purpose{
		PurposeSRPVerifier, PurposeDeviceVerifier, PurposeTOTP, PurposeSigningKey, PurposeClientSecret,
		PurposeProviderSecret, PurposeAccessKey, PurposeSetting, PurposeMessage, PurposeRefreshToken,
		PurposeSession, PurposeSecretBlock, PurposePageToken, PurposeCookie, PurposeImport,
	}
}

// WrappedKey is a data key as it is persisted. Purpose and ID are its primary
// key: ids count from 1 in each purpose, so that of two processes that add the
// next key at once, one fails to insert it and has to load the other's.
type WrappedKey struct {
	Purpose   Purpose
	ID        uint32
	Wrapped   []byte
	CreatedAt time.Time
}

// SealDelay is how old a data key must be before it seals, unless it is the
// first of its purpose: every node must have loaded a key before any uses it.
// So nodes must load the records more often than that.
const SealDelay = 2 * time.Minute

// ErrUnknownKey says that a value was sealed by a data key that the ring does
// not hold. The records may have to be loaded again.
var ErrUnknownKey = errors.New("keys: sealed by an unknown data key")

// Ring holds the data keys and seals, opens and hashes with them. It is safe for
// concurrent use.
type Ring struct {
	kek   *KEK
	state atomic.Pointer[ringState]
}

type ringState struct {
	seal   map[Purpose]*dataKey
	open   map[keyRef]*dataKey
	hasher *hasher
}

type keyRef struct {
	purpose Purpose
	id      uint32
}

type dataKey struct {
	keyRef
	wrapped []byte
	aead    *xaes
	hasher  *hasher // of purposeHash only
}

// OpenRing unwraps the data keys of the records. For purposes that have none yet
// it makes keys and returns their records: the caller must persist them before
// it seals anything, and if one exists already (another process was faster) must
// read all records again and [Ring.Load] them.
func OpenRing(ctx context.Context, kek *KEK, records []WrappedKey, now time.Time) (*Ring, []WrappedKey, error) {
	r := &Ring{kek: kek}
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

// Load replaces the ring's keys by those of the records. Keys that it holds
// already are not unwrapped again. On an error the ring stays as it was.
func (r *Ring) Load(ctx context.Context, records []WrappedKey, now time.Time) error {
	old := r.state.Load()
	next := &ringState{seal: map[Purpose]*dataKey{}, open: map[keyRef]*dataKey{}}
	known := append(Purposes(), purposeHash)
	records = slices.Clone(records)
	slices.SortFunc(records, func(a, b WrappedKey) int { return cmp.Compare(a.ID, b.ID) })
	for _, w := range records {
		if !slices.Contains(known, w.Purpose) {
			continue // of a newer version of this program
		}
		ref := keyRef{w.Purpose, w.ID}
		if w.ID == 0 || next.open[ref] != nil {
			return fmt.Errorf("keys: data key %s/%d is there twice or has no id", w.Purpose, w.ID)
		}
		key := old.reuse(ref, w.Wrapped)
		if key == nil {
			var err error
			if key, err = unwrapDataKey(ctx, r.kek, w); err != nil {
				return err
			}
		}
		next.open[ref] = key
		if next.seal[w.Purpose] == nil || !w.CreatedAt.After(now.Add(-SealDelay)) {
			next.seal[w.Purpose] = key
		}
	}
	for _, p := range known {
		if next.seal[p] == nil {
			return fmt.Errorf("keys: no data key for %s", p)
		}
	}
	hash := next.open[keyRef{purposeHash, 1}]
	if hash == nil {
		return errors.New("keys: no hash key")
	}
	next.hasher = hash.hasher
	r.state.Store(next)
	return nil
}

func (s *ringState) reuse(ref keyRef, wrapped []byte) *dataKey {
	if s == nil || s.open[ref] == nil || !bytes.Equal(s.open[ref].wrapped, wrapped) {
		return nil
	}
	return s.open[ref]
}

// Rotate makes the next data key for each of the purposes and returns the
// records to persist. The ring itself takes them up when they are loaded; old
// keys go on opening what they sealed.
func (r *Ring) Rotate(ctx context.Context, now time.Time, purposes ...Purpose) ([]WrappedKey, error) {
	state := r.state.Load()
	var added []WrappedKey
	for _, p := range purposes {
		if !slices.Contains(Purposes(), p) {
			return nil, fmt.Errorf("keys: purpose %q has no key that rotates", p)
		}
		var last uint32
		for ref := range state.open {
			if ref.purpose == p {
				last = max(last, ref.id)
			}
		}
		w, err := newDataKey(ctx, r.kek, p, last+1, now)
		if err != nil {
			return nil, err
		}
		added = append(added, w)
	}
	return added, nil
}

// Rewrap returns the records that are not yet wrapped by the new key-encryption
// key, wrapped by it. The data keys stay the same, so nothing that they sealed
// changes.
func Rewrap(ctx context.Context, from, to *KEK, records []WrappedKey) ([]WrappedKey, error) {
	var changed []WrappedKey
	for _, w := range records {
		if _, err := to.Unwrap(ctx, w.wrapPurpose(), w.Wrapped); err == nil {
			continue
		}
		key, err := from.Unwrap(ctx, w.wrapPurpose(), w.Wrapped)
		if err != nil {
			return nil, fmt.Errorf("data key %s/%d: %w", w.Purpose, w.ID, err)
		}
		if w.Wrapped, err = to.Wrap(ctx, w.wrapPurpose(), key); err != nil {
			return nil, err
		}
		changed = append(changed, w)
	}
	return changed, nil
}

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
	return d, nil
}

// A sealed value is: version 1, the data key's id (4 bytes), nonce (24),
// ciphertext, tag (16).
const (
	sealVersion  = 1
	sealHeader   = 1 + 4
	sealOverhead = sealHeader + nonceSize + tagSize
)

// Seal encrypts plaintext for a purpose with the newest key of it and binds it
// to ad, which must name the row or the context that it belongs to. It panics if
// the purpose is not one of [Purposes].
func (r *Ring) Seal(purpose Purpose, ad, plaintext []byte) []byte {
	key := r.state.Load().seal[purpose]
	if key == nil || key.aead == nil {
		panic(fmt.Sprintf("keys: purpose %q has no data key", purpose))
	}
	out := make([]byte, sealHeader+nonceSize, sealOverhead+len(plaintext))
	out[0] = sealVersion
	binary.BigEndian.PutUint32(out[1:], key.id)
	nonce := out[sealHeader:]
	rand.Read(nonce)
	var buf [128]byte
	return key.aead.seal(out, nonce, plaintext, sealAD(buf[:0], out[:sealHeader], purpose, ad))
}

// Open decrypts what Seal gave for the same purpose and ad.
func (r *Ring) Open(purpose Purpose, ad, sealed []byte) ([]byte, error) {
	if len(sealed) < sealOverhead || sealed[0] != sealVersion {
		return nil, errOpen
	}
	key := r.state.Load().open[keyRef{purpose, binary.BigEndian.Uint32(sealed[1:])}]
	if key == nil || key.aead == nil {
		return nil, ErrUnknownKey
	}
	header, nonce, ciphertext := sealed[:sealHeader], sealed[sealHeader:sealHeader+nonceSize], sealed[sealHeader+nonceSize:]
	var buf [128]byte
	return key.aead.open(nonce, ciphertext, sealAD(buf[:0], header, purpose, ad))
}

// sealAD is header ‖ length of purpose ‖ purpose ‖ ad: no two pairs of a purpose
// and an ad give the same.
func sealAD(dst, header []byte, purpose Purpose, ad []byte) []byte {
	dst = append(dst, header...)
	dst = append(dst, byte(len(purpose)))
	dst = append(dst, purpose...)
	return append(dst, ad...)
}
