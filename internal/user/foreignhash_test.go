package user

import (
	"testing"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/keys/srp"
	"cognate/internal/pool"
)

// TestForeignHash: an imported hash serves until the first sign-in by password,
// a verifier of ours from then on.
func TestForeignHash(t *testing.T) {
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
			in.Policies = &idp.UserPoolPolicyType{PasswordPolicy: &idp.PasswordPolicyType{MinimumLength: new(int32(8)), PasswordHistorySize: new(int32(3))}}
		})
		r.haveForeign(t, sn)
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
		r.haveForeign(t, sn)
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

// goodHash is of goodPassword.
const goodHash = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$1cj2WAEHHYWnjXS7WHXspPjwavVPRz38KVi4R4nzJ00"

// haveForeign stores the user alice, whose password is known by an imported hash.
func (r *rig) haveForeign(t *testing.T, sn *pool.Snapshot) {
	t.Helper()
	u := r.have(t, sn, "alice", idp.UserStatusTypeConfirmed, nil)
	r.change(t, sn, u.ID(), func(u *User) {
		sealed, err := r.NewForeignCredential(u, goodHash)
		if err != nil {
			t.Error(err)
		}
		u.Rec.Credential = sealed
	})
}
