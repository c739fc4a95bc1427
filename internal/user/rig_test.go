package user

import (
	"fmt"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/message"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/test/fresh"
	"cognate/test/services"
)

const goodPassword = "Passw0rd!one"

func engines(t *testing.T, test func(t *testing.T, r *rig)) {
	fresh.Engines(t, func(t *testing.T, o store.Options) { test(t, newRig(t, o)) })
}

// rig is the service with the real ones that it works with.
type rig struct {
	*Service
	*services.Base
	Clock *fresh.Clock
}

func newRig(t testing.TB, o store.Options) *rig {
	t.Helper()
	c := fresh.NewClock(time.UnixMilli(1_800_000_000_000))
	b := services.New(t, o, c.Now)
	return &rig{Base: b, Clock: c, Service: New(Deps{
		Store: b.Store, Pools: b.Pools, Ring: b.Ring, Gate: b.Gate, Tokens: b.Tokens, Pages: b.PageTokens, Now: c.Now,
		Mail: b.Mail, Lockouts: b.Lockouts, Triggers: b.Triggers,
	})}
}

// poolWith makes a user pool whose policy asks for little.
func (r *rig) poolWith(t testing.TB, change func(in *idp.CreateUserPoolRequest)) *pool.Snapshot {
	t.Helper()
	return r.Pool(t, func(in *idp.CreateUserPoolRequest) {
		in.AutoVerifiedAttributes = []idp.VerifiedAttributeType{"email", "phone_number"}
		in.SmsConfiguration = &idp.SmsConfigurationType{SnsCallerArn: new("arn:aws:iam::123456789012:role/sms")}
	}, change)
}

// clientWith makes an app client and returns its id.
func (r *rig) clientWith(t testing.TB, sn *pool.Snapshot, change func(in *idp.CreateUserPoolClientRequest)) string {
	t.Helper()
	return r.Client(t, sn, change).ID
}

// have stores a user in the state that a test begins with.
func (r *rig) have(t testing.TB, sn *pool.Snapshot, name string, status idp.UserStatusType, attrs map[string]string) *User {
	t.Helper()
	id := keys.NewUUID()
	username, _, err := StoredUsername(sn, name, id)
	if err != nil {
		t.Fatal(err)
	}
	u := &User{
		Rec: store.User{
			PoolID: sn.ID, ID: id, Username: username, UsernameKey: sn.FoldUsername(username),
			Status: string(status), Enabled: true, CreatedAt: r.Clock.Now(), ModifiedAt: r.Clock.Now(),
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
		return tx.InsertUser(t.Context(), rec, SignInNames(sn, u))
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
	return r.Inbox(t, message.Query{PoolID: sn.ID})
}

// lastCode returns the newest code that was sent in the pool.
func (r *rig) lastCode(t testing.TB, sn *pool.Snapshot) string {
	t.Helper()
	return r.Code(t, message.Query{PoolID: sn.ID})
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

const sayLimit = "LimitExceededException: Attempt limit exceeded, please try after some time."

func (r *rig) matches(t *testing.T, sn *pool.Snapshot, u *User, password string) bool {
	t.Helper()
	u = r.read(t, sn, u.ID())
	c, err := r.Credential(u)
	if err != nil {
		t.Fatal(err)
	}
	ok, err := r.PasswordMatches(t.Context(), sn, u, c, password)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}
