package registration

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/protection"
	"cognate/test/people"
)

// audited returns a pool with threat protection and an app client that hides who exists.
func (r *rig) audited(t *testing.T) (sn *pool.Snapshot, client string) {
	sn = r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
		in.UserPoolAddOns = &idp.UserPoolAddOnsType{AdvancedSecurityMode: idp.AdvancedSecurityModeTypeAudit}
	})
	return sn, r.clientWith(t, sn, func(in *idp.CreateUserPoolClientRequest) {
		in.PreventUserExistenceErrors = idp.PreventUserExistenceErrorTypesEnabled
	})
}

// contextData returns the data of a browser, signed with a key: the client's id if they are honest.
func contextData(key, username string, at time.Time) *idp.UserContextDataType {
	const version = "JS20171115"
	payload := fmt.Sprintf(`{"contextData":{"UserAgent":"Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0","DeviceId":"d:1","ClientTimezone":"-07:00"},"username":%q,"userPoolId":"","timestamp":"%s"}`,
		username, strconv.FormatInt(at.UnixMilli(), 10))
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(version + payload))
	document, _ := json.Marshal(map[string]string{"payload": payload, "signature": base64.StdEncoding.EncodeToString(mac.Sum(nil)), "version": version})
	return &idp.UserContextDataType{EncodedData: new(base64.StdEncoding.EncodeToString(document))}
}

// events lists the user's events, the oldest first.
func (r *rig) events(t *testing.T, sn *pool.Snapshot, userID string) []protection.EventRecord {
	t.Helper()
	list, err := protection.EventsOfUser(t.Context(), &r.Store.Reader, sn.ID, userID)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(list)
	return list
}

func (r *rig) wantEvents(t *testing.T, sn *pool.Snapshot, userID string, want ...string) {
	t.Helper()
	var got []string
	for _, e := range r.events(t, sn, userID) {
		got = append(got, e.Type+" "+e.Response)
	}
	if !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
}

// TestEvents: a sign-up is one event from the request to the confirmation, and each request for a code or of a new password
// is another. Names without a user leave events that no list shows.
func TestEvents(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn, client := r.audited(t)
		ctx := api.WithRequest(t.Context(), &api.Request{SourceIP: "192.0.2.7"})
		pass := func() { r.Clock.Pass(time.Second) }
		says := func(err error, want string) {
			t.Helper()
			people.WantError(t, err, want)
			pass()
		}
		out, err := r.SignUp(ctx, &idp.SignUpRequest{
			ClientId: client, Username: "alice", Password: new("Passw0rd!one"), UserAttributes: people.Attributes("email", "alice@example.com"),
			UserContextData: contextData(client, "alice", r.Now()),
		})
		says(err, "")
		sub := out.UserSub
		first := r.events(t, sn, sub)
		if len(first) != 1 || first[0].Type != "SignUp" || first[0].Response != "InProgress" || first[0].Device != "Firefox 127, Linux" ||
			first[0].Timezone != "-07:00" || first[0].Address != "192.0.2.7" || first[0].AppClient != client {
			t.Errorf("%+v", first)
		}
		confirm := func(name, code string) error {
			_, err := r.ConfirmSignUp(ctx, &idp.ConfirmSignUpRequest{ClientId: client, Username: name, ConfirmationCode: code})
			return err
		}
		says(confirm("alice", "000000x"), sayMismatch)
		r.wantEvents(t, sn, sub, "SignUp Fail")
		resend := func(name string) error {
			_, err := r.ResendConfirmationCode(ctx, &idp.ResendConfirmationCodeRequest{ClientId: client, Username: name})
			return err
		}
		says(resend("alice"), "")
		says(confirm("alice", r.lastCode(t, sn)), "")
		r.wantEvents(t, sn, sub, "SignUp Pass", "ResendCode Pass")
		if after := r.events(t, sn, sub)[0]; after.ID != first[0].ID || after.Device != "Firefox 127, Linux" {
			t.Errorf("the event of the sign-up became %+v", after)
		}
		forgot := func(name string) error {
			_, err := r.ForgotPassword(ctx, &idp.ForgotPasswordRequest{ClientId: client, Username: name})
			return err
		}
		reset := func(name, code string) error {
			_, err := r.ConfirmForgotPassword(ctx, &idp.ConfirmForgotPasswordRequest{ClientId: client, Username: name, ConfirmationCode: code, Password: "Passw0rd!two"})
			return err
		}
		says(forgot("alice"), "")
		code := r.lastCode(t, sn)
		says(reset("alice", "000000x"), sayMismatch)
		says(reset("alice", code), "")
		r.wantEvents(t, sn, sub, "SignUp Pass", "ResendCode Pass", "ForgotPassword Pass", "PasswordChange Fail", "PasswordChange Pass")

		out, err = r.SignUp(ctx, &idp.SignUpRequest{ClientId: client, Username: "bob", Password: new("Passw0rd!one")})
		says(err, "")
		_, err = r.AdminConfirmSignUp(ctx, &idp.AdminConfirmSignUpRequest{UserPoolId: sn.ID, Username: "bob"})
		says(err, "")
		r.wantEvents(t, sn, out.UserSub, "SignUp Pass")

		for name, call := range map[string]func(string) error{
			"ConfirmSignUp":          func(name string) error { return confirm(name, "000000") },
			"ResendConfirmationCode": resend, "ForgotPassword": forgot,
			"ConfirmForgotPassword": func(name string) error { return reset(name, "000000") },
		} {
			before := r.hiddenEvents(t, sn)
			_ = call("nobody-" + name)
			if r.hiddenEvents(t, sn) == before {
				t.Errorf("%s does not take the path of a user who exists", name)
			}
		}
		r.wantEvents(t, sn, r.users.Decoy(sn, "nobody").ID())
	})
}

// hiddenEvents returns the documents of the rows that no list shows.
func (r *rig) hiddenEvents(t *testing.T, sn *pool.Snapshot) (all string) {
	t.Helper()
	rows, err := r.Store.AuthEvents(t.Context(), sn.ID, "", "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		all += row.ID + string(row.Doc) + row.ExpiresAt.String()
	}
	return all
}

// TestContextDataOfOperations: context data count as they do at sign-in. Data that are forged, of another user or replayed
// later raise the score of each operation.
func TestContextDataOfOperations(t *testing.T) {
	t.Parallel()
	r := newRig(people.SQLite(t))
	sn, client := r.audited(t)
	tests := []struct {
		name string
		data func(user string) *idp.UserContextDataType
		want int
	}{
		{"none", func(string) *idp.UserContextDataType { return nil }, 0},
		{"honest", func(user string) *idp.UserContextDataType { return contextData(client, user, r.Now()) }, 0},
		{"forged", func(user string) *idp.UserContextDataType { return contextData("another", user, r.Now()) }, 12},
		{"of another user", func(string) *idp.UserContextDataType { return contextData(client, "mallory", r.Now()) }, 12},
		{"replayed", func(user string) *idp.UserContextDataType {
			return contextData(client, user, r.Now().Add(-11*time.Minute))
		}, 12},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, name := t.Context(), fmt.Sprint("user", i)
			out, err := r.SignUp(ctx, &idp.SignUpRequest{
				ClientId: client, Username: name, Password: new("Passw0rd!one"), UserAttributes: people.Attributes("email", name+"@example.com"), UserContextData: tt.data(name),
			})
			people.WantError(t, err, "")
			sub := out.UserSub
			newest := func(operation string, err error) {
				t.Helper()
				people.WantError(t, err, "")
				list := r.events(t, sn, sub)
				if got := list[len(list)-1]; got.Score != tt.want {
					t.Errorf("%s: %s has score %d, want %d", operation, got.Type, got.Score, tt.want)
				}
				r.Clock.Pass(time.Second)
			}
			newest("SignUp", err)
			_, err = r.ResendConfirmationCode(ctx, &idp.ResendConfirmationCodeRequest{ClientId: client, Username: name, UserContextData: tt.data(name)})
			newest("ResendConfirmationCode", err)
			_, err = r.ConfirmSignUp(ctx, &idp.ConfirmSignUpRequest{ClientId: client, Username: name, ConfirmationCode: r.lastCode(t, sn), UserContextData: tt.data(name)})
			newest("ConfirmSignUp", err)
			_, err = r.ForgotPassword(ctx, &idp.ForgotPasswordRequest{ClientId: client, Username: name, UserContextData: tt.data(name)})
			newest("ForgotPassword", err)
			_, err = r.ConfirmForgotPassword(ctx, &idp.ConfirmForgotPasswordRequest{ClientId: client, Username: name, ConfirmationCode: r.lastCode(t, sn), Password: "Passw0rd!two", UserContextData: tt.data(name)})
			newest("ConfirmForgotPassword", err)
		})
	}
}

// TestConfirmationRaisesTheRisk: the event of a sign-up has the higher rating of the sign-up and its confirmation.
func TestConfirmationRaisesTheRisk(t *testing.T) {
	t.Parallel()
	r := newRig(people.SQLite(t))
	sn, client := r.audited(t)
	for i, first := range []bool{true, false} {
		name := fmt.Sprint("user", i)
		data := func(forged bool) *idp.UserContextDataType {
			if forged {
				return contextData("another", name, r.Now())
			}
			return nil
		}
		out, err := r.SignUp(t.Context(), &idp.SignUpRequest{
			ClientId: client, Username: name, Password: new("Passw0rd!one"), UserAttributes: people.Attributes("email", name+"@example.com"), UserContextData: data(first),
		})
		people.WantError(t, err, "")
		_, err = r.ConfirmSignUp(t.Context(), &idp.ConfirmSignUpRequest{ClientId: client, Username: name, ConfirmationCode: r.lastCode(t, sn), UserContextData: data(!first)})
		people.WantError(t, err, "")
		if list := r.events(t, sn, out.UserSub); len(list) != 1 || list[0].Score != 12 || list[0].Response != "Pass" {
			t.Errorf("%+v", list)
		}
		r.Clock.Pass(time.Second)
	}
}

// TestContextDataOfPages: what a page gathered reaches the event. It names no user.
func TestContextDataOfPages(t *testing.T) {
	t.Parallel()
	r := newRig(people.SQLite(t))
	sn, id := r.audited(t)
	client := r.loadClient(t, sn, id)
	data := func() string { return *contextData(id, "", r.Now()).EncodedData }
	ctx := context.WithoutCancel(t.Context())
	out, err := r.SignUpOnPage(ctx, sn, client, &idp.SignUpRequest{Username: "alice", Password: new("Passw0rd!one"), UserAttributes: people.Attributes("email", "alice@example.com")}, data())
	people.WantError(t, err, "")
	r.Clock.Pass(time.Second)
	_, err = r.ResendCodeOnPage(ctx, sn, client, "alice", data())
	people.WantError(t, err, "")
	_, err = r.ConfirmSignUpOnPage(ctx, sn, client, "alice", r.lastCode(t, sn), data())
	people.WantError(t, err, "")
	r.Clock.Pass(time.Second)
	_, err = r.ForgotPasswordOnPage(ctx, sn, client, "alice", data())
	people.WantError(t, err, "")
	r.Clock.Pass(time.Second)
	people.WantError(t, r.ConfirmForgotPasswordOnPage(ctx, sn, client, "alice", r.lastCode(t, sn), "Passw0rd!two", data()), "")
	r.wantEvents(t, sn, out.UserSub, "SignUp Pass", "ResendCode Pass", "ForgotPassword Pass", "PasswordChange Pass")
	for _, e := range r.events(t, sn, out.UserSub) {
		if e.Device != "Firefox 127, Linux" || e.Score != 0 {
			t.Errorf("%+v", e)
		}
	}
}
