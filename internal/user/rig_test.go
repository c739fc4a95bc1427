package user

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
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
	"cognate/test/lambdas"
	"cognate/test/patience"
	"cognate/test/pgtest"
)

const goodPassword = "Passw0rd!one"

// engines runs a test on both databases. SQLite runs every transaction's
// closure twice, as a retry would.
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

// rig is the service with the real ones that it works with.
type rig struct {
	*Service
	clock    *clock
	lambdas  *lambdas.Server
	messages *message.Service
	// messageDeps are what the first messages was built from.
	messageDeps message.Deps
}

type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time       { return time.UnixMilli(c.ms.Load()).UTC() }
func (c *clock) pass(d time.Duration) { c.ms.Add(d.Milliseconds()) }
func newClock() *clock                { c := &clock{}; c.ms.Store(1_800_000_000_000); return c }

func newRig(t testing.TB, o store.Options) *rig {
	t.Helper()
	c := newClock()
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
	kek, err := keys.NewKEK(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	ring, _, err := keys.OpenRing(t.Context(), kek, nil, c.now())
	if err != nil {
		t.Fatal(err)
	}
	gate := keys.NewGate(runtime.GOMAXPROCS(0), 10_000)
	pages := keys.NewPageTokens(func() [32]byte { return [32]byte{} })
	functions := lambdas.New(t)
	sends := testKeys(t)
	pools := pool.New(pool.Deps{Store: st, Ring: ring, Pages: pages, Now: c.now, SenderKeys: sends})
	tokens := token.New(token.Deps{Store: st, Pools: pools, Ring: ring, Gate: gate, Now: c.now, Triggers: functions.Service(nil)})
	messageDeps := message.Deps{
		Store: st, Ring: ring, Now: c.now, Inbox: true, Log: slog.New(slog.DiscardHandler), Functions: mailing.FunctionSender{Triggers: functions.Service(sends)},
	}
	messages := message.New(messageDeps)
	return &rig{clock: c, lambdas: functions, messages: messages, messageDeps: messageDeps, Service: New(Deps{
		Store: st, Pools: pools, Ring: ring, Gate: gate, Tokens: tokens, Pages: pages, Now: c.now,
		Mail:     mailing.New(mailing.Deps{Store: st, Messages: messages, Triggers: functions.Service(nil)}),
		Lockouts: risk.New(risk.Deps{Store: st, Now: c.now}),
		Triggers: functions.Service(nil),
	})}
}

// sendBy lets another service send the rig's messages.
func (r *rig) sendBy(m *message.Service) {
	d := r.deps
	d.Mail = mailing.New(mailing.Deps{Store: d.Store, Messages: m, Triggers: d.Triggers})
	r.messages, r.Service = m, New(d)
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

// poolWith makes a user pool whose policy asks for little.
func (r *rig) poolWith(t testing.TB, change func(in *idp.CreateUserPoolRequest)) *pool.Snapshot {
	t.Helper()
	in := &idp.CreateUserPoolRequest{
		PoolName:               "people",
		AutoVerifiedAttributes: []idp.VerifiedAttributeType{"email", "phone_number"},
		SmsConfiguration:       &idp.SmsConfigurationType{SnsCallerArn: new("arn:aws:iam::123456789012:role/sms")},
	}
	if change != nil {
		change(in)
	}
	out, err := r.deps.Pools.CreateUserPool(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	sn, err := r.deps.Pools.Load(t.Context(), *out.UserPool.Id)
	if err != nil {
		t.Fatal(err)
	}
	return sn
}

// clientWith makes an app client and returns its id.
func (r *rig) clientWith(t testing.TB, sn *pool.Snapshot, change func(in *idp.CreateUserPoolClientRequest)) string {
	t.Helper()
	in := &idp.CreateUserPoolClientRequest{UserPoolId: sn.ID, ClientName: "app"}
	if change != nil {
		change(in)
	}
	out, err := r.deps.Pools.CreateUserPoolClient(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return *out.UserPoolClient.ClientId
}

func hiding(in *idp.CreateUserPoolClientRequest) {
	in.PreventUserExistenceErrors = idp.PreventUserExistenceErrorTypesEnabled
}

// have stores a user in the state that a test begins with.
func (r *rig) have(t testing.TB, sn *pool.Snapshot, name string, status idp.UserStatusType, attrs map[string]string) *User {
	t.Helper()
	id := keys.NewUUID()
	username, _, err := storedUsername(sn, name, id)
	if err != nil {
		t.Fatal(err)
	}
	u := &User{
		Rec: store.User{
			PoolID: sn.ID, ID: id, Username: username, UsernameKey: sn.FoldUsername(username),
			Status: string(status), Enabled: true, CreatedAt: r.clock.now(), ModifiedAt: r.clock.now(),
		},
		Attributes: attrs,
	}
	if u.Attributes == nil {
		u.Attributes = map[string]string{}
	}
	if u.Rec.Credential, err = r.SetPassword(t.Context(), sn, u, goodPassword, false, PolicySignUp); err != nil {
		t.Fatal(err)
	}
	rec, err := u.Record()
	if err != nil {
		t.Fatal(err)
	}
	err = r.deps.Store.Update(t.Context(), func(tx *store.Tx) error {
		return tx.InsertUser(t.Context(), rec, signInNames(sn, u.Attributes))
	})
	if err != nil {
		t.Fatal(err)
	}
	return r.read(t, sn, u.ID())
}

// verified are attributes with a proven mail address.
func verified(email string) map[string]string {
	return map[string]string{"email": email, "email_verified": "true"}
}

// read returns the user as stored.
func (r *rig) read(t testing.TB, sn *pool.Snapshot, id string) *User {
	t.Helper()
	rec, err := r.deps.Store.User(t.Context(), sn.ID, id)
	if err != nil {
		t.Fatal(err)
	}
	u, err := FromRecord(sn, rec)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// change stores a change to the user's row.
func (r *rig) change(t testing.TB, sn *pool.Snapshot, id string, fn func(u *User)) {
	t.Helper()
	err := r.deps.Store.Update(t.Context(), func(tx *store.Tx) error {
		e, err := r.Edit(t.Context(), tx, sn, id)
		if err != nil {
			return err
		}
		fn(e.User)
		return e.Save(t.Context(), AliasExists)
	}, store.Retry)
	if err != nil {
		t.Fatal(err)
	}
}

// bearerOf returns an access token of the user.
func (r *rig) bearerOf(t testing.TB, sn *pool.Snapshot, clientID string, u *User) string {
	t.Helper()
	c, err := sn.Client(t.Context(), clientID)
	if err != nil {
		t.Fatal(err)
	}
	set, err := r.deps.Tokens.Issue(t.Context(), token.Grant{
		Pool: sn, Client: c,
		Subject: token.Subject{UserID: u.ID(), Username: u.Username(), Attributes: u.Attributes, TokensValidAfter: u.Rec.TokensValidAfter},
	})
	if err != nil {
		t.Fatal(err)
	}
	return set.AccessToken
}

// mail lists the messages of a pool, the newest first.
func (r *rig) mail(t testing.TB, sn *pool.Snapshot) []message.Message {
	t.Helper()
	list, err := r.messages.List(t.Context(), message.Query{PoolID: sn.ID})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// lastCode is the newest code that was sent in the pool.
func (r *rig) lastCode(t testing.TB, sn *pool.Snapshot) string {
	t.Helper()
	list := r.mail(t, sn)
	if len(list) == 0 {
		t.Fatal("no message was sent")
	}
	return list[0].Code
}

// other is a code of six digits that is not code.
func other(code string) string {
	if code[0] == '9' {
		return "0" + code[1:]
	}
	return string(code[0]+1) + code[1:]
}

// says returns an error as "Code: text", "" for none.
func says(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func wantSays(t testing.TB, err error, want string) {
	t.Helper()
	if got := says(err); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func attribute(name, value string) idp.AttributeType {
	return idp.AttributeType{Name: name, Value: &value}
}

func attributes(pairs ...string) []idp.AttributeType {
	if len(pairs)%2 != 0 {
		panic(fmt.Sprint("odd: ", pairs))
	}
	var list []idp.AttributeType
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, attribute(pairs[i], pairs[i+1]))
	}
	return list
}

const (
	sayMismatch = "CodeMismatchException: Invalid verification code provided, please try again."
	sayExpired  = "ExpiredCodeException: Invalid code provided, please request a code again."
	sayLimit    = "LimitExceededException: Attempt limit exceeded, please try after some time."
)
