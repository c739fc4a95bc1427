package user

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"cognate/internal/api"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// Anybody can give wrong passwords and wrong codes in a user's name, and ask for
// codes. What that uses up is counted apart from what the user does at a known
// place: at a device that the user confirmed, or at an address that the user has
// signed in from. So strangers do not lock the user out there, and since a user has
// few known places, all guesses together stay few.

const (
	// maxAddresses is how many addresses of a user are known.
	maxAddresses = 8
	// addressAge is how old the note of an address may become while the user signs
	// in from it: most sign-ins write nothing.
	addressAge = 7 * 24 * time.Hour
)

// knownAddress labels the keyed hash under which addresses are stored.
const knownAddress keys.Purpose = "known address"

// A Caller is where a call for a user comes from. The zero one is no known place.
type Caller struct {
	// Address is the client's.
	Address string
	// DeviceKey is the device that the client names. Whoever does not have the
	// device does not know its key.
	DeviceKey string
}

// callerOf returns where the request of a public operation comes from.
func callerOf(ctx context.Context) Caller { return Caller{Address: api.RequestFrom(ctx).SourceIP} }

func (s *Service) addressHash(poolID, userID, address string) ([32]byte, bool) {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return [32]byte{}, false
	}
	a = a.Unmap().WithZone("")
	if a.Is6() {
		// A household has a network of 64 bits, and its devices change their address in it.
		network, err := a.Prefix(64)
		if err != nil {
			return [32]byte{}, false
		}
		a = network.Addr()
	}
	return s.deps.Ring.Hash(knownAddress, []byte(poolID), []byte(userID), []byte(a.String())), true
}

// Place returns a short name of the known place that a call comes from; "" where the
// user is not known there. It reads the same for a decoy.
func (s *Service) Place(ctx context.Context, r *store.Reader, sn *pool.Snapshot, u *User, c Caller) (string, error) {
	if c.DeviceKey != "" && sn.Devices.Tracked {
		// The devices that were confirmed have a row.
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

// NoteAddress remembers that the user signed in from the address. It writes where
// the address is new or its note is old. That it could not be noted keeps nobody
// from signing in.
func (s *Service) NoteAddress(ctx context.Context, sn *pool.Snapshot, u *User, address string) {
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
		err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
			return tx.PutKnownAddress(ctx, store.KnownAddress{PoolID: sn.ID, UserID: u.ID(), Hash: hash, SeenAt: now}, maxAddresses)
		})
	}
	if err != nil {
		s.deps.Log.WarnContext(ctx, "address of a sign-in not noted", slog.String("user", u.ID()), slog.Any("error", err))
	}
}
