package signin

import (
	"bytes"
	"context"
	"encoding/base64"
	"log/slog"
	"maps"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/mailing"
	"cognate/internal/message"
	"cognate/internal/pool"
	"cognate/internal/risk"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/internal/trigger"
	"cognate/internal/user"
	"cognate/internal/user/devices"
	"cognate/internal/user/factors"
	"cognate/internal/user/groups"
	"cognate/internal/user/passkeys"
	"cognate/test/lambdas"
	"cognate/test/patience"
	"cognate/test/pgtest"
)

const (
	right = "Passw0rd!right"
	wrong = "Passw0rd!wrong"
)

func engines(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newRig(t, store.Options{Path: filepath.Join(t.TempDir(), "cognate.db"), RunTwice: true}))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, newRig(t, store.Options{URL: pgtest.Database(t)}))
	})
}

// rig is the service with the real ones that it works with, and one pool.
type rig struct {
	*Service
	path  string
	clock *clock
	pool  *pool.Snapshot
	inbox *message.Service
	// records are the data keys that the ring began with.
	records []keys.WrappedKey

	lambdas *lambdas.Server
}

type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time       { return time.UnixMilli(c.ms.Load()).UTC() }
func (c *clock) pass(d time.Duration) { c.ms.Add(d.Milliseconds()) }

func newRig(t testing.TB, o store.Options) *rig {
	t.Helper()
	c := &clock{}
	c.ms.Store(1_800_000_000_250)
	o.Now, o.Migrate = c.now, true
	patience.Extend(&o.StatementTimeout)
	st, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	ring, records, err := keys.OpenRing(t.Context(), testKEK(t), nil, c.now())
	if err != nil {
		t.Fatal(err)
	}
	r := newNode(t, st, ring, lambdas.New(t), c.now)
	r.path, r.clock, r.records = o.Path, c, records
	r.pool = r.poolWith(t, nil)
	return r
}

func testKEK(t testing.TB) *keys.KEK {
	t.Helper()
	kek, err := keys.NewKEK([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return kek
}

// skewed is another node on the same store, whose clock is ahead of the rig's, or
// behind it where by is negative.
func (r *rig) skewed(t testing.TB, by time.Duration) *rig {
	t.Helper()
	n := newNode(t, r.store, r.ring, r.lambdas, func() time.Time { return r.clock.now().Add(by) })
	n.path, n.clock, n.pool = r.path, r.clock, r.pool
	return n
}

// newNode builds the services on a store.
func newNode(t testing.TB, st *store.Store, ring *keys.Ring, functions *lambdas.Server, now func() time.Time) *rig {
	t.Helper()
	gate := keys.NewGate(runtime.GOMAXPROCS(0), 10_000)
	pages := keys.NewPageTokens(func() [32]byte { return [32]byte{} })
	sends := testKeys(t)
	pools := pool.New(pool.Deps{Store: st, Ring: ring, Pages: pages, Now: now, SenderKeys: sends})
	tokens := token.New(token.Deps{Store: st, Pools: pools, Ring: ring, Gate: gate, Now: now, Triggers: functions.Service(nil)})
	lockouts := risk.New(risk.Deps{Store: st, Now: now})
	inbox := message.New(message.Deps{
		Store: st, Ring: ring, Now: now, Inbox: true, Log: slog.New(slog.DiscardHandler), Functions: mailing.FunctionSender{Triggers: functions.Service(sends)},
	})
	mail := mailing.New(mailing.Deps{Store: st, Messages: inbox, Triggers: functions.Service(nil)})
	users := user.New(user.Deps{
		Store: st, Pools: pools, Ring: ring, Gate: gate, Tokens: tokens, Pages: pages, Now: now, Lockouts: lockouts,
		Triggers: functions.Service(nil),
		Mail:     mail,
	})
	credentials := passkeys.New(passkeys.Deps{Store: st, Ring: ring, Users: users, Now: now})
	return &rig{inbox: inbox, lambdas: functions, Service: New(Deps{
		Store: st, Pools: pools, Users: users, Groups: groups.New(groups.Deps{Store: st, Pools: pools, Users: users, Now: now}),
		Devices:  devices.New(devices.Deps{Store: st, Pools: pools, Ring: ring, Users: users, Now: now}),
		Passkeys: credentials, Factors: factors.New(factors.Deps{Store: st, Ring: ring, Users: users, Passkeys: credentials, Now: now}), Mail: mail, Tokens: tokens, Ring: ring, Gate: gate, Lockouts: lockouts, Now: now,
		Triggers: functions.Service(nil),
	})}
}

// senderKeyID is the KMSKeyID that testKeys has a key for.
const senderKeyID = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"

func testKeys(t testing.TB) *trigger.SenderKeys {
	t.Helper()
	k, err := trigger.NewSenderKeys(map[string]trigger.Key{senderKeyID: {AES256: trigger.Secret(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{9}, 32)))}}, trigger.KMSOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sqlite(t testing.TB) *rig {
	return newRig(t, store.Options{Path: filepath.Join(t.TempDir(), "cognate.db")})
}

func (r *rig) poolWith(t testing.TB, change func(*idp.CreateUserPoolRequest)) *pool.Snapshot {
	t.Helper()
	in := &idp.CreateUserPoolRequest{PoolName: "people"}
	if change != nil {
		change(in)
	}
	out, err := r.pools.CreateUserPool(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	sn, err := r.pools.Load(t.Context(), *out.UserPool.Id)
	if err != nil {
		t.Fatal(err)
	}
	return sn
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
	in := &idp.CreateUserPoolClientRequest{UserPoolId: sn.ID, ClientName: "app"}
	allFlows(in)
	for _, change := range changes {
		change(in)
	}
	out, err := r.pools.CreateUserPoolClient(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	c, err := sn.Client(t.Context(), *out.UserPoolClient.ClientId)
	if err != nil {
		t.Fatal(err)
	}
	return c
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
