package user

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/keys/srp"
	"cognate/internal/pool"
	"cognate/internal/store"
)

func importRow(name string, more ...string) ImportRow {
	row := ImportRow{ImportUsername: name, ImportMFA: "false", "email": "a@example.com", "email_verified": "true"}
	for i := 0; i < len(more); i += 2 {
		if row[more[i]] = more[i+1]; more[i+1] == "" {
			delete(row, more[i])
		}
	}
	return row
}

// TestImportRows: what a line must be like.
func TestImportRows(t *testing.T) {
	engines(t, func(t *testing.T, r *rig) {
		plain := r.poolWith(t, nil)
		required := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
			in.Schema = []idp.SchemaAttributeType{{Name: new("given_name"), AttributeDataType: idp.AttributeDataTypeString, Required: new(true), Mutable: new(true)}}
		})
		addresses := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
			in.UsernameAttributes = []idp.UsernameAttributeType{"email", "phone_number"}
		})
		aliases := r.poolWith(t, func(in *idp.CreateUserPoolRequest) { in.AliasAttributes = []idp.AliasAttributeType{"email"} })
		withMFA := r.poolWith(t, func(in *idp.CreateUserPoolRequest) { in.MfaConfiguration = "ON" })
		hash := keys.HashPassword(goodPassword)
		for _, test := range []struct {
			name  string
			pool  *pool.Snapshot
			row   ImportRow
			fault string // a part of it; "" for none
		}{
			{"good", plain, importRow("alice"), ""},
			{"no username", plain, importRow(""), faultNoUsername},
			{"a blank within the username", plain, importRow("al ice"), faultUsername},
			{"a username of 129 characters", plain, importRow(strings.Repeat("a", 129)), faultUsername},
			{"nothing verified", plain, importRow("alice", "email_verified", "false"), faultNotVerified},
			{"verified without value", plain, importRow("alice", "email", ""), "Email is required to verify"},
			{"verified by phone", plain, importRow("alice", "email", "", "email_verified", "", "phone_number", "+15550100", "phone_number_verified", "TRUE"), ""},
			{"a flag that is none", plain, importRow("alice", "email_verified", "yes"), "email_verified"},
			{"no address", plain, importRow("alice", "email", "alice"), "Invalid email address format."},
			{"no number", plain, importRow("alice", "phone_number", "5550100"), "Invalid phone number format."},
			{"birthdate", plain, importRow("alice", "birthdate", "02/28/1990"), ""},
			{"birthdate of another form", plain, importRow("alice", "birthdate", "1990-02-28"), faultBirthdate},
			{"updated_at", plain, importRow("alice", "updated_at", "yesterday"), faultUpdatedAt},
			{"too long a value", plain, importRow("alice", "name", strings.Repeat("n", 2049)), "name: String must be no longer than 2048 characters"},
			{"MFA neither on nor off", plain, importRow("alice", ImportMFA, ""), faultMFA},
			{"MFA as a digit", plain, importRow("alice", ImportMFA, "1"), faultMFA},
			{"MFA where it is off", plain, importRow("alice", ImportMFA, "true"), faultMFAOff},
			{"no MFA where it is required", withMFA, importRow("alice"), faultMFAOn},
			{"MFA without phone", withMFA, importRow("alice", ImportMFA, "true"), faultMFAPhone},
			{"MFA", withMFA, importRow("alice", ImportMFA, "true", "phone_number", "+15550100"), ""},
			{"required attribute", required, importRow("alice", "given_name", "Alice"), ""},
			{"without it", required, importRow("alice"), "given_name: The attribute is required"},
			{"an address as username", addresses, importRow("a@example.com"), ""},
			{"another address than the username", addresses, importRow("b@example.com"), "User email should be empty or same as username"},
			{"no address as username", addresses, importRow("alice"), "Username should be either"},
			{"a username that looks like an alias", aliases, importRow("a@example.com"), "Username cannot be of email format"},
			{"hash", plain, importRow("alice", ImportHash, hash), ""},
			{"no hash", plain, importRow("alice", ImportHash, "secret"), faultHash},
			{"hash of another algorithm", plain, importRow("alice", ImportHash, "$2b$10$"+strings.Repeat("a", 53)), faultHash},
			{"hash that costs too much", plain, importRow("alice", ImportHash, strings.Replace(hash, "t=2", "t=200", 1)), faultHash},
		} {
			_, err := r.NewImported(test.pool, test.row, "argon2id")
			fault, _ := errors.AsType[ImportError](err)
			switch {
			case test.fault == "" && err != nil:
				t.Errorf("%s: %v", test.name, err)
			case test.fault != "" && !strings.Contains(string(fault), test.fault):
				t.Errorf("%s: got %v", test.name, err)
			case strings.Contains(string(fault), "\n"):
				t.Errorf("%s: a fault of several lines: %q", test.name, fault)
			}
		}
	})
}

func (r *rig) storeImported(t *testing.T, sn *pool.Snapshot, row ImportRow) error {
	t.Helper()
	p, err := r.NewImported(sn, row, "argon2id")
	if err != nil {
		return err
	}
	var refused error
	err = r.deps.Store.Update(t.Context(), func(tx *store.Tx) error {
		refused = r.StoreImported(t.Context(), tx, sn, p)
		return nil
	})
	return errors.Join(err, refused)
}

// TestStoreImported: who is there already stays as he is.
func TestStoreImported(t *testing.T) {
	engines(t, func(t *testing.T, r *rig) {
		aliases := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
			in.AliasAttributes = []idp.AliasAttributeType{"email", "preferred_username"}
		})
		addresses := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
			in.UsernameAttributes = []idp.UsernameAttributeType{"email", "phone_number"}
			in.UsernameConfiguration = &idp.UsernameConfigurationType{CaseSensitive: false}
		})
		taken := func(kind string) ImportError {
			return ImportError("An account with the given " + kind + " already exists.")
		}
		for _, test := range []struct {
			name string
			pool *pool.Snapshot
			row  ImportRow
			want error
		}{
			{"first", aliases, importRow("alice", "preferred_username", "al"), nil},
			{"the same username", aliases, importRow("alice", "email", "b@example.com"), ErrImportExists},
			{"the same verified address", aliases, importRow("bob"), taken("email")},
			{"an address that is not verified", aliases, importRow("bob", "email_verified", "", "phone_number", "+15550100", "phone_number_verified", "true"), nil},
			{"a name that is a username", aliases, importRow("carol", "email", "c@example.com", "preferred_username", "bob"), taken("preferred_username")},
			{"a username that is a name", aliases, importRow("al", "email", "c@example.com"), ErrImportExists},
			{"by address", addresses, importRow("a@example.com", "phone_number", "+15550100"), nil},
			{"the same in capitals", addresses, importRow("A@example.com", "email", "A@example.com"), ErrImportExists},
			{"by a number, with another's address", addresses, importRow("+15550101", "phone_number", "+15550101"), taken("email")},
		} {
			if err := r.storeImported(t, test.pool, test.row); !errors.Is(err, test.want) {
				t.Errorf("%s: got %v, want %v", test.name, err, test.want)
			}
		}
		u, err := r.Resolve(t.Context(), addresses, "a@EXAMPLE.com")
		if err != nil || u.Username() != u.ID() || u.Status() != idp.UserStatusTypeResetRequired {
			t.Errorf("%+v %v", u, err)
		}
		want := map[string]string{"email": "a@example.com", "email_verified": "true", "phone_number": "+15550100"}
		if d := cmp.Diff(want, maps.Clone(u.Attributes)); d != "" {
			t.Error(d)
		}
	})
}

// TestForeignHash: an imported hash serves until the first sign-in by password,
// a verifier of ours from then on.
func TestForeignHash(t *testing.T) {
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
			in.Policies = &idp.UserPoolPolicyType{PasswordPolicy: &idp.PasswordPolicyType{MinimumLength: new(int32(8)), PasswordHistorySize: new(int32(3))}}
		})
		if err := r.storeImported(t, sn, importRow("alice", ImportHash, keys.HashPassword(goodPassword))); err != nil {
			t.Fatal(err)
		}
		read := func() (*User, *Credential) {
			t.Helper()
			u, err := r.Resolve(t.Context(), sn, "alice")
			if err != nil {
				t.Fatal(err)
			}
			c, err := r.Credential(u)
			if err != nil {
				t.Fatal(err)
			}
			return u, c
		}
		tried := func(password string) bool {
			t.Helper()
			u, c := read()
			ok, err := r.PasswordMatches(t.Context(), sn, u, c, password)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		u, c := read()
		if u.Status() != idp.UserStatusTypeConfirmed || !c.HasPassword() || len(c.Verifier) != 0 || c.PHC == "" {
			t.Fatalf("imported: %s %+v", u.Status(), c)
		}
		// The history holds the imported password, although no verifier of it is there.
		_, err := r.SetPassword(t.Context(), sn, u, goodPassword, false, PolicyChange)
		wantSays(t, err, "PasswordHistoryPolicyViolationException: Password has previously been used")
		if tried("Passw0rd!two") {
			t.Error("a wrong password matches")
		}
		if _, c := read(); c.PHC == "" {
			t.Error("a wrong password took the hash away")
		}
		if !tried(goodPassword) {
			t.Error("the password does not match")
		}
		u, after := read()
		if after.PHC != "" || !after.SetAt.Equal(c.SetAt) || !srp.PasswordMatches(sn.SRPName, u.Username(), goodPassword, after.Salt, after.Verifier) {
			t.Errorf("upgraded: %v, set at %v, was %v", after.PHC != "", after.SetAt, c.SetAt)
		}
		if !tried(goodPassword) || tried("Passw0rd!two") {
			t.Error("the verifier does not do what the hash did")
		}
		_, err = r.SetPassword(t.Context(), sn, u, goodPassword, false, PolicyChange)
		wantSays(t, err, "PasswordHistoryPolicyViolationException: Password has previously been used")
	})
}

// TestForeignHashGate: the work of an imported hash waits at the gate of such
// hashes, whether it serves a sign-in or the password history.
func TestForeignHashGate(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
			in.Policies = &idp.UserPoolPolicyType{PasswordPolicy: &idp.PasswordPolicyType{MinimumLength: new(int32(8)), PasswordHistorySize: new(int32(3))}}
		})
		if err := r.storeImported(t, sn, importRow("alice", ImportHash, keys.HashPassword(goodPassword))); err != nil {
			t.Fatal(err)
		}
		u, err := r.Resolve(t.Context(), sn, "alice")
		if err != nil {
			t.Fatal(err)
		}
		c, err := r.Credential(u)
		if err != nil {
			t.Fatal(err)
		}
		r.foreign = keys.NewGate(1, 0) // One place, which is taken, and no queue.
		if err := r.foreign.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		const busy = "TooManyRequestsException: Rate exceeded: keys: too much cryptography is waiting"
		for _, row := range []struct {
			name string
			call func() error
		}{
			{"sign-in", func() error {
				_, err := r.PasswordMatches(t.Context(), sn, u, c, goodPassword)
				return err
			}},
			{"history", func() error {
				_, err := r.SetPassword(t.Context(), sn, u, goodPassword, false, PolicyChange)
				return err
			}},
		} {
			t.Run(row.name, func(t *testing.T) { wantSays(t, row.call(), busy) })
		}
		r.foreign.Release()
		_, err = r.SetPassword(t.Context(), sn, u, goodPassword, false, PolicyChange)
		wantSays(t, err, "PasswordHistoryPolicyViolationException: Password has previously been used")
	})
}
