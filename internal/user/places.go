package user

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"time"

	"cognate/internal/api"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/user/codes"
)

// Anybody can send wrong passwords and wrong codes in a user's name, and ask for
// codes. These attempts are counted apart from those at a known place of the user: a
// device that the user confirmed, or an address that the user has signed in from. So
// strangers cannot lock the user out at a known place. A user has few known places,
// which bounds the sum of all guesses.

const (
	// maxAddresses is how many addresses of a user are known.
	maxAddresses = 8
	// addressAge is how old the note of an address may be while the user signs in
	// from the address. It makes most sign-ins write nothing.
	addressAge = 7 * 24 * time.Hour
)

// knownAddress labels the keyed hash under which addresses are stored.
const knownAddress keys.Purpose = "known address"

// A Caller describes where a call for a user comes from. The zero Caller is at no
// known place.
type Caller struct {
	// Address is the address of the client.
	Address string
	// DeviceKey is the device that the client names. Only the device itself knows it.
	DeviceKey string
}

// CallerOf returns the caller of a public operation.
func CallerOf(ctx context.Context) Caller { return Caller{Address: api.RequestFrom(ctx).SourceIP} }

// PlaceOf returns the function by which package codes asks for the caller's place.
func (s *Service) PlaceOf(tx *store.Tx, sn *pool.Snapshot, u *User, from Caller) codes.Place {
	return func(ctx context.Context) (string, error) { return s.Place(ctx, &tx.Reader, sn, u, from) }
}

func (s *Service) addressHash(poolID, userID, address string) ([32]byte, bool) {
	network, ok := api.NetworkOf(address)
	if !ok {
		return [32]byte{}, false
	}
	return s.deps.Ring.Hash(knownAddress, []byte(poolID), []byte(userID), []byte(network)), true
}

// Place returns a short name of the known place that a call comes from, "" if it comes
// from none. For a decoy it reads the same rows.
func (s *Service) Place(ctx context.Context, r *store.Reader, sn *pool.Snapshot, u *User, c Caller) (string, error) {
	if c.DeviceKey != "" && sn.Devices.Tracked {
		// Only confirmed devices have a row.
		d, err := r.Device(ctx, sn.ID, u.ID(), c.DeviceKey)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return "", err
		}
		if err == nil {
			h := s.deps.Ring.Hash(knownAddress, []byte(sn.ID), []byte(u.ID()), []byte(d.ID))
			return "device-" + hex.EncodeToString(h[:8]), nil
		}
	}
	hash, ok := s.addressHash(sn.ID, u.ID(), c.Address)
	if !ok {
		return "", nil
	}
	_, err := r.KnownAddress(ctx, sn.ID, u.ID(), hash)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return "address-" + hex.EncodeToString(hash[:8]), err
}

// NoteAddress remembers that the user signed in from the address. It writes only if
// the address is new or its note is old. join leaves the write to a commit of the caller;
// nil means that the caller makes none. Then it logs an error and returns none, because
// the sign-in succeeds anyway.
func (s *Service) NoteAddress(ctx context.Context, sn *pool.Snapshot, u *User, address string, join func(write func(tx *store.Tx) error)) {
	hash, ok := s.addressHash(sn.ID, u.ID(), address)
	if !ok {
		return
	}
	now := s.deps.Now()
	known, err := s.deps.Store.KnownAddress(ctx, sn.ID, u.ID(), hash)
	if err == nil && now.Sub(known.SeenAt) < addressAge {
		return
	}
	if err == nil || errors.Is(err, store.ErrNotFound) {
		write := func(tx *store.Tx) error {
			return tx.PutKnownAddress(ctx, store.KnownAddress{PoolID: sn.ID, UserID: u.ID(), Hash: hash, SeenAt: now}, maxAddresses)
		}
		if join != nil {
			join(write)
			return
		}
		err = s.deps.Store.Update(ctx, write)
	}
	if err != nil {
		s.deps.Log.WarnContext(ctx, "address of a sign-in not noted", slog.String("user", u.ID()), slog.Any("error", err))
	}
}
