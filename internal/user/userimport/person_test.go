package userimport

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/test/people"
)

// personRig is the service without a job, with the real services that it works with.
type personRig struct {
	*people.Rig
	*Service
}

func newPersonRig(p *people.Rig) *personRig {
	return &personRig{p, New(Deps{Store: p.Store, Pools: p.Pools, Users: p.Users, Ring: p.Ring, Now: p.Now})}
}

func personEngines(t *testing.T, test func(t *testing.T, r *personRig)) {
	people.Engines(t, func(t *testing.T, p *people.Rig) { test(t, newPersonRig(p)) })
}

func fieldsOf(name string, more ...string) fields {
	row := fields{columnUsername: name, columnMFA: "false", "email": "a@example.com", "email_verified": "true"}
	for i := 0; i < len(more); i += 2 {
		if row[more[i]] = more[i+1]; more[i+1] == "" {
			delete(row, more[i])
		}
	}
	return row
}

// TestPersonOfLine: what a line must be like.
func TestPersonOfLine(t *testing.T) {
	personEngines(t, func(t *testing.T, r *personRig) {
		plain := r.Pool(t, people.VerifiesAddresses, nil)
		required := r.Pool(t, people.VerifiesAddresses, func(in *idp.CreateUserPoolRequest) {
			in.Schema = []idp.SchemaAttributeType{{Name: new("given_name"), AttributeDataType: idp.AttributeDataTypeString, Required: new(true), Mutable: new(true)}}
		})
		addresses := r.Pool(t, people.VerifiesAddresses, func(in *idp.CreateUserPoolRequest) {
			in.UsernameAttributes = []idp.UsernameAttributeType{"email", "phone_number"}
		})
		aliases := r.Pool(t, people.VerifiesAddresses, func(in *idp.CreateUserPoolRequest) { in.AliasAttributes = []idp.AliasAttributeType{"email"} })
		withMFA := r.Pool(t, people.VerifiesAddresses, func(in *idp.CreateUserPoolRequest) { in.MfaConfiguration = "ON" })
		const hash = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$1cj2WAEHHYWnjXS7WHXspPjwavVPRz38KVi4R4nzJ00" // of people.Password
		for _, test := range []struct {
			name  string
			pool  *pool.Snapshot
			row   fields
			fault string // a part of it; "" for none
		}{
			{"good", plain, fieldsOf("alice"), ""},
			{"no username", plain, fieldsOf(""), faultNoUsername},
			{"a blank within the username", plain, fieldsOf("al ice"), faultUsername},
			{"a username of 129 characters", plain, fieldsOf(strings.Repeat("a", 129)), faultUsername},
			{"nothing verified", plain, fieldsOf("alice", "email_verified", "false"), faultNotVerified},
			{"verified without value", plain, fieldsOf("alice", "email", ""), "Email is required to verify"},
			{"verified by phone", plain, fieldsOf("alice", "email", "", "email_verified", "", "phone_number", "+15550100", "phone_number_verified", "TRUE"), ""},
			{"a flag that is none", plain, fieldsOf("alice", "email_verified", "yes"), "email_verified"},
			{"no address", plain, fieldsOf("alice", "email", "alice"), "Invalid email address format."},
			{"no number", plain, fieldsOf("alice", "phone_number", "5550100"), "Invalid phone number format."},
			{"birthdate", plain, fieldsOf("alice", "birthdate", "02/28/1990"), ""},
			{"birthdate of another form", plain, fieldsOf("alice", "birthdate", "1990-02-28"), faultBirthdate},
			{"updated_at", plain, fieldsOf("alice", "updated_at", "yesterday"), faultUpdatedAt},
			{"too long a value", plain, fieldsOf("alice", "name", strings.Repeat("n", 2049)), "name: String must be no longer than 2048 characters"},
			{"MFA neither on nor off", plain, fieldsOf("alice", columnMFA, ""), faultMFA},
			{"MFA as a digit", plain, fieldsOf("alice", columnMFA, "1"), faultMFA},
			{"MFA where it is off", plain, fieldsOf("alice", columnMFA, "true"), faultMFAOff},
			{"no MFA where it is required", withMFA, fieldsOf("alice"), faultMFAOn},
			{"MFA without phone", withMFA, fieldsOf("alice", columnMFA, "true"), faultMFAPhone},
			{"MFA", withMFA, fieldsOf("alice", columnMFA, "true", "phone_number", "+15550100"), ""},
			{"required attribute", required, fieldsOf("alice", "given_name", "Alice"), ""},
			{"without it", required, fieldsOf("alice"), "given_name: The attribute is required"},
			{"an address as username", addresses, fieldsOf("a@example.com"), ""},
			{"another address than the username", addresses, fieldsOf("b@example.com"), "User email should be empty or same as username"},
			{"no address as username", addresses, fieldsOf("alice"), "Username should be either"},
			{"a username that looks like an alias", aliases, fieldsOf("a@example.com"), "Username cannot be of email format"},
			{"hash", plain, fieldsOf("alice", columnHash, hash), ""},
			{"no hash", plain, fieldsOf("alice", columnHash, "secret"), faultHash},
			{"hash of another algorithm", plain, fieldsOf("alice", columnHash, "$2b$10$"+strings.Repeat("a", 53)), faultHash},
			{"hash that costs too much", plain, fieldsOf("alice", columnHash, strings.Replace(hash, "t=1", "t=200", 1)), faultHash},
		} {
			_, err := r.newPerson(test.pool, test.row, "argon2id")
			fault, _ := errors.AsType[lineError](err)
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

func (r *personRig) storeLine(t *testing.T, sn *pool.Snapshot, row fields) error {
	t.Helper()
	p, err := r.newPerson(sn, row, "argon2id")
	if err != nil {
		return err
	}
	var refused error
	err = r.Store.Update(t.Context(), func(tx *store.Tx) error {
		refused = r.storePerson(t.Context(), tx, sn, p)
		return nil
	})
	return errors.Join(err, refused)
}

// TestStorePerson: a user who exists stays unchanged.
func TestStorePerson(t *testing.T) {
	personEngines(t, func(t *testing.T, r *personRig) {
		aliases := r.Pool(t, people.VerifiesAddresses, func(in *idp.CreateUserPoolRequest) {
			in.AliasAttributes = []idp.AliasAttributeType{"email", "preferred_username"}
		})
		addresses := r.Pool(t, people.VerifiesAddresses, func(in *idp.CreateUserPoolRequest) {
			in.UsernameAttributes = []idp.UsernameAttributeType{"email", "phone_number"}
			in.UsernameConfiguration = &idp.UsernameConfigurationType{CaseSensitive: false}
		})
		taken := func(kind string) lineError {
			return lineError("An account with the given " + kind + " already exists.")
		}
		for _, test := range []struct {
			name string
			pool *pool.Snapshot
			row  fields
			want error
		}{
			{"first", aliases, fieldsOf("alice", "preferred_username", "al"), nil},
			{"the same username", aliases, fieldsOf("alice", "email", "b@example.com"), errExists},
			{"the same verified address", aliases, fieldsOf("bob"), taken("email")},
			{"an address that is not verified", aliases, fieldsOf("bob", "email_verified", "", "phone_number", "+15550100", "phone_number_verified", "true"), nil},
			{"a name that is a username", aliases, fieldsOf("carol", "email", "c@example.com", "preferred_username", "bob"), taken("preferred_username")},
			{"a username that is a name", aliases, fieldsOf("al", "email", "c@example.com"), errExists},
			{"by address", addresses, fieldsOf("a@example.com", "phone_number", "+15550100"), nil},
			{"the same in capitals", addresses, fieldsOf("A@example.com", "email", "A@example.com"), errExists},
			{"by a number, with another's address", addresses, fieldsOf("+15550101", "phone_number", "+15550101"), taken("email")},
		} {
			if err := r.storeLine(t, test.pool, test.row); !errors.Is(err, test.want) {
				t.Errorf("%s: got %v, want %v", test.name, err, test.want)
			}
		}
		u, err := r.Users.Resolve(t.Context(), addresses, "a@EXAMPLE.com")
		if err != nil || u.Username() != u.ID() || u.Status() != idp.UserStatusTypeResetRequired {
			t.Errorf("%+v %v", u, err)
		}
		want := map[string]string{"email": "a@example.com", "email_verified": "true", "phone_number": "+15550100"}
		if d := cmp.Diff(want, maps.Clone(u.Attributes)); d != "" {
			t.Error(d)
		}
	})
}
