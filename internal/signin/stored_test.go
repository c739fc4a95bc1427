package signin

import (
	"strings"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/signin/customflow"
	"cognate/internal/store"
	"cognate/test/lambdas"
)

// longChallenges is a pool whose custom challenges remember n bytes each.
func (r *rig) longChallenges(t testing.TB, n int) *pool.Snapshot {
	t.Helper()
	sn := r.twoRounds(t)
	r.Functions.On("create", func(e *lambdas.Event) string {
		e.Response["privateChallengeParameters"] = map[string]string{"answer": "5", "long": strings.Repeat("x", n)}
		e.Response["challengeMetadata"] = "SUM"
		return ""
	})
	return sn
}

func (r *rig) kept(t testing.TB, sn *pool.Snapshot, userID string) int {
	t.Helper()
	n, err := r.store.CountSignInStates(t.Context(), sn.ID, userID, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestLongSession: what does not fit into a Session is kept, for one answer and
// for as long as the Session lives.
func TestLongSession(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.longChallenges(t, 20_000)
		c, other, hides := r.client(t, sn), r.client(t, sn), r.client(t, sn, hiding)
		alice := r.have(t, sn, "alice", person{password: right})
		start := func(c *pool.Client, name string) *string {
			t.Helper()
			out, err := r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{ClientId: c.ID, AuthFlow: idp.AuthFlowTypeCustomAuth, AuthParameters: map[string]string{"USERNAME": name}})
			if err != nil {
				t.Fatal(err)
			}
			if len(*out.Session) > 2048 {
				t.Errorf("the session has %d characters", len(*out.Session))
			}
			return out.Session
		}
		respond := func(c *pool.Client, name, answer string, session *string) (string, *string) {
			res, err := r.respondTo(t.Context(), c, "CUSTOM_CHALLENGE", session, name, "ANSWER", answer)
			if err != nil {
				return lambdas.Says(err), nil
			}
			return answered(res, nil), res.Session
		}
		says := func(c *pool.Client, name, answer string, session *string, want string) *string {
			t.Helper()
			got, next := respond(c, name, answer, session)
			wantSays(t, got, want)
			return next
		}

		first := start(c, "alice")
		says(other, "alice", "5", first, sayInvalid)
		second := says(c, "alice", "5", first, "CUSTOM_CHALLENGE")
		says(c, "alice", "5", first, sayInvalid)
		if n := r.kept(t, sn, alice.ID()); n != 1 {
			t.Errorf("%d states are kept", n)
		}
		says(c, "alice", "5", second, "tokens")
		says(c, "alice", "5", second, sayInvalid)
		if n := r.kept(t, sn, alice.ID()); n != 0 {
			t.Errorf("%d states are kept at the end", n)
		}

		session := start(c, "alice")
		won := r.atOnce(t, func() string {
			got, _ := respond(c, "alice", "5", session)
			return strings.Replace(got, "CUSTOM_CHALLENGE", "tokens", 1)
		}, sayInvalid)
		if won != 1 {
			t.Errorf("%d answers won", won)
		}

		r.Clock.Pass(time.Hour)
		session = start(c, "alice")
		r.Clock.Pass(c.SessionTTL)
		says(c, "alice", "5", session, sayExpired)
		if _, err := r.store.Sweep(t.Context(), r.now().Add(store.SpentRoom), 1000); err != nil {
			t.Fatal(err)
		}
		if n := r.kept(t, sn, alice.ID()); n != 0 {
			t.Errorf("%d states are kept after the sweep", n)
		}

		hidden := start(hides, "nobody")
		hidden = says(hides, "nobody", "5", hidden, "CUSTOM_CHALLENGE")
		says(hides, "nobody", "5", hidden, sayIncorrect)

		session = start(c, "alice")
		r.remove(t, alice)
		says(c, "alice", "5", session, sayInvalid)
	})
}

// TestLongSessionIsSealed: the row tells nothing, and serves no other reference.
func TestLongSessionIsSealed(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	st := &state{Version: stateVersion, Pool: "p", Client: "c", UserID: "u", Custom: &customflow.State{Private: map[string]string{"answer": strings.Repeat("secret", 1000)}}}
	sn := r.longChallenges(t, 0)
	c := &call{pool: sn, client: r.client(t, sn)}
	session, err := r.seal(c, st, "CUSTOM_CHALLENGE")
	if err != nil || len(c.storedStates) != 1 {
		t.Fatalf("%d states, %v", len(c.storedStates), err)
	}
	sealed := c.storedStates[0].Sealed
	if strings.Contains(string(sealed), "secretsecret") {
		t.Error("the row is readable")
	}
	if _, err := r.unsealSession(t.Context(), session); lambdas.Says(err) != sayInvalid {
		t.Errorf("before it is kept: %v", err)
	}
	if err := r.commit(t.Context(), c, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := r.unsealSession(t.Context(), session); err != nil || got.Name != st.Name {
		t.Errorf("%v, %v", got, err)
	}
	other := &call{pool: sn, client: c.client}
	if session, err = r.seal(other, st, "CUSTOM_CHALLENGE"); err != nil {
		t.Fatal(err)
	}
	other.storedStates[0].Sealed = sealed
	if err := r.commit(t.Context(), other, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.unsealSession(t.Context(), session); err == nil {
		t.Error("a row opens for another reference")
	}
}

// TestLongSessionIsBounded: what a function may have remembered, and how often.
func TestLongSessionIsBounded(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.longChallenges(t, 40_000)
		c := r.client(t, sn)
		r.have(t, sn, "alice", person{password: right})
		start := func() string {
			out, err := r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{ClientId: c.ID, AuthFlow: idp.AuthFlowTypeCustomAuth, AuthParameters: map[string]string{"USERNAME": "alice"}})
			if err != nil {
				return lambdas.Says(err)
			}
			return said(out, nil)
		}
		wantSays(t, start(), "InvalidLambdaResponseException: The parameters and the metadata of the challenge are too long.")
		r.longChallenges(t, 4_000)
		sn, err := r.pools.Load(t.Context(), sn.ID)
		if err != nil {
			t.Fatal(err)
		}
		u, err := r.users.Resolve(t.Context(), sn, "alice")
		if err != nil {
			t.Fatal(err)
		}
		r.update(t, func(tx *store.Tx) error {
			for n := range maxStoredStates - 1 {
				if err := tx.InsertSignInState(t.Context(), store.SignInState{PoolID: sn.ID, UserID: u.ID(), Hash: [32]byte{byte(n)}, ExpiresAt: r.now().Add(time.Minute)}); err != nil {
					return err
				}
			}
			return nil
		})
		wantSays(t, start(), "CUSTOM_CHALLENGE")
		wantSays(t, start(), "TooManyRequestsException: Rate exceeded")
		r.Clock.Pass(time.Minute)
		wantSays(t, start(), "CUSTOM_CHALLENGE")
	})
}

// TestLongSessionAndDevice: what a custom sign-in remembered is not in the way
// of the device that it ends with.
func TestLongSessionAndDevice(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	r.twoRounds(t)
	r.Functions.On("create", func(e *lambdas.Event) string {
		e.Response["privateChallengeParameters"] = map[string]string{"answer": "5"}
		e.Response["challengeMetadata"] = strings.Repeat("m", 6_000)
		return ""
	})
	sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
		tracking(true, false)(in)
		in.LambdaConfig = &idp.LambdaConfigType{
			DefineAuthChallenge: lambdas.ARN("define"), CreateAuthChallenge: lambdas.ARN("create"), VerifyAuthChallengeResponse: lambdas.ARN("verify"),
		}
	})
	c := r.client(t, sn)
	r.have(t, sn, "alice", person{password: right})
	d, _ := r.registeredDevice(t, c, "alice")
	out, err := r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{
		ClientId: c.ID, AuthFlow: idp.AuthFlowTypeCustomAuth, AuthParameters: map[string]string{"USERNAME": "alice", "DEVICE_KEY": d.key},
	})
	wantSays(t, said(out, err), "CUSTOM_CHALLENGE")
	session := out.Session
	for _, want := range []string{"CUSTOM_CHALLENGE", askDevice} {
		res, err := r.respondTo(t.Context(), c, "CUSTOM_CHALLENGE", session, "alice", "ANSWER", "5")
		if got := answered(res, err); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
		session = res.Session
	}
	p := r.deviceProof(c, "alice", d)
	asked, err := p.begin(t.Context(), session)
	wantSays(t, answered(asked, err), askDeviceProof)
	wantSays(t, answered(p.end(t.Context(), asked.Session, p.responses(asked.ChallengeParameters, d.secret))), "tokens")
}
