package store

import (
	"context"
	"time"
)

// A Device is a registered device of a user. ID is its key. Doc holds its name and its sealed verifier.
type Device struct {
	PoolID, UserID, ID    string
	Remembered            bool
	CreatedAt, ModifiedAt time.Time
	AuthenticatedAt       time.Time // last sign-in
	LastIP                string    // of the last sign-in
	Doc                   []byte
}

const deviceColumns = "pool_id, user_id, id, remembered, created_at, modified_at, authenticated_at, last_ip, doc"

var (
	deviceInsert   = prepare("INSERT INTO devices (" + deviceColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
	deviceGet      = prepare("SELECT " + deviceColumns + " FROM devices WHERE pool_id = ? AND user_id = ? AND id = ?")
	deviceList     = prepare("SELECT " + deviceColumns + " FROM devices WHERE pool_id = ? AND user_id = ?")
	deviceRemember = prepare("UPDATE devices SET modified_at = CASE WHEN remembered = ? THEN modified_at ELSE ? END, remembered = ? WHERE pool_id = ? AND user_id = ? AND id = ?")
	deviceUse      = prepare("UPDATE devices SET authenticated_at = ?, last_ip = ? WHERE pool_id = ? AND user_id = ? AND id = ? AND remembered = ?")
	deviceDelete   = prepare("DELETE FROM devices WHERE pool_id = ? AND user_id = ? AND id = ?")

	forgottenInsert = prepare("INSERT INTO forgotten_devices (pool_id, user_id, id, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
	forgottenGet    = prepare("SELECT COUNT(*) FROM forgotten_devices WHERE pool_id = ? AND user_id = ? AND id = ?")

	userDevicesDelete   = prepare("DELETE FROM devices WHERE pool_id = ? AND user_id = ?")
	userForgottenDelete = prepare("DELETE FROM forgotten_devices WHERE pool_id = ? AND user_id = ?")
)

func scanDevice(r row, d *Device) error {
	return r.scan(&d.PoolID, &d.UserID, &d.ID, &d.Remembered, &d.CreatedAt, &d.ModifiedAt, &d.AuthenticatedAt, &d.LastIP, &d.Doc)
}

// InsertDevice adds a device, and holds the user. ErrNotFound if the user is gone; ExistsError says "device" where the
// user has one of this key.
func (tx *Tx) InsertDevice(ctx context.Context, d Device) error {
	if err := tx.HoldUser(ctx, d.PoolID, d.UserID); err != nil {
		return err
	}
	return tx.insert(ctx, "device", deviceInsert, d.PoolID, d.UserID, d.ID, d.Remembered, d.CreatedAt, d.ModifiedAt, d.AuthenticatedAt, d.LastIP, d.Doc)
}

// Device reads a device of a user.
func (r *Reader) Device(ctx context.Context, poolID, userID, id string) (Device, error) {
	return first(ctx, r, deviceGet, []any{poolID, userID, id}, scanDevice)
}

// Devices lists a user's devices, in no order.
func (r *Reader) Devices(ctx context.Context, poolID, userID string) ([]Device, error) {
	return all(ctx, r, deviceList, []any{poolID, userID}, scanDevice)
}

// RememberDevice sets whether a device is remembered. It returns ErrNotFound if the user has no device with this key.
func (tx *Tx) RememberDevice(ctx context.Context, poolID, userID, id string, remembered bool, now time.Time) error {
	return tx.change(ctx, ErrNotFound, deviceRemember, remembered, now, remembered, poolID, userID, id)
}

// UseDevice records a sign-in from a device. It returns ErrNotFound if the device is gone, or if it is no longer
// remembered, or not, as the caller has read.
func (tx *Tx) UseDevice(ctx context.Context, poolID, userID, id string, remembered bool, now time.Time, ip string) error {
	return tx.change(ctx, ErrNotFound, deviceUse, now, ip, poolID, userID, id, remembered)
}

// ForgetDevice removes a device, and remembers its key until expires. It returns ErrNotFound if the user has no device
// with this key. It holds the user, so that no other transaction adds a device under the key at the same time.
func (tx *Tx) ForgetDevice(ctx context.Context, poolID, userID, id string, expires time.Time) error {
	if err := tx.HoldUser(ctx, poolID, userID); err != nil {
		return err
	}
	if err := tx.change(ctx, ErrNotFound, deviceDelete, poolID, userID, id); err != nil {
		return err
	}
	return tx.run(ctx, forgottenInsert, poolID, userID, id, expires)
}

// DeviceForgotten reports whether the user had a device of this key that was forgotten.
func (r *Reader) DeviceForgotten(ctx context.Context, poolID, userID, id string) (forgotten bool, err error) {
	err = r.one(ctx, forgottenGet, []any{poolID, userID, id}, &forgotten)
	return forgotten, err
}
