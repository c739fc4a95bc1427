package devices

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/keys/srp"
	"cognate/internal/pool"
	"cognate/internal/risk"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/internal/user"
	"cognate/test/people"
)

// tracked makes a pool that tracks devices, with one user.
func (r *rig) tracked(t testing.TB) (*pool.Snapshot, string, *user.User) {
	t.Helper()
	sn := r.Pool(t, func(in *idp.CreateUserPoolRequest) {
		in.DeviceConfiguration = &idp.DeviceConfigurationType{ChallengeRequiredOnNewDevice: new(true)}
	})
	return sn, r.Client(t, sn).ID, r.User(t, sn, "alice")
}

// tokenOn returns an access token of the user on a device.
func (r *rig) tokenOn(t testing.TB, sn *pool.Snapshot, client string, u *user.User, key string) string {
	t.Helper()
	c, err := sn.Client(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	set, err := r.Tokens.Issue(t.Context(), token.Grant{
		Pool: sn, Client: c, DeviceKey: key,
		Subject: token.Subject{UserID: u.ID(), Username: u.Username(), Attributes: u.Attributes, TokensValidAfter: u.Rec.TokensValidAfter},
	})
	if err != nil {
		t.Fatal(err)
	}
	return set.AccessToken
}

// TestDeviceVector reads what a device is registered with as clients write it.
func TestDeviceVector(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../keys/srp/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []map[string]string
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	v := vectors[2]
	secret, err := deviceSecret(&idp.DeviceSecretVerifierConfigType{Salt: new(v["confirm_device_salt"]), PasswordVerifier: new(v["confirm_device_verifier"])})
	if err != nil {
		t.Fatal(err)
	}
	verifier, salt := secret[:srp.Size], secret[srp.Size:]
	if !srp.PasswordMatches(v["pool"], v["user"], v["password"], salt, verifier) {
		t.Error("the device's password does not match")
	}
	if got := srp.FormatHex(salt); got != v["salt"] {
		t.Errorf("salt %s", got)
	}
}

// TestDeviceKeys: a key is known again as given out, to its user alone.
func TestDeviceKeys(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn, _, u := r.tracked(t)
		other := r.User(t, sn, "bob")
		key := r.NewKey(sn, u)
		flipped := []byte(key)
		flipped[len(flipped)-1] ^= 1
		for _, row := range []struct {
			name, key string
			user      *user.User
			found     bool
		}{
			{"its user's", key, u, true},
			{"another's", key, other, false},
			{"of another rest", string(flipped), u, false},
			{"of another Region", "eu-west-1" + strings.TrimPrefix(key, sn.Region), u, false},
			{"in capitals", strings.ToUpper(key), u, false},
			{"none", "", u, false},
			{"with a NUL", key + "\x00", u, false},
			{"not text", key + "\xff", u, false},
			{"of nobody", key, r.Users.Decoy(sn, "nobody"), false},
		} {
			t.Run(row.name, func(t *testing.T) {
				d, err := r.Find(t.Context(), &r.Store.Reader, sn, row.user, row.key)
				if row.found != (err == nil) || err != nil && err != store.ErrNotFound || d != nil && d.Confirmed {
					t.Errorf("%+v %v", d, err)
				}
			})
		}
	})
}

// TestDeviceLimits: a user has so many devices at most, of which the one that
// was used the longest ago makes room, and confirms so many in an hour.
func TestDeviceLimits(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn, client, u := r.tracked(t)
		secret := &idp.DeviceSecretVerifierConfigType{Salt: new("AJ4YbSchD9OLgjl8uVEloD4="), PasswordVerifier: new("AQIDBAUGBwg=")}
		confirm := func() (string, error) {
			key := r.NewKey(sn, u)
			_, err := r.ConfirmDevice(t.Context(), &idp.ConfirmDeviceRequest{
				AccessToken: r.tokenOn(t, sn, client, u, key), DeviceKey: key, DeviceSecretVerifierConfig: secret,
			})
			return key, err
		}
		var all []string
		for i := range quotaDevices.Limit {
			r.Clock.Pass(time.Second)
			key, err := confirm()
			if err != nil {
				t.Fatal(i, err)
			}
			all = append(all, key)
		}
		_, err := confirm()
		people.WantError(t, err, "TooManyRequestsException: Rate exceeded")
		r.Clock.Pass(risk.QuotaWindow)
		// The first is used once more, so that the second is the oldest.
		err = r.Store.Update(t.Context(), func(tx *store.Tx) error {
			return tx.UseDevice(t.Context(), sn.ID, u.ID(), all[0], true, r.Clock.Now(), "192.0.2.1")
		}, store.Retry)
		if err != nil {
			t.Fatal(err)
		}
		for len(all) <= maxDevices {
			r.Clock.Pass(time.Second)
			key, err := confirm()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, key)
		}
		have, err := r.Store.Devices(t.Context(), sn.ID, u.ID())
		if err != nil || len(have) != maxDevices {
			t.Fatal(strconv.Itoa(len(have))+" devices", err)
		}
		for i, key := range []string{all[0], all[1], all[maxDevices]} {
			gone, err := r.Store.DeviceForgotten(t.Context(), sn.ID, u.ID(), key)
			if err != nil || gone != (i == 1) {
				t.Errorf("device %d is forgotten: %v %v", i, gone, err)
			}
		}
	})
}

// TestDeviceSealed: the store has neither the verifier nor the salt in clear.
func TestDeviceSealed(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn, client, u := r.tracked(t)
		key, salt := r.NewKey(sn, u), srp.NewSalt()
		verifier := srp.Verifier(r.GroupKey(sn), key, "secret", salt)
		encode := base64.StdEncoding.EncodeToString
		_, err := r.ConfirmDevice(t.Context(), &idp.ConfirmDeviceRequest{
			AccessToken: r.tokenOn(t, sn, client, u, key), DeviceKey: key,
			DeviceSecretVerifierConfig: &idp.DeviceSecretVerifierConfigType{Salt: new(encode(salt)), PasswordVerifier: new(encode(verifier))},
		})
		if err != nil {
			t.Fatal(err)
		}
		rec, err := r.Store.Device(t.Context(), sn.ID, u.ID(), key)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range [][]byte{verifier, []byte(encode(verifier)), []byte(encode(verifier[3:])[:64]), []byte(encode(salt))} {
			if bytes.Contains(rec.Doc, form) {
				t.Error("the document holds it in clear")
			}
		}
		// Another user's row does not open as this one's.
		rec.UserID = r.User(t, sn, "bob").ID()
		if _, err := r.open(rec); err == nil {
			t.Error("a moved row opened")
		}
	})
}
