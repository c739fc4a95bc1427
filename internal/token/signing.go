package token

import (
	"context"
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

// States of a signing key, as its row tells them. They follow from the row's
// times; nothing decides by them.
const (
	stateNext    = "next"
	stateActive  = "active"
	stateRetired = "retired"
)

const (
	// DocumentMaxAge is how long verifiers may keep a JWKS or discovery document.
	DocumentMaxAge = time.Hour
	// publishLead is how long a key is published before it signs: no verifier
	// and no node may still hold a set without it.
	publishLead = 2 * DocumentMaxAge
	// longestToken bounds the validity of ID and access tokens (Cognito: one day),
	// with an hour for clocks that differ.
	longestToken = 25 * time.Hour

	keySetAge    = time.Minute     // a set is read again when it is older
	keySetMinAge = time.Second     // for an unknown kid, but not more often than this
	keySetStale  = publishLead / 4 // what may be used while it cannot be read
	maxKeySets   = 4096
	keySetMarker = "signing-keys" // kind of the item that makes the first set unique
	firstKeySet  = "first"
	epochKeySet  = "epoch " // and its number: the first set after a retirement
)

// signingKey is a row, opened as far as it was needed.
type signingKey struct {
	row    store.SigningKey
	public *rsa.PublicKey

	mu      sync.Mutex
	private *keys.SigningKey
}

// keySet is a pool's keys at one moment. It is worth nothing in a later epoch of
// the ring.
type keySet struct {
	readAt time.Time
	epoch  uint32
	keys   []*signingKey
}

// signingKeys keeps the pools' key sets in memory.
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

// of returns the pool's key set, making the first keys of a pool that has none.
func (k *signingKeys) of(ctx context.Context, poolID string) (*keySet, error) {
	return k.atMost(ctx, poolID, keySetAge)
}

func (k *signingKeys) atMost(ctx context.Context, poolID string, age time.Duration) (*keySet, error) {
	epoch := k.s.ring.Epoch()
	slot, ok := k.sets.GetIfPresent(poolID)
	if !ok {
		slot, _ = k.sets.SetIfAbsent(poolID, &keySlot{})
	}
	old := slot.set.Load()
	if old.fresh(k.s.now(), age, epoch) {
		return old, nil
	}
	// One reads, the others need not wait for it: an old set still signs right.
	usable := age == keySetAge && old.fresh(k.s.now(), keySetStale, epoch)
	if !slot.reading.TryLock() {
		if usable {
			return old, nil
		}
		slot.reading.Lock()
	}
	defer slot.reading.Unlock()
	if old = slot.set.Load(); old.fresh(k.s.now(), age, epoch) {
		return old, nil
	}
	set, err := k.read(ctx, poolID, old)
	switch {
	case err == nil:
		slot.set.Store(set)
		return set, nil
	case usable:
		k.s.log.WarnContext(ctx, "signing keys could not be read again", "pool", poolID, "error", err)
		return old, nil
	}
	return nil, err
}

func (set *keySet) fresh(now time.Time, age time.Duration, epoch uint32) bool {
	if set == nil || set.epoch < epoch {
		return false
	}
	d := now.Sub(set.readAt)
	return d >= 0 && d < age
}

// read loads the set; keys that old has opened are not opened again.
func (k *signingKeys) read(ctx context.Context, poolID string, old *keySet) (*keySet, error) {
	set := &keySet{readAt: k.s.now(), epoch: k.s.ring.Epoch()}
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
		rsaKey, ok := public.(*rsa.PublicKey)
		if err != nil || !ok {
			return nil, fmt.Errorf("token: public key of %s is not RSA", row.KID)
		}
		set.keys = append(set.keys, &signingKey{row: row, public: rsaKey})
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

// rows reads a pool's keys without those that are sealed by a retired data key:
// whoever has that data key can sign with them.
func (k *signingKeys) rows(ctx context.Context, poolID string) ([]store.SigningKey, error) {
	rows, err := k.s.store.SigningKeys(ctx, poolID)
	for _, r := range rows {
		// Keys of another node may be of a retirement that this one has not noticed:
		// the marks of tokens changed with it.
		err = errors.Join(err, k.s.ring.Notice(ctx, keys.PurposeSigningKey, r.Sealed))
	}
	return slices.DeleteFunc(rows, func(r store.SigningKey) bool { return k.s.stolen(&r) }), err
}

func (s *Service) stolen(row *store.SigningKey) bool {
	return s.ring.Retired(keys.PurposeSigningKey, row.Sealed)
}

// create makes a pool's first pair of the epoch. Of several that try, one wins,
// because the marker can be inserted once; the others read what it wrote.
func (k *signingKeys) create(ctx context.Context, poolID string, epoch uint32) ([]store.SigningKey, error) {
	name := firstKeySet
	if epoch > 0 {
		name = epochKeySet + strconv.FormatUint(uint64(epoch), 10)
	}
	now := k.s.now().Truncate(time.Millisecond)
	pair, err := k.generate(ctx, poolID, now, now)
	if err != nil {
		return nil, err
	}
	err = k.s.store.Update(ctx, func(tx *store.Tx) error {
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

// newKey takes a key that is ready, or makes one in its turn at the gate.
func (s *Service) newKey(ctx context.Context) (key *keys.SigningKey, err error) {
	if s.ready != nil {
		return s.ready.Get(ctx)
	}
	if gateErr := s.gate.Do(ctx, func() { key, err = keys.GenerateSigningKey() }); gateErr != nil {
		return nil, gateErr
	}
	return key, err
}

// generate makes one key for each use, sealed and bound to its row.
func (k *signingKeys) generate(ctx context.Context, poolID string, now, activates time.Time) ([]store.SigningKey, error) {
	var pair []store.SigningKey
	for _, use := range [...]string{useID, useAccess} {
		key, err := k.s.newKey(ctx)
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
			Sealed: k.s.ring.Seal(keys.PurposeSigningKey, keyContext(poolID, key.KID()), private),
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

// live reports whether tokens of the key may still be out, or will be.
func live(row *store.SigningKey, now time.Time) bool {
	return row.DropsAt.IsZero() || now.Before(row.DropsAt)
}

// signer returns the key that signs now: of those that have become active, the
// last. All nodes find the same one from the same rows.
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

// verifier returns the public key of a kid if it may sign for this use. A key that
// is only published yet verifies too: another node's clock may be ahead.
func (set *keySet) verifier(use, kid string, now time.Time) *rsa.PublicKey {
	for _, key := range set.keys {
		if key.row.KID == kid && key.row.Use == use && live(&key.row, now) {
			return key.public
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
	der, err := s.ring.Open(keys.PurposeSigningKey, keyContext(key.row.PoolID, key.row.KID), key.row.Sealed)
	if err != nil {
		return nil, fmt.Errorf("token: signing key %s: %w", key.row.KID, err)
	}
	key.private, err = keys.ParseSigningKey(key.row.KID, der)
	return key.private, err
}

// Rotate starts the exchange of a pool's keys: new ones are published at once
// and sign after two hours, when every verifier that keeps documents for as
// long as it may has seen them; the old ones stay published until no token of
// theirs is alive. It does nothing where an exchange is under way.
func (s *Service) Rotate(ctx context.Context, poolID string) error {
	if _, err := s.signing.of(ctx, poolID); err != nil {
		return err
	}
	now := s.now().Truncate(time.Millisecond)
	activates := now.Add(publishLead)
	pair, err := s.signing.generate(ctx, poolID, now, activates)
	if err != nil {
		return err
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if err := checkSeals(ctx, tx, pair); err != nil {
			return err
		}
		rows, err := tx.SigningKeys(ctx, poolID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(rows, func(r store.SigningKey) bool { return now.Before(r.ActivatesAt) && !s.stolen(&r) }) {
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

// errStillborn says that another process retired the data keys meanwhile.
var errStillborn = errors.New("token: the data keys are retired; try again with the new ones")

// checkSeals rejects rows that are sealed by a data key that is retired in the
// database, of which this process may not know. They are dead, and the keys that
// they were to replace would end without successors.
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
			return errStillborn
		}
	}
	return nil
}

// Renew makes the keys of a pool that has none after a retirement, and deletes
// those that were stolen. Keys are made when they are needed, too; this spares the
// first request the wait.
func (s *Service) Renew(ctx context.Context, poolID string) error {
	if _, err := s.signing.of(ctx, poolID); err != nil {
		return err
	}
	return s.maintain(ctx, poolID)
}

// Maintain brings the rows of all pools up to date. Whoever runs the process
// calls it now and then, an hour apart or less.
func (s *Service) Maintain(ctx context.Context) error {
	return s.store.EachPool(ctx, func(poolID string) error { return s.maintain(ctx, poolID) })
}

// maintain brings a pool's rows up to date: it writes the states that their times
// give and deletes keys whose last token is dead. Signing does not wait for it.
func (s *Service) maintain(ctx context.Context, poolID string) error {
	now := s.now()
	rows, err := s.store.SigningKeys(ctx, poolID)
	if err != nil {
		return err
	}
	due := func(r store.SigningKey) bool { return !live(&r, now) || s.stolen(&r) || r.State != stateAt(&r, now) }
	if !slices.ContainsFunc(rows, due) {
		return nil
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		rows, err := tx.SigningKeys(ctx, poolID)
		if err != nil {
			return err
		}
		for _, row := range rows {
			switch state := stateAt(&row, now); {
			case !live(&row, now), s.stolen(&row):
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
