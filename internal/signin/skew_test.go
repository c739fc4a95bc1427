package signin

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
)

// skews are by how much the clocks of two nodes are ahead of the time.
var skews = [...]struct{ one, other time.Duration }{
	{5 * time.Second, -5 * time.Second}, {-5 * time.Second, 5 * time.Second}, {0, -2 * time.Second}, {0, 0},
}

// acrossClocks runs a test on two nodes of one store whose clocks differ.
func acrossClocks(t *testing.T, test func(t *testing.T, r, one, other *rig)) {
	engines(t, func(t *testing.T, r *rig) {
		for _, skew := range skews {
			t.Run(fmt.Sprintf("%v and %v", skew.one, skew.other), func(t *testing.T) {
				test(t, r, r.skewed(t, skew.one), r.skewed(t, skew.other))
			})
		}
	})
}

// TestRotationAcrossClocks: without a grace, the first use of a refresh token is
// the only one, on whichever node and by whichever clock. With one, a retry on the
// other node is not refused, and the grace ends on both.
func TestRotationAcrossClocks(t *testing.T) {
	t.Parallel()
	acrossClocks(t, func(t *testing.T, r, one, other *rig) {
		name := t.Name()
		r.confirmed(t, name)
		strict, lenient := r.client(t, r.pool, rotating(0)), r.client(t, r.pool, rotating(30))

		raw := *one.signIn(t, strict, name).RefreshToken
		_, says := one.viaTokens(t, strict, raw)
		wantSays(t, says, "tokens")
		for _, node := range []*rig{other, one, r} {
			_, says = node.viaTokens(t, strict, raw)
			wantSays(t, says, sayReused)
		}

		raw = *other.signIn(t, strict, name).RefreshToken
		var won atomic.Int32
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				node := []*rig{one, other}[i%2]
				switch _, says := node.viaTokens(t, strict, raw); says {
				case "tokens":
					won.Add(1)
				case sayReused:
				default:
					t.Error(says)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("of 20 uses at once, %d were the first", won.Load())
		}

		raw = *one.signIn(t, lenient, name).RefreshToken
		for _, node := range []*rig{one, other} {
			_, says = node.viaTokens(t, lenient, raw)
			wantSays(t, says, "tokens")
		}
		r.Clock.Pass(41 * time.Second)
		for _, node := range []*rig{one, other} {
			_, says = node.viaTokens(t, lenient, raw)
			wantSays(t, says, sayReused)
		}
	})
}

// TestRotationWhileOn: a refresh token from before rotation that was exchanged
// while it was on stays dead when it is off again.
func TestRotationWhileOn(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		r.confirmed(t, "alice")
		c := r.client(t, r.pool)
		exchanged, kept := *r.signIn(t, c, "alice").RefreshToken, *r.signIn(t, c, "alice").RefreshToken
		set := func(feature idp.FeatureType, flow idp.ExplicitAuthFlowsType) *pool.Client {
			_, err := r.pools.UpdateUserPoolClient(t.Context(), &idp.UpdateUserPoolClientRequest{
				UserPoolId: r.pool.ID, ClientId: c.ID, ExplicitAuthFlows: []idp.ExplicitAuthFlowsType{flow},
				RefreshTokenRotation: &idp.RefreshTokenRotationType{Feature: feature, RetryGracePeriodSeconds: new(int32(0))},
			})
			if err != nil {
				t.Fatal(err)
			}
			changed, err := r.pool.Client(t.Context(), c.ID)
			if err != nil {
				t.Fatal(err)
			}
			return changed
		}
		_, says := r.viaTokens(t, set(idp.FeatureTypeEnabled, "ALLOW_USER_PASSWORD_AUTH"), exchanged)
		wantSays(t, says, "tokens")
		c = set(idp.FeatureTypeDisabled, "ALLOW_REFRESH_TOKEN_AUTH")
		for _, refresh := range []func(testing.TB, *pool.Client, string) (*idp.AuthenticationResultType, string){r.viaAuth, r.viaTokens} {
			_, says = refresh(t, c, exchanged)
			wantSays(t, says, sayReused)
			_, says = refresh(t, c, kept)
			wantSays(t, says, "tokens")
		}
	})
}

// TestNewPasswordEndsSignIns: a password that is set in the same millisecond, by
// the clock of whichever node, ends the sign-ins that proved the former one.
func TestNewPasswordEndsSignIns(t *testing.T) {
	t.Parallel()
	acrossClocks(t, func(t *testing.T, r, one, other *rig) {
		c := r.client(t, r.pool)
		u, out := one.invited(t, r.pool, c, person{})
		r.Clock.Pass(one.now().Sub(other.now())) // Now the other's clock says what the first's said.
		if _, err := other.users.AdminSetUserPassword(t.Context(), &idp.AdminSetUserPasswordRequest{UserPoolId: r.pool.ID, Username: u.Username(), Password: right}); err != nil {
			t.Fatal(err)
		}
		wantSays(t, one.answer(t, c.ID, idp.ChallengeNameTypeNewPasswordRequired, out.Session, "USERNAME", u.Username(), "NEW_PASSWORD", fresh), sayInvalid)
	})
}
