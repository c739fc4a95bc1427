package token

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"cognate/internal/keys"
	"cognate/internal/store"
)

// Uses of a signing key: a pool signs its ID tokens and its access tokens with
// different keys, so that neither can pass for the other.
const (
	useID     = "id"
	useAccess = "access"
)

// States of a signing key in its row. They follow from the row's times, and are
// only for people who read the table.
const (
	stateNext    = "next"
	stateActive  = "active"
	stateRetired = "retired"
)

const (
	// DocumentMaxAge is how long verifiers may keep a JWKS or discovery document.
	DocumentMaxAge = time.Hour
	// publishLead is how long a key is published before it signs. After that time
	// no verifier and no node still holds a set without the key.
	publishLead = 2 * DocumentMaxAge
	// longestToken is the longest validity of ID and access tokens (Cognito: one
	// day), and an hour for clocks that differ.
	longestToken = 25 * time.Hour

	keySetAge    = time.Minute     // a set is read again when it is older
	keySetMinAge = time.Second     // for an unknown kid it is read at most this often
	keySetStale  = publishLead / 4 // a set of this age still serves while the store cannot be read
	maxKeySets   = 4096
	keySetMarker = "signing-keys" // kind of the item that makes the first set unique
	firstKeySet  = "first"
	epochKeySet  = "epoch " // and the epoch's number: kind of the item for the first set after a retirement
)

// signingKey is a key's row, with the private key once it was needed.
type signingKey struct {
	row    store.SigningKey
	public crypto.PublicKey

	mu      sync.Mutex
	private *keys.SigningKey
}

// keySet holds a pool's keys at one moment. It is void in a later epoch of the ring.
type keySet struct {
	readAt time.Time
	epoch  uint32
	keys   []*signingKey
}

// signingKeys caches the pools' key sets.
type signingKeys struct {
	s    *Service
	sets *otter.Cache[string, *keySlot]
}

type keySlot struct {
	set     atomic.Pointer[keySet]
	reading sync.Mutex
}

func newSigningKeys(s *Service) *signingKeys {
	return &signingKeys{s: s, sets: otter.Must(&otter.Options[string, *keySlot]{MaximumSize: maxKeySets})}
}

// of returns the pool's key set. It makes the first keys of a pool.
func (k *signingKeys) of(ctx context.Context, poolID string) (*keySet, error) {
	return k.atMost(ctx, poolID, keySetAge)
}

func (k *signingKeys) atMost(ctx context.Context, poolID string, age time.Duration) (*keySet, error) {
	epoch := k.s.deps.Ring.Epoch()
	slot, ok := k.sets.GetIfPresent(poolID)
	if !ok {
		slot, _ = k.sets.SetIfAbsent(poolID, &keySlot{})
	}
	old := slot.set.Load()
	if old.fresh(k.s.deps.Now(), age, epoch) {
		return old, nil
	}
	// One caller reads. The others need not wait: an old set still signs correctly.
	usable := age == keySetAge && old.fresh(k.s.deps.Now(), keySetStale, epoch)
	if !slot.reading.TryLock() {
		if usable {
			return old, nil
		}
		slot.reading.Lock()
	}
	defer slot.reading.Unlock()
	if old = slot.set.Load(); old.fresh(k.s.deps.Now(), age, epoch) {
		return old, nil
	}
	set, err := k.read(ctx, poolID, old)
	switch {
	case err == nil:
		slot.set.Store(set)
		return set, nil
	case usable:
		k.s.deps.Log.WarnContext(ctx, "signing keys could not be read again", "pool", poolID, "error", err)
		return old, nil
	}
	return nil, err
}

// Forget drops what is in memory of a pool's keys and of tokens: another pool has the id now.
func (s *Service) Forget(poolID string) {
	s.signing.sets.Invalidate(poolID)
	s.verified.cache.InvalidateAll()
}

func (set *keySet) fresh(now time.Time, age time.Duration, epoch uint32) bool {
	if set == nil || set.epoch < epoch {
		return false
	}
	d := now.Sub(set.readAt)
	return d >= 0 && d < age
}

// read loads the set. It does not open again the keys that old has opened.
func (k *signingKeys) read(ctx context.Context, poolID string, old *keySet) (*keySet, error) {
	set := &keySet{readAt: k.s.deps.Now(), epoch: k.s.deps.Ring.Epoch()}
	rows, err := k.rows(ctx, poolID)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		if rows, err = k.create(ctx, poolID, set.epoch); err != nil {
			return nil, err
		}
	}
	for _, row := range rows {
		if old != nil {
			if i := slices.IndexFunc(old.keys, func(o *signingKey) bool { return o.row.KID == row.KID && o.row.Version == row.Version }); i >= 0 {
				set.keys = append(set.keys, old.keys[i])
				continue
			}
		}
		public, err := x509.ParsePKIXPublicKey(row.Public)
		if err != nil || !isSigningKey(poolID, public) {
			return nil, fmt.Errorf("token: public key of %s is not of its owner's algorithm", row.KID)
		}
		set.keys = append(set.keys, &signingKey{row: row, public: public})
	}
	slices.SortFunc(set.keys, func(a, b *signingKey) int {
		if c := strings.Compare(b.row.Use, a.row.Use); c != 0 { // id first
			return c
		}
		if c := a.row.ActivatesAt.Compare(b.row.ActivatesAt); c != 0 {
			return c
		}
		return strings.Compare(a.row.KID, b.row.KID)
	})
	return set, nil
}

// isSigningKey reports whether a key is of the algorithm that its owner signs with.
func isSigningKey(owner string, public crypto.PublicKey) bool {
	if owner == CallerKeys {
		_, ok := public.(*ecdsa.PublicKey)
		return ok
	}
	_, ok := public.(*rsa.PublicKey)
	return ok
}

// rows reads a pool's keys, except those sealed by a retired data key. A thief who
// has that data key can sign with them.
func (k *signingKeys) rows(ctx context.Context, poolID string) ([]store.SigningKey, error) {
	rows, err := k.s.deps.Store.SigningKeys(ctx, poolID)
	for _, r := range rows {
		// A key of another node may come from a retirement that this node has not
		// noticed. The tags of token epochs changed with it.
		err = errors.Join(err, k.s.deps.Ring.Notice(ctx, keys.PurposeSigningKey, r.Sealed))
	}
	return slices.DeleteFunc(rows, func(r store.SigningKey) bool { return k.s.sealedByRetired(&r) }), err
}

func (s *Service) sealedByRetired(row *store.SigningKey) bool {
	return s.deps.Ring.Retired(keys.PurposeSigningKey, row.Sealed)
}

// create makes a pool's first pair of keys in the ring's epoch. If several nodes
// try, one wins, because the marker can be inserted once. The others read its keys.
func (k *signingKeys) create(ctx context.Context, poolID string, epoch uint32) ([]store.SigningKey, error) {
	name := firstKeySet
	if epoch > 0 {
		name = epochKeySet + strconv.FormatUint(uint64(epoch), 10)
	}
	now := k.s.deps.Now().Truncate(time.Millisecond)
	pair, err := k.generate(ctx, poolID, now, now)
	if err != nil {
		return nil, err
	}
	err = k.s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		marker := store.Item{PoolID: poolID, Kind: keySetMarker, Key: name, CreatedAt: now, ModifiedAt: now, Doc: []byte("{}")}
		if err := tx.InsertItem(ctx, marker); err != nil {
			return err
		}
		return insertKeys(ctx, tx, pair)
	})
	if err != nil && !errors.Is(err, store.ErrExists) {
		return nil, err
	}
	return k.rows(ctx, poolID)
}

func insertKeys(ctx context.Context, tx *store.Tx, rows []store.SigningKey) error {
	for _, row := range rows {
		if err := tx.InsertSigningKey(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

// newKey makes a key for an owner. Keys of RSA come from the pool of ready keys, or are made behind
// the gate.
func (s *Service) newKey(ctx context.Context, owner string) (key *keys.SigningKey, err error) {
	if owner == CallerKeys {
		return keys.GenerateES384Key()
	}
	if s.deps.SigningKeys != nil {
		return s.deps.SigningKeys.Get(ctx)
	}
	if gateErr := s.deps.Gate.Do(ctx, func() { key, err = keys.GenerateSigningKey() }); gateErr != nil {
		return nil, gateErr
	}
	return key, err
}

// usesOf returns the uses for which an owner has keys.
func usesOf(owner string) []string {
	if owner == CallerKeys {
		return []string{useID}
	}
	return []string{useID, useAccess}
}

// generate makes one key for each use, sealed and bound to its row.
func (k *signingKeys) generate(ctx context.Context, poolID string, now, activates time.Time) ([]store.SigningKey, error) {
	var pair []store.SigningKey
	for _, use := range usesOf(poolID) {
		key, err := k.s.newKey(ctx, poolID)
		if err != nil {
			return nil, err
		}
		private, err := key.Marshal()
		if err != nil {
			return nil, err
		}
		public, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			return nil, err
		}
		row := store.SigningKey{
			PoolID: poolID, KID: key.KID(), Use: use, Public: public, CreatedAt: now, ActivatesAt: activates,
			Sealed: k.s.deps.Ring.Seal(keys.PurposeSigningKey, keyContext(poolID, key.KID()), private),
		}
		row.State = stateAt(&row, now)
		pair = append(pair, row)
	}
	return pair, nil
}

// keyContext binds a sealed key to its row.
func keyContext(poolID, kid string) []byte {
	return []byte("signing_keys\x00" + poolID + "\x00" + kid)
}

func stateAt(row *store.SigningKey, now time.Time) string {
	switch {
	case now.Before(row.ActivatesAt):
		return stateNext
	case !row.RetiresAt.IsZero() && !now.Before(row.RetiresAt):
		return stateRetired
	}
	return stateActive
}

// live reports whether valid tokens of the key may exist, now or later.
func live(row *store.SigningKey, now time.Time) bool {
	return row.DropsAt.IsZero() || now.Before(row.DropsAt)
}

// signer returns the key that signs now: the active key that was activated last.
// All nodes find the same key from the same rows.
func (set *keySet) signer(use string, now time.Time) *signingKey {
	var best *signingKey
	for _, key := range set.keys {
		if key.row.Use == use && !now.Before(key.row.ActivatesAt) && live(&key.row, now) {
			best = key // they are sorted
		}
	}
	if best != nil {
		return best
	}
	// The first key was made by a node whose clock is ahead of ours.
	for _, key := range set.keys {
		if key.row.Use == use {
			return key
		}
	}
	return nil
}

// verifier returns the public key of a kid if it may sign for this use. A published
// key that does not sign yet verifies too: another node's clock may be ahead.
func (set *keySet) verifier(use, kid string, now time.Time) *rsa.PublicKey {
	for _, key := range set.keys {
		if key.row.KID == kid && key.row.Use == use && live(&key.row, now) {
			public, _ := key.public.(*rsa.PublicKey)
			return public
		}
	}
	return nil
}

// open returns the private key.
func (s *Service) open(key *signingKey) (*keys.SigningKey, error) {
	key.mu.Lock()
	defer key.mu.Unlock()
	if key.private != nil {
		return key.private, nil
	}
	der, err := s.deps.Ring.Open(keys.PurposeSigningKey, keyContext(key.row.PoolID, key.row.KID), key.row.Sealed)
	if err != nil {
		return nil, fmt.Errorf("token: signing key %s: %w", key.row.KID, err)
	}
	key.private, err = keys.ParseSigningKey(key.row.KID, der)
	return key.private, err
}

// Rotate starts the exchange of a pool's keys. New keys are published at once, and
// sign after two hours: by then every verifier that respects Cache-Control has seen
// them. The old keys stay published until their last token has expired. Rotate does
// nothing while an exchange is under way.
func (s *Service) Rotate(ctx context.Context, poolID string) error {
	if _, err := s.signing.of(ctx, poolID); err != nil {
		return err
	}
	now := s.deps.Now().Truncate(time.Millisecond)
	activates := now.Add(publishLead)
	pair, err := s.signing.generate(ctx, poolID, now, activates)
	if err != nil {
		return err
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if err := checkSeals(ctx, tx, pair); err != nil {
			return err
		}
		rows, err := tx.SigningKeys(ctx, poolID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(rows, func(r store.SigningKey) bool { return now.Before(r.ActivatesAt) && !s.sealedByRetired(&r) }) {
			return nil
		}
		for _, row := range rows {
			if !row.RetiresAt.IsZero() {
				continue
			}
			// The compare-and-set of these rows lets one of two rotations win.
			row.RetiresAt, row.DropsAt = activates, activates.Add(longestToken)
			if err := tx.UpdateSigningKey(ctx, row); err != nil {
				return err
			}
		}
		return insertKeys(ctx, tx, pair)
	})
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return err
	}
	_, err = s.signing.atMost(ctx, poolID, 0)
	return err
}

// errSealRetired means that another process retired the data keys meanwhile.
var errSealRetired = errors.New("token: the data keys are retired; try again with the new ones")

// checkSeals rejects rows that are sealed by a data key that the database says is
// retired. This process may not know of the retirement yet. The keys of such rows
// are void, and would leave the keys that they replace without successors.
func checkSeals(ctx context.Context, tx *store.Tx, rows []store.SigningKey) error {
	records, err := tx.HeldDataKeys(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		id, _ := keys.SealedBy(row.Sealed)
		name := strconv.FormatUint(uint64(id), 10)
		if slices.ContainsFunc(records, func(k store.DataKey) bool {
			return k.Purpose == string(keys.PurposeSigningKey) && k.ID == name && !k.RetiredAt.IsZero()
		}) {
			return errSealRetired
		}
	}
	return nil
}

// Renew makes a pool's keys after a retirement, and deletes the stolen ones. Keys
// are made when they are needed, too; Renew spares the first request the wait.
func (s *Service) Renew(ctx context.Context, poolID string) error {
	if _, err := s.signing.of(ctx, poolID); err != nil {
		return err
	}
	return s.maintain(ctx, poolID)
}

// Maintain brings the rows of all pools and of the other [Owners] up to date. The process calls it
// at least once an hour.
func (s *Service) Maintain(ctx context.Context) error {
	err := s.deps.Store.EachPool(ctx, func(poolID string) error { return s.maintain(ctx, poolID) })
	for _, owner := range Owners() {
		err = errors.Join(err, s.maintain(ctx, owner))
	}
	return err
}

// maintain brings a pool's rows up to date: it writes the states that follow from
// their times, and deletes keys whose last token has expired. Signing does not wait
// for it.
func (s *Service) maintain(ctx context.Context, poolID string) error {
	now := s.deps.Now()
	rows, err := s.deps.Store.SigningKeys(ctx, poolID)
	if err != nil {
		return err
	}
	due := func(r store.SigningKey) bool {
		return !live(&r, now) || s.sealedByRetired(&r) || r.State != stateAt(&r, now)
	}
	if !slices.ContainsFunc(rows, due) {
		return nil
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		rows, err := tx.SigningKeys(ctx, poolID)
		if err != nil {
			return err
		}
		for _, row := range rows {
			switch state := stateAt(&row, now); {
			case !live(&row, now), s.sealedByRetired(&row):
				err = tx.DeleteSigningKey(ctx, poolID, row.KID)
			case row.State != state:
				row.State = state
				err = tx.UpdateSigningKey(ctx, row)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, store.ErrConflict) {
		return nil // another node did it
	}
	return err
}
