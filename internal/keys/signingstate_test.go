package keys

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestIntroduceSigningKey(t *testing.T) {
	t.Parallel()
	active := SigningKeyRecord{KID: "a", Use: UseIDToken, State: KeyActive, CreatedAt: start, ActivatesAt: start}
	retired := SigningKeyRecord{KID: "r", Use: UseIDToken, State: KeyRetired, RetiresAt: start}
	pending := SigningKeyRecord{KID: "p", Use: UseIDToken, State: KeyPending, ActivatesAt: start.Add(time.Hour)}
	other := SigningKeyRecord{KID: "o", Use: UseAccessToken, State: KeyActive}
	fresh := SigningKeyRecord{KID: "n", Use: UseIDToken, State: KeyActive, CreatedAt: start, ActivatesAt: start}
	waits := fresh
	waits.State, waits.ActivatesAt = KeyPending, start.Add(PublishLead)
	for _, tt := range []struct {
		name     string
		in, want []SigningKeyRecord
		ok       bool
	}{
		{"first", nil, []SigningKeyRecord{fresh}, true},
		{"first of its use", []SigningKeyRecord{other}, []SigningKeyRecord{other, fresh}, true},
		{"beside an active one", []SigningKeyRecord{active}, []SigningKeyRecord{active, waits}, true},
		{"beside a retired one only", []SigningKeyRecord{retired}, []SigningKeyRecord{retired, fresh}, true},
		{"beside a pending one", []SigningKeyRecord{active, pending}, []SigningKeyRecord{active, pending}, false},
		{"its kid is there", []SigningKeyRecord{{KID: "n"}}, []SigningKeyRecord{{KID: "n"}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok := IntroduceSigningKey(tt.in, "n", UseIDToken, start)
			if diff := cmp.Diff(tt.want, got); diff != "" || ok != tt.ok {
				t.Errorf("ok %v (-want +got):\n%s", ok, diff)
			}
		})
	}
}

func TestAdvanceSigningKeys(t *testing.T) {
	t.Parallel()
	now := start.Add(1000 * time.Hour)
	rec := func(kid string, use KeyUse, state KeyState, activates, retires time.Time) SigningKeyRecord {
		return SigningKeyRecord{KID: kid, Use: use, State: state, CreatedAt: start, ActivatesAt: activates, RetiresAt: retires}
	}
	none := time.Time{}
	active := rec("a", UseIDToken, KeyActive, start, none)
	for _, tt := range []struct {
		name     string
		in, want []SigningKeyRecord
		dropped  []string
	}{
		{"nothing", nil, nil, nil},
		{"active alone stays", []SigningKeyRecord{active}, []SigningKeyRecord{active}, nil},
		{
			"pending waits",
			[]SigningKeyRecord{active, rec("p", UseIDToken, KeyPending, now.Add(1), none)},
			[]SigningKeyRecord{active, rec("p", UseIDToken, KeyPending, now.Add(1), none)},
			nil,
		},
		{
			"pending takes over",
			[]SigningKeyRecord{active, rec("p", UseIDToken, KeyPending, now.Add(-time.Hour), none)},
			[]SigningKeyRecord{rec("a", UseIDToken, KeyRetired, start, now), rec("p", UseIDToken, KeyActive, now, none)},
			nil,
		},
		{
			"the other use is not touched",
			[]SigningKeyRecord{rec("x", UseAccessToken, KeyActive, start, none), active, rec("p", UseIDToken, KeyPending, now, none)},
			[]SigningKeyRecord{rec("x", UseAccessToken, KeyActive, start, none), rec("a", UseIDToken, KeyRetired, start, now), rec("p", UseIDToken, KeyActive, now, none)},
			nil,
		},
		{
			"retired lingers",
			[]SigningKeyRecord{rec("r", UseIDToken, KeyRetired, start, now.Add(1-RetireLinger)), active},
			[]SigningKeyRecord{rec("r", UseIDToken, KeyRetired, start, now.Add(1-RetireLinger)), active},
			nil,
		},
		{
			"retired is dropped",
			[]SigningKeyRecord{rec("r", UseIDToken, KeyRetired, start, now.Add(-RetireLinger)), active},
			[]SigningKeyRecord{active},
			[]string{"r"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, dropped := AdvanceSigningKeys(tt.in, now)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(tt.dropped, dropped); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
			again, dropped := AdvanceSigningKeys(got, now)
			if diff := cmp.Diff(got, again); diff != "" || dropped != nil {
				t.Errorf("a second time changes it, dropping %v:\n%s", dropped, diff)
			}
		})
	}
}

// TestRotationBreaksNoToken rotates at random, signs all the time, and holds
// every live token against the keys that are published, and every signing key
// against what a verifier knows whose copy of the key set is a day old.
func TestRotationBreaksNoToken(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := start
		records, _ := IntroduceSigningKey(nil, "0", UseIDToken, now)
		expires := map[string]time.Time{} // of the last token by a kid
		firstSeen := map[string]time.Time{"0": now.Add(-24 * time.Hour)}
		for i := range 60 {
			now = now.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "hours")) * time.Hour / 2)
			if rapid.Bool().Draw(t, "rotate") {
				kid := time.Duration(i + 1).String()
				if next, ok := IntroduceSigningKey(records, kid, UseIDToken, now); ok {
					records, firstSeen[kid] = next, now
				}
			}
			records, _ = AdvanceSigningKeys(records, now)
			kid, ok := ActiveSigningKey(records, UseIDToken)
			if !ok {
				t.Fatal("nothing signs")
			}
			if now.Sub(firstSeen[kid]) < 24*time.Hour {
				t.Fatalf("%s signs %v after it was published", kid, now.Sub(firstSeen[kid]))
			}
			expires[kid] = now.Add(24 * time.Hour)
			published := map[string]bool{}
			for _, r := range records {
				published[r.KID] = true
			}
			for kid, until := range expires {
				if until.After(now) && !published[kid] {
					t.Fatalf("%s is dropped at %v, a token lives until %v", kid, now, until)
				}
			}
		}
	})
}
