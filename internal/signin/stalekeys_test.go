package signin

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/test/srpclient"
)

// TestRotationReachesAStaleNode rotates the data keys under two nodes, of which one
// has not loaded them when values of the new keys come to it. It loads them. If it
// cannot, the fault is its own and no client's.
func TestRotationReachesAStaleNode(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		records, down := r.Records, error(nil)
		ring := r.OpenRing(t, records)
		ring.Follow(func(context.Context) ([]keys.WrappedKey, error) { return records, down }, nil, r.now)
		far := r.another(t, ring, r.Clock.Now)
		c := r.client(t, r.pool)
		rotate := func() {
			t.Helper()
			added, err := r.ring.Rotate(t.Context(), r.now(), keys.Purposes()...)
			records = append(records, added...)
			r.Clock.Pass(keys.SealDelay)
			if err == nil {
				err = r.ring.Load(t.Context(), records, r.now())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, show := range r.sealedSteps(t, c) {
			rotate()
			step := show.prepare()
			down = errors.New("the database is away")
			if got := step(far); !strings.Contains(got, "not loaded") {
				t.Errorf("%s, while the keys cannot be loaded: %q", show.name, got)
			}
			down = nil
			r.Clock.Pass(time.Second)
			if got := step(far); got != "" {
				t.Errorf("%s: %s", show.name, got)
			}
		}
	})
}

// sealedStep is a step of a sign-in that shows a sealed value to a node.
type sealedStep struct {
	name    string
	prepare func() func(far *rig) (refusal string)
}

func (r *rig) sealedSteps(t *testing.T, c *pool.Client) []sealedStep {
	refusal := func(err error) string {
		if err != nil {
			return err.Error()
		}
		return ""
	}
	bob := "u-" + keys.NewUUID()
	r.confirmed(t, bob)
	return []sealedStep{
		{"Session", func() func(*rig) string {
			u, out := r.invited(t, r.pool, c, person{})
			return func(far *rig) string {
				_, err := far.RespondToAuthChallenge(t.Context(), &idp.RespondToAuthChallengeRequest{
					ClientId: c.ID, ChallengeName: out.ChallengeName, Session: out.Session,
					ChallengeResponses: map[string]string{"USERNAME": u.Username(), "NEW_PASSWORD": fresh},
				})
				return refusal(err)
			}
		}},
		{"SECRET_BLOCK", func() func(*rig) string {
			client := srpclient.New(c.PoolID)
			out, err := r.askSRPOf(t, c, client, bob)
			if err != nil {
				t.Fatal(err)
			}
			return func(far *rig) string {
				_, err := far.prove(t, c, client.Prove(out.ChallengeParameters, right, far.now()))
				return refusal(err)
			}
		}},
		{"refresh token", func() func(*rig) string {
			token := *r.signIn(t, c, bob).RefreshToken
			return func(far *rig) string {
				_, err := far.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{
					ClientId: c.ID, AuthFlow: idp.AuthFlowTypeRefreshTokenAuth, AuthParameters: map[string]string{"REFRESH_TOKEN": token},
				})
				return refusal(err)
			}
		}},
		{"stored password", func() func(*rig) string {
			// A row of the new key: the far node signs in by it.
			name := "u-" + keys.NewUUID()
			u := r.confirmed(t, name)
			return func(far *rig) string {
				_, err := far.plain(t.Context(), c, u.Username(), right)
				return refusal(err)
			}
		}},
	}
}
