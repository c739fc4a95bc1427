package signin

import (
	"context"
	"maps"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/signin/refresh"
	"cognate/internal/store"
	"cognate/internal/user"
	"cognate/internal/user/devices"
	"cognate/internal/user/factors"
	"cognate/internal/user/groups"
	"cognate/internal/user/passkeys"
	"cognate/internal/user/registration"
	"cognate/test/people"
)

const (
	right = "Passw0rd!right"
	wrong = "Passw0rd!wrong"
)

func engines(t *testing.T, test func(t *testing.T, r *rig)) {
	people.Engines(t, func(t *testing.T, p *people.Rig) { test(t, newRig(t, p)) })
}

// rig is the service with the real ones that it works with, and one pool.
type rig struct {
	*Service
	*exchange
	*people.Rig
	pool *pool.Snapshot
}

func newRig(t testing.TB, p *people.Rig) *rig {
	t.Helper()
	r := newNode(p)
	r.pool = r.poolWith(t, nil)
	return r
}

// skewed is another node on the same store, whose clock is ahead of the rig's, or
// behind it where by is negative.
func (r *rig) skewed(t testing.TB, by time.Duration) *rig {
	t.Helper()
	return r.another(t, r.Ring, func() time.Time { return r.Clock.Now().Add(by) })
}

// another is another node on the same store, with its own ring and clock.
func (r *rig) another(t testing.TB, ring *keys.Ring, now func() time.Time) *rig {
	t.Helper()
	n := newNode(r.Node(t, ring, now))
	n.pool = r.pool
	return n
}

// newNode builds the service over those that it works with.
// exchange is the service of refresh tokens under a name of its own.
type exchange = refresh.Service

func newNode(p *people.Rig) *rig {
	all := groups.New(groups.Deps{Store: p.Store, Pools: p.Pools, Users: p.Users, Now: p.Now})
	refreshes := refresh.New(refresh.Deps{Store: p.Store, Pools: p.Pools, Groups: all, Tokens: p.Tokens, Now: p.Now})
	credentials := passkeys.New(passkeys.Deps{Store: p.Store, Ring: p.Ring, Users: p.Users, Now: p.Now})
	return &rig{Rig: p, exchange: refreshes, Service: New(Deps{
		Store: p.Store, Pools: p.Pools, Users: p.Users, Groups: all, Refreshes: refreshes,
		Devices:  devices.New(devices.Deps{Store: p.Store, Pools: p.Pools, Ring: p.Ring, Users: p.Users, Now: p.Now}),
		Passkeys: credentials, Factors: factors.New(factors.Deps{Store: p.Store, Ring: p.Ring, Users: p.Users, Passkeys: credentials, Now: p.Now}),
		Mail: p.Mail, Tokens: p.Tokens, Ring: p.Ring, Gate: p.Gate, Lockouts: p.Lockouts, Now: p.Now, Triggers: p.Triggers,
		Registrations: registration.New(registration.Deps{Store: p.Store, Ring: p.Ring, Users: p.Users, Mail: p.Mail, Triggers: p.Triggers, Now: p.Now}),
	})}
}

// sqlite is a rig for tests that do not depend on the engine.
func sqlite(t testing.TB) *rig {
	t.Helper()
	return newRig(t, people.SQLite(t))
}

func (r *rig) poolWith(t testing.TB, change func(*idp.CreateUserPoolRequest)) *pool.Snapshot {
	t.Helper()
	return r.Pool(t, change)
}

// Changes of a client.

func allFlows(in *idp.CreateUserPoolClientRequest) {
	in.ExplicitAuthFlows = []idp.ExplicitAuthFlowsType{
		"ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH",
	}
}

func hiding(in *idp.CreateUserPoolClientRequest) {
	in.PreventUserExistenceErrors = idp.PreventUserExistenceErrorTypesEnabled
}

func withSecret(in *idp.CreateUserPoolClientRequest) { in.GenerateSecret = new(true) }

func rotating(grace int32) func(*idp.CreateUserPoolClientRequest) {
	return func(in *idp.CreateUserPoolClientRequest) {
		in.ExplicitAuthFlows = []idp.ExplicitAuthFlowsType{"ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH"}
		in.RefreshTokenRotation = &idp.RefreshTokenRotationType{Feature: idp.FeatureTypeEnabled, RetryGracePeriodSeconds: &grace}
	}
}

func (r *rig) client(t testing.TB, sn *pool.Snapshot, changes ...func(*idp.CreateUserPoolClientRequest)) *pool.Client {
	t.Helper()
	return r.Client(t, sn, append([]func(*idp.CreateUserPoolClientRequest){allFlows}, changes...)...)
}

func (r *rig) secretOf(t testing.TB, c *pool.Client) string {
	t.Helper()
	out, err := r.pools.DescribeUserPoolClient(t.Context(), &idp.DescribeUserPoolClientRequest{UserPoolId: c.PoolID, ClientId: c.ID})
	if err != nil {
		t.Fatal(err)
	}
	return *out.UserPoolClient.ClientSecret
}

// person says in which state a user begins a test.
type person struct {
	status    idp.UserStatusType
	password  string // "" for none
	temporary bool
	disabled  bool
	attrs     map[string]string
}

// have stores a user with a fresh name and gives it.
func (r *rig) have(t testing.TB, sn *pool.Snapshot, name string, p person) *user.User {
	t.Helper()
	if p.status == "" {
		p.status = idp.UserStatusTypeConfirmed
	}
	u := &user.User{
		Rec: store.User{
			PoolID: sn.ID, ID: keys.NewUUID(), Username: name, UsernameKey: sn.FoldUsername(name),
			Status: string(p.status), Enabled: !p.disabled, CreatedAt: r.now(), ModifiedAt: r.now(), Credential: []byte{},
		},
		Attributes: map[string]string{},
	}
	var names []store.Name
	if len(sn.UsernameAttributes) > 0 {
		u.Rec.Username, u.Rec.UsernameKey = u.Rec.ID, u.Rec.ID
		names = []store.Name{{Kind: "email", Value: sn.FoldAlias("email", name)}}
		u.Attributes["email"] = name
	}
	maps.Copy(u.Attributes, p.attrs)
	if sn.AliasAttributes.Has("email") && u.Verified("email") {
		names = append(names, store.Name{Kind: "email", Value: sn.FoldAlias("email", u.Attributes["email"])})
	}
	if p.password != "" {
		var err error
		if u.Rec.Credential, err = r.users.SetPassword(t.Context(), sn, u, p.password, p.temporary, user.PolicySignUp); err != nil {
			t.Fatal(err)
		}
	}
	rec, err := u.Record()
	if err != nil {
		t.Fatal(err)
	}
	r.update(t, func(tx *store.Tx) error { return tx.InsertUser(t.Context(), rec, names) })
	return r.read(t, sn, rec.ID)
}

func (r *rig) confirmed(t testing.TB, name string) *user.User {
	t.Helper()
	return r.have(t, r.pool, name, person{password: right})
}

func (r *rig) read(t testing.TB, sn *pool.Snapshot, id string) *user.User {
	t.Helper()
	rec, err := r.store.User(t.Context(), sn.ID, id)
	if err != nil {
		t.Fatal(err)
	}
	u, err := user.FromRecord(sn, rec)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (r *rig) update(t testing.TB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := r.store.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// change stores a change of the user's row.
func (r *rig) change(t testing.TB, u *user.User, fn func(*store.User)) {
	t.Helper()
	r.update(t, func(tx *store.Tx) error {
		rec, err := tx.User(t.Context(), u.Rec.PoolID, u.ID())
		if err != nil {
			return err
		}
		fn(&rec)
		return tx.UpdateUser(t.Context(), rec)
	})
}

func (r *rig) remove(t testing.TB, u *user.User) {
	t.Helper()
	r.update(t, func(tx *store.Tx) error { return tx.DeleteUser(t.Context(), u.Rec.PoolID, u.ID()) })
}

// plain signs in by USER_PASSWORD_AUTH.
func (r *rig) plain(ctx context.Context, c *pool.Client, name, password string) (*idp.InitiateAuthResponse, error) {
	return r.InitiateAuth(ctx, &idp.InitiateAuthRequest{
		ClientId: c.ID, AuthFlow: idp.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": password},
	})
}

// signIn returns the tokens of a user whose sign-in must succeed.
func (r *rig) signIn(t testing.TB, c *pool.Client, name string) *idp.AuthenticationResultType {
	t.Helper()
	out, err := r.plain(t.Context(), c, name, right)
	if err != nil {
		t.Fatal(err)
	}
	if out.AuthenticationResult == nil {
		t.Fatalf("no tokens but %s", out.ChallengeName)
	}
	return out.AuthenticationResult
}

// comesTo tells an answer in a word: "tokens", a challenge's name, or the error.
func comesTo(challenge idp.ChallengeNameType, result *idp.AuthenticationResultType, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case result != nil:
		return "tokens"
	}
	return string(challenge)
}

func said(out *idp.InitiateAuthResponse, err error) string {
	if err != nil {
		return err.Error()
	}
	return comesTo(out.ChallengeName, out.AuthenticationResult, nil)
}

func answered(out *idp.RespondToAuthChallengeResponse, err error) string {
	if err != nil {
		return err.Error()
	}
	return comesTo(out.ChallengeName, out.AuthenticationResult, nil)
}

func wantSays(t testing.TB, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

const (
	sayIncorrect   = "NotAuthorizedException: Incorrect username or password."
	sayUnknown     = "UserNotFoundException: User does not exist."
	sayDisabled    = "NotAuthorizedException: User is disabled."
	sayUnconfirmed = "UserNotConfirmedException: User is not confirmed."
	sayReset       = "PasswordResetRequiredException: Password reset required for the user"
	sayStale       = "NotAuthorizedException: Temporary password has expired and must be reset by an administrator."
	sayLocked      = "NotAuthorizedException: Password attempts exceeded"
	sayInvalid     = "NotAuthorizedException: Invalid session for the user."
	sayExpired     = "NotAuthorizedException: Invalid session for the user, session is expired."
	sayUsed        = "NotAuthorizedException: Invalid session for the user, session can only be used once."
	askNew         = "NEW_PASSWORD_REQUIRED"
	askProof       = "PASSWORD_VERIFIER"
)
