package devices

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/keys/srp"
	"cognate/internal/pool"
	"cognate/internal/risk"
	"cognate/internal/store"
	"cognate/internal/user"
)

const (
	// maxDevices is how many devices a user may have. A browser that stores nothing is a
	// new device at each sign-in. Beyond the limit, the device that was used the longest
	// ago is forgotten.
	maxDevices = 100
	// maxDeviceKey is the longest key (Cognito: DeviceKeyType).
	maxDeviceKey = 55
	// maxDeviceName is the longest name (Cognito: DeviceNameType).
	maxDeviceName = 1024
	// maxDeviceSalt is the longest salt of a device. Clients send 16 or 17 bytes.
	maxDeviceSalt = 64
	// uuidLength is the length of a key after the Region.
	uuidLength = 36
	// longestRefresh is the longest lifetime of a refresh token.
	longestRefresh = 3653 * 24 * time.Hour
)

// quotaDevices bounds how many devices a user confirms in an hour: a device leaves a row
// when it is forgotten.
var quotaDevices = risk.Quota{Kind: "confirm-device", Limit: 60}

// Labels of the hashes in the keys of devices.
const (
	deviceKeyTag keys.Purpose = "device key"
	deviceGroup  keys.Purpose = "device group"
)

// A Device is a device from which a user signs in.
type Device struct {
	Key string
	// Confirmed is true if the device was registered. Before that, other fields are empty.
	Confirmed  bool
	Remembered bool
	// GroupKey takes the place of the pool in the device's SRP. The device's key takes the
	// place of the username.
	GroupKey string
	Name     string
	Salt     []byte
	Verifier []byte

	rec store.Device
}

// LogValue returns the device's key, without its secret.
func (d *Device) LogValue() slog.Value { return slog.StringValue(d.Key) }

// Used returns the time and the IP address of the last sign-in from the device.
func (d *Device) Used() (at time.Time, ip string) { return d.rec.AuthenticatedAt, d.rec.LastIP }

// deviceRecord is the document of a stored device.
type deviceRecord struct {
	Version  int    `json:"v"`
	Name     string `json:"name,omitempty"`
	GroupKey string `json:"group"`
	// Secret is the verifier followed by the salt, sealed.
	Secret []byte `json:"secret"`
}

const deviceVersion = 1

func deviceAD(poolID, userID, key string) []byte {
	return []byte("devices\x00" + poolID + "\x00" + userID + "\x00" + key)
}

func (s *Service) open(rec store.Device) (*Device, error) {
	var doc deviceRecord
	if err := json.Unmarshal(rec.Doc, &doc); err != nil {
		return nil, fmt.Errorf("devices: device of %s: %w", rec.UserID, err)
	}
	if doc.Version != deviceVersion {
		return nil, fmt.Errorf("devices: device of %s has form %d, not %d", rec.UserID, doc.Version, deviceVersion)
	}
	secret, err := s.deps.Ring.Open(keys.PurposeDeviceVerifier, deviceAD(rec.PoolID, rec.UserID, rec.ID), doc.Secret)
	if err == nil && len(secret) <= srp.Size {
		err = srp.ErrVerifier
	}
	if err != nil {
		return nil, fmt.Errorf("devices: device of %s: %w", rec.UserID, err)
	}
	return &Device{
		Key: rec.ID, Confirmed: true, Remembered: rec.Remembered, GroupKey: doc.GroupKey, Name: doc.Name,
		Verifier: secret[:srp.Size], Salt: secret[srp.Size:], rec: rec,
	}, nil
}

// NewKey returns the key of a new device. Nothing is stored before the device is confirmed.
// The key is a UUID (RFC 9562 §5.4 in form) whose first 48 bits are a keyed tag of its
// random rest and of the user. So the server recognizes the keys that it issued.
func (s *Service) NewKey(sn *pool.Snapshot, u *user.User) string {
	rest := keys.NewUUID()[14:]
	return sn.Region + "_" + s.taggedUUID(sn.ID, u.ID(), rest)
}

func (s *Service) taggedUUID(poolID, userID, rest string) string {
	h := s.deps.Ring.Hash(deviceKeyTag, []byte(poolID), []byte(userID), []byte(rest))
	tag := hex.EncodeToString(h[:6])
	return tag[:8] + "-" + tag[8:] + "-" + rest
}

// isIssued reports whether the server issued the key to the user.
func (s *Service) isIssued(sn *pool.Snapshot, userID, key string) bool {
	id, ok := strings.CutPrefix(key, sn.Region+"_")
	return ok && len(id) == uuidLength && hmac.Equal([]byte(s.taggedUUID(sn.ID, userID, id[14:])), []byte(id))
}

// GroupKey returns the group key of a pool's devices, which takes the place of the pool in
// their SRP.
func (s *Service) GroupKey(sn *pool.Snapshot) string {
	h := s.deps.Ring.Derive(deviceGroup, []byte(sn.ID))
	return "-" + base64.RawURLEncoding.EncodeToString(h[:6])
}

// Find returns the user's device with this key. A key that was issued and not confirmed is
// a device too. A device that was forgotten is not. It returns store.ErrNotFound if there
// is no such device.
func (s *Service) Find(ctx context.Context, r *store.Reader, sn *pool.Snapshot, u *user.User, key string) (*Device, error) {
	if len(key) > maxDeviceKey || strings.ContainsRune(key, 0) || !utf8.ValidString(key) {
		return nil, store.ErrNotFound
	}
	rec, err := r.Device(ctx, sn.ID, u.ID(), key)
	if err == nil {
		return s.open(rec)
	}
	if !errors.Is(err, store.ErrNotFound) || !s.isIssued(sn, u.ID(), key) {
		return nil, err
	}
	gone, err := r.DeviceForgotten(ctx, sn.ID, u.ID(), key)
	if err == nil && gone {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return &Device{Key: key}, nil
}

// Use stores that the user signed in from a device. It returns store.ErrNotFound if the
// device was forgotten or replaced since it was read.
func (s *Service) Use(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, u *user.User, d *Device) error {
	return tx.UseDevice(ctx, sn.ID, u.ID(), d.Key, d.Remembered, s.deps.Now(), api.RequestFrom(ctx).SourceIP)
}

func deviceNotFound() error {
	return idp.ResourceNotFoundException("Device does not exist.").WithReason(api.ReasonUnknownDevice)
}

func checkTracked(sn *pool.Snapshot) error {
	if sn.Devices.Tracked {
		return nil
	}
	return idp.InvalidUserPoolConfigurationException("Device tracking is not enabled for the user pool.")
}

// ConfirmDevice registers the device that the access token was issued to, with the verifier
// of its secret.
func (s *Service) ConfirmDevice(ctx context.Context, in *idp.ConfirmDeviceRequest) (*idp.ConfirmDeviceResponse, error) {
	p, u, err := s.deps.Users.TokenUser(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	sn := p.Pool
	if err := checkTracked(sn); err != nil {
		return nil, err
	}
	if in.DeviceKey != p.Claims.DeviceKey || !s.isIssued(sn, u.ID(), in.DeviceKey) {
		return nil, idp.InvalidParameterException("Invalid device key given.")
	}
	secret, err := deviceSecret(in.DeviceSecretVerifierConfig)
	if err != nil {
		return nil, err
	}
	doc, err := json.Marshal(deviceRecord{
		Version: deviceVersion, Name: deviceName(ctx, in.DeviceName), GroupKey: s.GroupKey(sn),
		Secret: s.deps.Ring.Seal(keys.PurposeDeviceVerifier, deviceAD(sn.ID, u.ID(), in.DeviceKey), secret),
	})
	if err != nil {
		return nil, err
	}
	now := s.deps.Now()
	err = s.add(ctx, sn, store.Device{
		PoolID: sn.ID, UserID: u.ID(), ID: in.DeviceKey, Remembered: !sn.Devices.OnPrompt,
		CreatedAt: now, ModifiedAt: now, AuthenticatedAt: now, LastIP: api.RequestFrom(ctx).SourceIP, Doc: doc,
	})
	if err != nil {
		return nil, err
	}
	return &idp.ConfirmDeviceResponse{UserConfirmationNecessary: new(sn.Devices.OnPrompt)}, nil
}

// deviceSecret parses the verifier and the salt, both big-endian integers.
func deviceSecret(c *idp.DeviceSecretVerifierConfigType) ([]byte, error) {
	if c == nil || api.Val(c.PasswordVerifier) == "" || api.Val(c.Salt) == "" {
		return nil, idp.InvalidParameterException("Missing required parameter DeviceSecretVerifierConfig")
	}
	raw, err := base64.StdEncoding.DecodeString(*c.PasswordVerifier)
	if err != nil {
		return nil, idp.InvalidParameterException("Invalid device password verifier given.").WithCause(err)
	}
	verifier, err := srp.ParseVerifier(raw)
	if err != nil {
		return nil, idp.InvalidParameterException("Invalid device password verifier given.").WithCause(err)
	}
	salt, err := base64.StdEncoding.DecodeString(*c.Salt)
	if err != nil || len(salt) == 0 || len(salt) > maxDeviceSalt {
		return nil, idp.InvalidParameterException("Invalid device salt given.").WithCause(err)
	}
	return append(verifier, salt...), nil
}

// deviceName returns the name in the request, else the client's user agent.
func deviceName(ctx context.Context, given *string) string {
	name := api.Val(given)
	if name == "" {
		name = api.RequestFrom(ctx).UserAgent
	}
	if len(name) > maxDeviceName && given == nil {
		name = name[:maxDeviceName]
	}
	return strings.ToValidUTF8(name, "")
}

// add stores a device once. If the user has too many, it forgets another.
func (s *Service) add(ctx context.Context, sn *pool.Snapshot, rec store.Device) error {
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		gone, err := tx.DeviceForgotten(ctx, rec.PoolID, rec.UserID, rec.ID)
		if err != nil {
			return err
		}
		if gone {
			return idp.InvalidParameterException("Invalid device key given.")
		}
		if err := tx.InsertDevice(ctx, rec); err != nil {
			return err
		}
		exceeded, err := quotaDevices.Count(ctx, tx, sn.ID, rec.UserID, s.deps.Now())
		if err != nil {
			return err
		}
		if exceeded {
			return idp.TooManyRequestsException("Rate exceeded").WithReason(api.ReasonQuota)
		}
		return s.forgetOldest(ctx, tx, rec)
	}, store.Retry)
	switch {
	case errors.Is(err, store.ErrExists):
		return idp.DeviceKeyExistsException("Device already exists.")
	case errors.Is(err, store.ErrNotFound):
		return idp.NotAuthorizedException("Invalid Access Token").WithReason(api.ReasonUnknownUser).WithCause(err)
	}
	return err
}

// forgetOldest forgets the devices beyond the limit that were used the longest ago.
func (s *Service) forgetOldest(ctx context.Context, tx *store.Tx, added store.Device) error {
	have, err := tx.Devices(ctx, added.PoolID, added.UserID)
	if err != nil {
		return err
	}
	for ; len(have) > maxDevices; have = have[:len(have)-1] {
		oldest := 0
		for i, d := range have {
			if have[oldest].ID == added.ID || d.ID != added.ID && d.AuthenticatedAt.Before(have[oldest].AuthenticatedAt) {
				oldest = i
			}
		}
		if err := s.forget(ctx, tx, have[oldest]); err != nil {
			return err
		}
		have[oldest] = have[len(have)-1]
	}
	return nil
}

// forget removes a device. Its refresh tokens stop working, so its key is stored for as
// long as a refresh token can live.
func (s *Service) forget(ctx context.Context, tx *store.Tx, d store.Device) error {
	return tx.ForgetDevice(ctx, d.PoolID, d.UserID, d.ID, s.deps.Now().Add(longestRefresh))
}

// NameOf returns the name of a stored device. It opens no secret.
func NameOf(rec store.Device) (string, error) {
	var doc deviceRecord
	if err := json.Unmarshal(rec.Doc, &doc); err != nil {
		return "", fmt.Errorf("devices: device of %s: %w", rec.UserID, err)
	}
	return doc.Name, nil
}
