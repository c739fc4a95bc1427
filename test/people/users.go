package people

import (
	"fmt"
	"testing"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/internal/user"
)

// Password is the password of the users that Have stores.
const Password = "Passw0rd!one"

// Have stores a user in the state that a test begins with.
func (r *Rig) Have(t testing.TB, sn *pool.Snapshot, name string, status idp.UserStatusType, attrs map[string]string) *user.User {
	t.Helper()
	id := keys.NewUUID()
	username, _, err := user.StoredUsername(sn, name, id)
	if err != nil {
		t.Fatal(err)
	}
	u := &user.User{
		Rec: store.User{
			PoolID: sn.ID, ID: id, Username: username, UsernameKey: sn.FoldUsername(username),
			Status: string(status), Enabled: true, CreatedAt: r.Now(), ModifiedAt: r.Now(),
		},
		Attributes: attrs,
	}
	if u.Attributes == nil {
		u.Attributes = map[string]string{}
	}
	if u.Rec.Credential, err = r.Users.SetPassword(t.Context(), sn, u, Password, false, user.PolicySignUp); err != nil {
		t.Fatal(err)
	}
	rec, err := u.Record()
	if err != nil {
		t.Fatal(err)
	}
	err = r.Store.Update(t.Context(), func(tx *store.Tx) error {
		return tx.InsertUser(t.Context(), rec, user.SignInNames(sn, u))
	})
	if err != nil {
		t.Fatal(err)
	}
	return r.Read(t, sn, u.ID())
}

// Read returns the user as stored.
func (r *Rig) Read(t testing.TB, sn *pool.Snapshot, id string) *user.User {
	t.Helper()
	rec, err := r.Store.User(t.Context(), sn.ID, id)
	if err != nil {
		t.Fatal(err)
	}
	u, err := user.FromRecord(sn, rec)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Change stores a change to the user's row.
func (r *Rig) Change(t testing.TB, sn *pool.Snapshot, id string, fn func(u *user.User)) {
	t.Helper()
	err := r.Store.Update(t.Context(), func(tx *store.Tx) error {
		e, err := r.Users.Edit(t.Context(), tx, sn, id)
		if err != nil {
			return err
		}
		fn(e.User)
		return e.Save(t.Context(), user.AliasExists)
	}, store.Retry)
	if err != nil {
		t.Fatal(err)
	}
}

// Matches reports whether the password is the user's.
func (r *Rig) Matches(t testing.TB, sn *pool.Snapshot, u *user.User, password string) bool {
	t.Helper()
	u = r.Read(t, sn, u.ID())
	c, err := r.Users.Credential(u)
	if err != nil {
		t.Fatal(err)
	}
	ok, err := r.Users.PasswordMatches(t.Context(), sn, u, c, password)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

// Bearer returns an access token of the user.
func (r *Rig) Bearer(t testing.TB, sn *pool.Snapshot, clientID string, u *user.User) string {
	t.Helper()
	c, err := sn.Client(t.Context(), clientID)
	if err != nil {
		t.Fatal(err)
	}
	set, err := r.Tokens.Issue(t.Context(), token.Grant{
		Pool: sn, Client: c,
		Subject: token.Subject{UserID: u.ID(), Username: u.Username(), Attributes: u.Attributes, TokensValidAfter: u.Rec.TokensValidAfter},
	})
	if err != nil {
		t.Fatal(err)
	}
	return set.AccessToken
}

// Verified returns attributes with a verified email address.
func Verified(email string) map[string]string {
	return map[string]string{"email": email, "email_verified": "true"}
}

// Attributes returns the attributes of pairs of name and value.
func Attributes(pairs ...string) []idp.AttributeType {
	if len(pairs)%2 != 0 {
		panic(fmt.Sprint("odd: ", pairs))
	}
	var list []idp.AttributeType
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, idp.AttributeType{Name: pairs[i], Value: &pairs[i+1]})
	}
	return list
}

// VerifiesAddresses makes a pool verify email addresses and phone numbers at sign-up.
func VerifiesAddresses(in *idp.CreateUserPoolRequest) {
	in.AutoVerifiedAttributes = []idp.VerifiedAttributeType{"email", "phone_number"}
	in.SmsConfiguration = &idp.SmsConfigurationType{SnsCallerArn: new("arn:aws:iam::123456789012:role/sms")}
}
