package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cognate/internal/store"
)

func aDevice(user, id string) store.Device {
	return store.Device{
		PoolID: "p", UserID: user, ID: id, CreatedAt: Now, ModifiedAt: Now, AuthenticatedAt: Now, LastIP: "192.0.2.1", Doc: []byte("{}"),
	}
}

func testDevices(t *testing.T, s *store.Store) {
	ctx := t.Context()
	list := func(user string) []store.Device {
		devices, err := s.Devices(ctx, "p", user)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(devices, func(a, b store.Device) int { return strings.Compare(a.ID, b.ID) })
		return devices
	}
	addUsers(t, s, calledUser("u"), calledUser("v"))
	for _, d := range []store.Device{aDevice("u", "a"), aDevice("u", "b"), aDevice("v", "a")} {
		update(t, s, func(tx *store.Tx) error { return tx.InsertDevice(ctx, d) })
	}
	existing(t, s, "device", func(tx *store.Tx) error { return tx.InsertDevice(ctx, aDevice("u", "a")) })
	same(t, []store.Device{aDevice("u", "a"), aDevice("u", "b")}, list("u"), nil)
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.InsertDevice(ctx, aDevice("nobody", "a")) })
	_, err := s.Device(ctx, "p", "v", "b")
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("another user's device: %v", err)
	}

	later, latest := Now.Add(time.Minute), Now.Add(time.Hour)
	remember := func(user, id string, on bool, at time.Time) func(*store.Tx) error {
		return func(tx *store.Tx) error { return tx.RememberDevice(ctx, "p", user, id, on, at) }
	}
	use := func(user, id string, remembered bool, at time.Time) func(*store.Tx) error {
		return func(tx *store.Tx) error { return tx.UseDevice(ctx, "p", user, id, remembered, at, "192.0.2.2") }
	}
	update(t, s, remember("u", "a", true, later))
	update(t, s, remember("u", "a", true, latest)) // is so already
	update(t, s, use("u", "a", true, latest))
	refused(t, s, store.ErrNotFound, use("u", "a", false, latest))
	refused(t, s, store.ErrNotFound, use("u", "b", true, latest))
	refused(t, s, store.ErrNotFound, use("v", "b", true, latest))
	refused(t, s, store.ErrNotFound, remember("v", "b", true, latest))
	want := aDevice("u", "a")
	want.Remembered, want.ModifiedAt, want.AuthenticatedAt, want.LastIP = true, later, latest, "192.0.2.2"
	got, err := s.Device(ctx, "p", "u", "a")
	same(t, want, got, err)
	got, err = s.Device(ctx, "p", "v", "a")
	same(t, aDevice("v", "a"), got, err)

	forget := func(user, id string) func(*store.Tx) error {
		return func(tx *store.Tx) error { return tx.ForgetDevice(ctx, "p", user, id, latest) }
	}
	forgotten := func(user, id string) bool {
		gone, err := s.DeviceForgotten(ctx, "p", user, id)
		if err != nil {
			t.Fatal(err)
		}
		return gone
	}
	refused(t, s, store.ErrNotFound, forget("v", "b"))
	update(t, s, forget("u", "a"))
	refused(t, s, store.ErrNotFound, forget("u", "a"))
	same(t, []store.Device{aDevice("u", "b")}, list("u"), nil)
	same(t, []bool{true, false, false}, []bool{forgotten("u", "a"), forgotten("u", "b"), forgotten("v", "a")}, nil)
	for _, at := range []struct {
		now  time.Time
		left bool
	}{{latest.Add(-time.Second), true}, {latest, false}} {
		if _, err := s.Sweep(ctx, at.now.Add(store.SpentRoom), 100); err != nil {
			t.Fatal(err)
		}
		same(t, at.left, forgotten("u", "a"), nil)
	}
}

// testDevicesGo: what belongs to a user goes with the user, and with the pool.
func testDevicesGo(t *testing.T, s *store.Store) {
	ctx := t.Context()
	have := func(user string) {
		update(t, s, func(tx *store.Tx) error {
			if err := tx.InsertUser(ctx, calledUser(user), nil); err != nil {
				return err
			}
			for _, id := range []string{"a", "b"} {
				if err := tx.InsertDevice(ctx, aDevice(user, id)); err != nil {
					return err
				}
			}
			return tx.ForgetDevice(ctx, "p", user, "a", Now.Add(time.Hour))
		})
	}
	left := func(user string) []bool {
		devices, err := s.Devices(ctx, "p", user)
		if err != nil {
			t.Fatal(err)
		}
		gone, err := s.DeviceForgotten(ctx, "p", user, "a")
		if err != nil {
			t.Fatal(err)
		}
		return []bool{len(devices) > 0, gone}
	}
	update(t, s, func(tx *store.Tx) error { return tx.InsertPool(ctx, store.Pool{ID: "p", Region: "r", CreatedAt: Now}) })
	have("u")
	have("v")
	update(t, s, func(tx *store.Tx) error { return tx.DeleteUser(ctx, "p", "u") })
	same(t, []bool{false, false, true, true}, append(left("u"), left("v")...), nil)
	update(t, s, func(tx *store.Tx) error { return tx.DeletePool(ctx, "p") })
	if _, err := s.Sweep(ctx, Now, 1000); err != nil {
		t.Fatal(err)
	}
	same(t, []bool{false, false}, left("v"), nil)
}
