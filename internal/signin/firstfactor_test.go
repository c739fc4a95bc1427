package signin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/risk"
	"cognate/internal/signin/sealedname"
	"cognate/internal/user"
	"cognate/test/srpclient"
)

// TestFirstFactor is the table of a first factor by password: what the user is ×
// whether the client hides who exists × right or wrong × way to send it.
func TestFirstFactor(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		open, hides := r.client(t, r.pool), r.client(t, r.pool, hiding)
		temporary := person{status: idp.UserStatusTypeForceChangePassword, password: right, temporary: true}
		for i, test := range []struct {
			name          string
			person        *person // nil: there is none
			openNextState time.Duration
			locked        bool
			// plain and srp give right and wrong, for a client that tells and one that hides.
			plain, hidden      [2]string
			srpOpen, srpHidden [2]string
		}{
			{
				name: "confirmed", person: &person{password: right},
				plain: [2]string{"tokens", sayIncorrect}, hidden: [2]string{"tokens", sayIncorrect},
				srpOpen: [2]string{"2: tokens", "2: " + sayIncorrect}, srpHidden: [2]string{"2: tokens", "2: " + sayIncorrect},
			},
			{
				name: "unconfirmed", person: &person{status: idp.UserStatusTypeUnconfirmed, password: right},
				plain: [2]string{sayUnconfirmed, sayUnconfirmed}, hidden: [2]string{sayUnconfirmed, sayIncorrect},
				srpOpen: [2]string{"1: " + sayUnconfirmed, "1: " + sayUnconfirmed}, srpHidden: [2]string{"2: " + sayUnconfirmed, "2: " + sayIncorrect},
			},
			{
				name: "reset required", person: &person{status: idp.UserStatusTypeResetRequired, password: right},
				plain: [2]string{sayReset, sayReset}, hidden: [2]string{sayReset, sayIncorrect},
				srpOpen: [2]string{"1: " + sayReset, "1: " + sayReset}, srpHidden: [2]string{"2: " + sayReset, "2: " + sayIncorrect},
			},
			{
				name: "imported", person: &person{status: idp.UserStatusTypeResetRequired},
				plain: [2]string{sayReset, sayReset}, hidden: [2]string{sayIncorrect, sayIncorrect},
				srpOpen: [2]string{"1: " + sayReset, "1: " + sayReset}, srpHidden: [2]string{"2: " + sayIncorrect, "2: " + sayIncorrect},
			},
			{
				name: "temporary password", person: &temporary,
				plain: [2]string{askNew, sayIncorrect}, hidden: [2]string{askNew, sayIncorrect},
				srpOpen: [2]string{"2: " + askNew, "2: " + sayIncorrect}, srpHidden: [2]string{"2: " + askNew, "2: " + sayIncorrect},
			},
			{
				name: "temporary password, a moment too old", person: &temporary, openNextState: 7 * 24 * time.Hour,
				plain: [2]string{sayStale, sayIncorrect}, hidden: [2]string{sayStale, sayIncorrect},
				srpOpen: [2]string{"2: " + sayStale, "2: " + sayIncorrect}, srpHidden: [2]string{"2: " + sayStale, "2: " + sayIncorrect},
			},
			{
				name: "temporary password in its last second", person: &temporary, openNextState: 7*24*time.Hour - time.Second,
				plain: [2]string{askNew, sayIncorrect}, hidden: [2]string{askNew, sayIncorrect},
				srpOpen: [2]string{"2: " + askNew, "2: " + sayIncorrect}, srpHidden: [2]string{"2: " + askNew, "2: " + sayIncorrect},
			},
			{
				name: "no password", person: &person{status: idp.UserStatusTypeExternalProvider},
				plain: [2]string{sayIncorrect, sayIncorrect}, hidden: [2]string{sayIncorrect, sayIncorrect},
				srpOpen: [2]string{"2: " + sayIncorrect, "2: " + sayIncorrect}, srpHidden: [2]string{"2: " + sayIncorrect, "2: " + sayIncorrect},
			},
			{
				name: "disabled", person: &person{password: right, disabled: true},
				plain: [2]string{sayDisabled, sayDisabled}, hidden: [2]string{sayDisabled, sayIncorrect},
				srpOpen: [2]string{"1: " + sayDisabled, "1: " + sayDisabled}, srpHidden: [2]string{"2: " + sayDisabled, "2: " + sayIncorrect},
			},
			{
				name: "locked", person: &person{password: right}, locked: true,
				plain: [2]string{sayLocked, sayLocked}, hidden: [2]string{sayLocked, sayLocked},
				srpOpen: [2]string{"1: " + sayLocked, "1: " + sayLocked}, srpHidden: [2]string{"1: " + sayLocked, "1: " + sayLocked},
			},
			{
				name:  "unknown",
				plain: [2]string{sayUnknown, sayUnknown}, hidden: [2]string{sayIncorrect, sayIncorrect},
				srpOpen: [2]string{"1: " + sayUnknown, "1: " + sayUnknown}, srpHidden: [2]string{"2: " + sayIncorrect, "2: " + sayIncorrect},
			},
		} {
			t.Run(test.name, func(t *testing.T) {
				n := 0
				// somebody returns a name in the state of the row; each try has its own.
				somebody := func() string {
					n++
					name := fmt.Sprintf("user-%d-%d", i, n)
					if test.person == nil {
						return name
					}
					u := r.have(t, r.pool, name, *test.person)
					r.Clock.Pass(test.openNextState)
					if test.locked {
						r.lock(t, u)
					}
					return name
				}
				for j, password := range [...]string{right, wrong} {
					for _, way := range []struct {
						name   string
						client *pool.Client
						want   string
						run    func(c *pool.Client, name, password string) string
					}{
						{"plain", open, test.plain[j], func(c *pool.Client, name, password string) string {
							return said(r.plain(t.Context(), c, name, password))
						}},
						{"plain, hiding", hides, test.hidden[j], func(c *pool.Client, name, password string) string {
							return said(r.plain(t.Context(), c, name, password))
						}},
						{"admin", open, test.plain[j], r.admin(t, idp.AuthFlowTypeAdminUserPasswordAuth)},
						{"admin, hiding", hides, test.hidden[j], r.admin(t, idp.AuthFlowTypeAdminNoSrpAuth)},
						{"SRP", open, test.srpOpen[j], func(c *pool.Client, name, password string) string { return r.srp(t, c, name, password) }},
						{"SRP, hiding", hides, test.srpHidden[j], func(c *pool.Client, name, password string) string { return r.srp(t, c, name, password) }},
					} {
						if got := way.run(way.client, somebody(), password); got != way.want {
							t.Errorf("%s, %s\ngot  %q\nwant %q", way.name, password, got, way.want)
						}
					}
				}
			})
		}
	})
}

func (r *rig) admin(t *testing.T, flow idp.AuthFlowType) func(c *pool.Client, name, password string) string {
	return func(c *pool.Client, name, password string) string {
		out, err := r.AdminInitiateAuth(t.Context(), &idp.AdminInitiateAuthRequest{
			UserPoolId: c.PoolID, ClientId: c.ID, AuthFlow: flow,
			AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": password},
		})
		if err != nil {
			return err.Error()
		}
		return comesTo(out.ChallengeName, out.AuthenticationResult, nil)
	}
}

// lock fails until the user is locked.
func (r *rig) lock(t testing.TB, u *user.User) {
	t.Helper()
	for range 5 {
		a, err := r.lockouts.Begin(t.Context(), u.Rec.PoolID, u.ID(), risk.Anywhere)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Failed(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLockout: failures of all ways add up, and a decoy locks like a user.
func TestLockout(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		hides := r.client(t, r.pool, hiding)
		r.confirmed(t, "alice")
		for _, name := range []string{"alice", "nobody"} {
			ways := []func() string{
				func() string { return said(r.plain(t.Context(), hides, name, wrong)) },
				func() string { return r.srp(t, hides, name, wrong) },
				func() string { return r.admin(t, idp.AuthFlowTypeAdminUserPasswordAuth)(hides, name, wrong) },
				func() string { return said(r.plain(t.Context(), hides, name, wrong)) },
				func() string { return r.srp(t, hides, name, wrong) },
			}
			for i, way := range ways {
				if got := way(); got != sayIncorrect && got != "2: "+sayIncorrect {
					t.Errorf("%s, failure %d: %s", name, i+1, got)
				}
			}
			wantSays(t, said(r.plain(t.Context(), hides, name, right)), sayLocked)
			wantSays(t, r.srp(t, hides, name, right), "1: "+sayLocked)
			r.Clock.Pass(time.Second)
			want := sayIncorrect
			if name == "alice" {
				want = "tokens"
			}
			wantSays(t, said(r.plain(t.Context(), hides, name, right)), want)
		}
	})
}

// TestLockBetweenSRPSteps: a lock that came after the challenge counts.
func TestLockBetweenSRPSteps(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	c := r.client(t, r.pool)
	u := r.confirmed(t, "alice")
	client := srpclient.New(c.PoolID)
	out, err := r.askSRPOf(t, c, client, "alice")
	if err != nil {
		t.Fatal(err)
	}
	r.lock(t, u)
	responses := client.Prove(out.ChallengeParameters, right, r.now())
	wantSays(t, answered(r.prove(t, c, responses)), sayLocked)
	r.Clock.Pass(time.Second)
	wantSays(t, answered(r.prove(t, c, responses)), "tokens")
}

// TestWhichErrorWins: where several things are wrong at once, the protocol says
// which is told. Each row lacks one fault of the row before.
func TestWhichErrorWins(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	none := r.client(t, r.pool, withSecret, func(in *idp.CreateUserPoolClientRequest) {
		in.ExplicitAuthFlows = []idp.ExplicitAuthFlowsType{"ALLOW_REFRESH_TOKEN_AUTH"}
	})
	all := r.client(t, r.pool, withSecret)
	open := r.client(t, r.pool)
	r.confirmed(t, "alice")
	locked := r.have(t, r.pool, "locked", person{password: right, disabled: true, status: idp.UserStatusTypeUnconfirmed})
	r.lock(t, locked)
	r.have(t, r.pool, "disabled", person{password: right, disabled: true, status: idp.UserStatusTypeUnconfirmed})
	r.have(t, r.pool, "unconfirmed", person{password: right, status: idp.UserStatusTypeUnconfirmed})
	hidden := r.client(t, r.pool, hiding)
	const nameTooLong = "InvalidParameterException: USERNAME is too long."
	const notSupported = "InvalidParameterException: Initiate Auth method not supported."
	p := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	for _, test := range []struct {
		name   string
		client string
		flow   idp.AuthFlowType
		params map[string]string
		want   string
	}{
		{"client unknown", "nobody", "ADMIN_USER_PASSWORD_AUTH", nil, "ResourceNotFoundException: User pool client nobody does not exist."},
		{"admin's flow", none.ID, "ADMIN_USER_PASSWORD_AUTH", nil, notSupported},
		{"admin's flow by its old name", none.ID, "ADMIN_NO_SRP_AUTH", nil, notSupported},
		{"no flow", none.ID, "", nil, notSupported},
		{"name as long as a name can be", hidden.ID, "USER_PASSWORD_AUTH", p("USERNAME", strings.Repeat("n", sealedname.Max), "PASSWORD", right), "NotAuthorizedException: Incorrect username or password."},
		{"name too long", hidden.ID, "USER_PASSWORD_AUTH", p("USERNAME", strings.Repeat("n", sealedname.Max+1), "PASSWORD", right), nameTooLong},
		{"name too long for a block", hidden.ID, "USER_SRP_AUTH", p("USERNAME", strings.Repeat("n", 5000), "SRP_A", "ab12"), nameTooLong},
		{"password gate", none.ID, "USER_PASSWORD_AUTH", nil, "InvalidParameterException: USER_PASSWORD_AUTH flow not enabled for this client"},
		{"SRP gate", none.ID, "USER_SRP_AUTH", nil, "InvalidParameterException: USER_SRP_AUTH is not enabled for the client."},
		{"custom gate", none.ID, "CUSTOM_AUTH", nil, "InvalidParameterException: CUSTOM_AUTH is not enabled for the client."},
		{"choice gate", none.ID, "USER_AUTH", nil, "InvalidParameterException: USER_AUTH is not enabled for the client."},
		{"custom without trigger", open.ID, "CUSTOM_AUTH", p("USERNAME", "alice"), "InvalidParameterException: Custom auth lambda trigger is not configured for the user pool."},
		{"username missing", all.ID, "USER_PASSWORD_AUTH", nil, "InvalidParameterException: Missing required parameter USERNAME"},
		{"password missing", all.ID, "USER_PASSWORD_AUTH", p("USERNAME", "nobody"), "InvalidParameterException: Missing required parameter PASSWORD"},
		{"SRP_A missing", all.ID, "USER_SRP_AUTH", p("USERNAME", "nobody"), "InvalidParameterException: Missing required parameter SRP_A"},
		{"refresh token missing", all.ID, "REFRESH_TOKEN_AUTH", nil, "InvalidParameterException: Missing required parameter REFRESH_TOKEN"},
		{"hash missing", all.ID, "USER_PASSWORD_AUTH", p("USERNAME", "nobody", "PASSWORD", wrong), "NotAuthorizedException: Client " + all.ID + " is configured with secret but SECRET_HASH was not received"},
		{"hash wrong", all.ID, "USER_PASSWORD_AUTH", p("USERNAME", "nobody", "PASSWORD", wrong, "SECRET_HASH", "x"), "NotAuthorizedException: Unable to verify secret hash for client " + all.ID},
		{"hash without secret", open.ID, "USER_PASSWORD_AUTH", p("USERNAME", "nobody", "PASSWORD", wrong, "SECRET_HASH", "x"), "NotAuthorizedException: Unable to verify secret hash for client " + open.ID},
		{"locked", open.ID, "USER_PASSWORD_AUTH", p("USERNAME", "locked", "PASSWORD", wrong), sayLocked},
		{"locked, SRP", open.ID, "USER_SRP_AUTH", p("USERNAME", "locked", "SRP_A", "2"), sayLocked},
		{"unknown", open.ID, "USER_PASSWORD_AUTH", p("USERNAME", "nobody", "PASSWORD", wrong), sayUnknown},
		{"disabled", open.ID, "USER_PASSWORD_AUTH", p("USERNAME", "disabled", "PASSWORD", wrong), sayDisabled},
		{"disabled, SRP", open.ID, "USER_SRP_AUTH", p("USERNAME", "disabled", "SRP_A", "2"), sayDisabled},
		{"unconfirmed", open.ID, "USER_PASSWORD_AUTH", p("USERNAME", "unconfirmed", "PASSWORD", wrong), sayUnconfirmed},
		{"wrong", open.ID, "USER_PASSWORD_AUTH", p("USERNAME", "alice", "PASSWORD", wrong), sayIncorrect},
		{"A is zero", open.ID, "USER_SRP_AUTH", p("USERNAME", "alice", "SRP_A", "0"), "InvalidParameterException: Invalid SRP_A: srp: A is not a hexadecimal number in 0 < A mod N, A < 2^3072"},
		{"A is no number", open.ID, "USER_SRP_AUTH", p("USERNAME", "alice", "SRP_A", "0x12"), "InvalidParameterException: Invalid SRP_A: srp: A is not a hexadecimal number in 0 < A mod N, A < 2^3072"},
		{"A is N", open.ID, "USER_SRP_AUTH", p("USERNAME", "alice", "SRP_A", srpclient.N), "InvalidParameterException: Invalid SRP_A: srp: A is not a hexadecimal number in 0 < A mod N, A < 2^3072"},
		{"surplus keys", open.ID, "USER_SRP_AUTH", p("USERNAME", "alice", "SRP_A", "2", "CHALLENGE_NAME", "SRP_A", "DEVICE_KEY", "us-east-1_x"), askProof},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantSays(t, said(r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{ClientId: test.client, AuthFlow: test.flow, AuthParameters: test.params})), test.want)
		})
	}
	for _, test := range []struct {
		name   string
		pool   string
		client string
		flow   idp.AuthFlowType
		want   string
	}{
		{"pool unknown", "us-east-1_000000000", "nobody", "USER_PASSWORD_AUTH", "ResourceNotFoundException: User pool us-east-1_000000000 does not exist."},
		{"client unknown", r.pool.ID, "nobody", "USER_PASSWORD_AUTH", "ResourceNotFoundException: User pool client nobody does not exist."},
		{"client of another pool", r.pool.ID, r.client(t, r.poolWith(t, nil)).ID, "USER_PASSWORD_AUTH", ""},
		{"public flow", r.pool.ID, none.ID, "USER_PASSWORD_AUTH", notSupported},
		{"gate", r.pool.ID, none.ID, "ADMIN_USER_PASSWORD_AUTH", "InvalidParameterException: Auth flow not enabled for this client"},
		{"gate by its old name", r.pool.ID, none.ID, "ADMIN_NO_SRP_AUTH", "InvalidParameterException: Auth flow not enabled for this client"},
		{"SRP gate", r.pool.ID, none.ID, "USER_SRP_AUTH", "InvalidParameterException: USER_SRP_AUTH is not enabled for the client."},
		{"missing", r.pool.ID, open.ID, "ADMIN_USER_PASSWORD_AUTH", "InvalidParameterException: Missing required parameter USERNAME"},
	} {
		t.Run("admin "+test.name, func(t *testing.T) {
			if test.want == "" {
				test.want = "ResourceNotFoundException: User pool client " + test.client + " does not exist."
			}
			_, err := r.AdminInitiateAuth(t.Context(), &idp.AdminInitiateAuthRequest{UserPoolId: test.pool, ClientId: test.client, AuthFlow: test.flow})
			wantSays(t, comesTo("", nil, err), test.want)
		})
	}
}
