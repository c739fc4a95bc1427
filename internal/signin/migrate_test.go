package signin

import (
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/message"
	"cognate/internal/pool"
	"cognate/test/lambdas"
)

func migrating(in *idp.CreateUserPoolRequest) {
	in.LambdaConfig = &idp.LambdaConfigType{UserMigration: lambdas.ARN("migrate")}
}

// moves sets the function: it knows whoever shows the right password.
func (r *rig) moves(answer map[string]any) {
	r.Functions.On("migrate", func(e *lambdas.Event) string {
		if e.Request["password"] != right {
			return "Bad password"
		}
		maps.Copy(e.Response, answer)
		return ""
	})
}

const sayMigrating = "UserNotFoundException: Exception migrating user in app client "

// TestUserMigration signs in users that only the function knows: a row for each
// of its answers.
func TestUserMigration(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		alice := map[string]any{"email": "alice@example.com", "email_verified": "true"}
		rows := []struct {
			name, user, password string
			hides                bool
			change               func(*idp.CreateUserPoolRequest)
			answer               map[string]any
			raw                  string
			want                 string
			stored               string // username, "" for none
			status               idp.UserStatusType
		}{
			{name: "confirmed", answer: map[string]any{"userAttributes": alice, "finalUserStatus": "CONFIRMED", "messageAction": "SUPPRESS"}, want: "tokens", stored: "alice", status: "CONFIRMED"},
			{name: "confirmed, hidden", hides: true, answer: map[string]any{"userAttributes": alice, "finalUserStatus": "CONFIRMED"}, want: "tokens", stored: "alice", status: "CONFIRMED"},
			{name: "no status", answer: map[string]any{"userAttributes": alice}, want: sayReset, stored: "alice", status: "RESET_REQUIRED"},
			{name: "reset required, hidden", hides: true, answer: map[string]any{"userAttributes": alice, "finalUserStatus": "RESET_REQUIRED"}, want: sayReset, stored: "alice", status: "RESET_REQUIRED"},
			{name: "refused", password: wrong, want: sayMigrating},
			{name: "refused, hidden", password: wrong, hides: true, want: sayIncorrect},
			{name: "knows nobody", want: sayUnknown},
			{name: "knows nobody, hidden", hides: true, want: sayIncorrect},
			{name: "of no use", raw: "null", want: "InvalidLambdaResponseException: Invalid lambda function output : Invalid JSON"},
			{name: "unknown status", answer: map[string]any{"userAttributes": alice, "finalUserStatus": "UNCONFIRMED"}, want: "InvalidLambdaResponseException: Unrecognizable lambda output"},
			{name: "not in the schema", answer: map[string]any{"userAttributes": map[string]any{"shoe": "43"}, "finalUserStatus": "CONFIRMED"}, want: "InvalidLambdaResponseException: Attributes did not conform to the schema: shoe: Attribute does not exist in the schema.\n"},
			{name: "required is missing", change: func(in *idp.CreateUserPoolRequest) {
				in.Schema = []idp.SchemaAttributeType{{Name: new("name"), Required: new(true), Mutable: new(true), AttributeDataType: "String"}}
			}, answer: map[string]any{"userAttributes": alice, "finalUserStatus": "CONFIRMED"}, want: "InvalidLambdaResponseException: Attributes did not conform to the schema: name: The attribute is required\n"},
			{name: "what the service says is ignored", answer: map[string]any{"userAttributes": map[string]any{"sub": "x", "cognito:user_status": "y", "email": "a@example.com"}, "finalUserStatus": "CONFIRMED"}, want: "tokens", stored: "alice", status: "CONFIRMED"},
			{name: "SMS MFA without a number", answer: map[string]any{"userAttributes": alice, "finalUserStatus": "CONFIRMED", "enableSMSMFA": true}, want: "InvalidLambdaResponseException: enableSMSMFA needs a phone_number."},
			{name: "by address", user: "Alice@example.com", change: byEmail, answer: map[string]any{"userAttributes": map[string]any{"email": "Alice@example.com"}, "finalUserStatus": "CONFIRMED"}, want: "tokens", stored: "sub", status: "CONFIRMED"},
			{name: "by another address", user: "mallory@example.com", change: byEmail, answer: map[string]any{"userAttributes": alice, "finalUserStatus": "CONFIRMED"}, want: "InvalidLambdaResponseException: User email should be empty or same as username, since username attribute is email."},
			{name: "no address", user: "alice", change: byEmail, answer: map[string]any{"userAttributes": alice, "finalUserStatus": "CONFIRMED"}, want: sayUnknown},
			{name: "by alias", user: "alice@example.com", change: emailAlias, answer: map[string]any{"userAttributes": map[string]any{"username": "alice", "email": "alice@example.com", "email_verified": "true"}, "finalUserStatus": "CONFIRMED"}, want: "tokens", stored: "alice", status: "CONFIRMED"},
			{name: "by an alias that is not proven", user: "alice@example.com", change: emailAlias, answer: map[string]any{"userAttributes": map[string]any{"username": "alice", "email": "alice@example.com"}, "finalUserStatus": "CONFIRMED"}, want: "InvalidLambdaResponseException: The migrated user does not sign in by the name that was given: neither the username nor a verified alias is equal to it."},
			{name: "alias of another", change: emailAlias, answer: map[string]any{"userAttributes": map[string]any{"email": "bob@example.com", "email_verified": "true"}, "finalUserStatus": "CONFIRMED"}, want: sayMigrating},
			{name: "alias taken by force", change: emailAlias, answer: map[string]any{"userAttributes": map[string]any{"email": "bob@example.com", "email_verified": "true"}, "finalUserStatus": "CONFIRMED", "forceAliasCreation": true}, want: "tokens", stored: "alice", status: "CONFIRMED"},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
					migrating(in)
					if row.change != nil {
						row.change(in)
					}
				})
				c := r.client(t, sn)
				if row.hides {
					c = r.client(t, sn, hiding)
				}
				if sn.AliasAttributes.Has("email") {
					r.haveAlias(t, sn, "bob", "bob@example.com")
				}
				name, password := row.user, row.password
				if name == "" {
					name = "alice"
				}
				if password == "" {
					password = right
				}
				r.moves(row.answer)
				if row.raw != "" {
					r.Functions.Answer("migrate", row.raw)
				}
				r.Functions.Events()
				out, err := r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{
					ClientId: c.ID, AuthFlow: idp.AuthFlowTypeUserPasswordAuth, ClientMetadata: map[string]string{"k": "v"},
					AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": password},
				})
				got := lambdas.Says(err)
				if err == nil {
					got = said(out, nil)
				}
				if want := row.want; strings.HasPrefix(want, sayMigrating) {
					want += c.ID
					wantSays(t, got, want)
				} else {
					wantSays(t, got, want)
				}
				if sn.UsernameAttributes.Has("email") && !strings.Contains(name, "@") {
					wantSays(t, r.Functions.Sources(), "") // Nobody of that name can be.
				} else {
					e := r.Functions.Events()[0]
					want := map[string]any{"password": password, "validationData": map[string]any{"k": "v"}, "userAttributes": nil}
					if diff := cmp.Diff(want, e.Request); diff != "" || e.TriggerSource != "UserMigration_Authentication" || e.UserName != name {
						t.Errorf("%s for %s: %s", e.TriggerSource, e.UserName, diff)
					}
				}
				u, err := r.users.Resolve(t.Context(), sn, name)
				if row.stored == "" {
					if err == nil {
						t.Fatal("a user is stored")
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				username := row.stored
				if username == "sub" {
					username = u.ID()
				}
				if u.Username() != username || u.Status() != row.status {
					t.Errorf("stored %s, %s", u.Username(), u.Status())
				}
				// From now on the user is the pool's: the function is not asked.
				out, err = r.plain(t.Context(), c, name, right)
				wantSays(t, said(out, err), row.want)
				wantSays(t, r.Functions.Sources(), "")
			})
		}
	})
}

func byEmail(in *idp.CreateUserPoolRequest) {
	in.UsernameAttributes = []idp.UsernameAttributeType{"email"}
}

func emailAlias(in *idp.CreateUserPoolRequest) {
	in.AliasAttributes = []idp.AliasAttributeType{"email"}
}

// haveAlias stores a user who signs in by an address as well.
func (r *rig) haveAlias(t testing.TB, sn *pool.Snapshot, name, email string) {
	t.Helper()
	_, err := r.users.AdminCreateUser(t.Context(), &idp.AdminCreateUserRequest{
		UserPoolId: sn.ID, Username: name, MessageAction: "SUPPRESS",
		UserAttributes: []idp.AttributeType{{Name: "email", Value: &email}, {Name: "email_verified", Value: new("true")}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestUserMigrationAtOnce: sign-ins of one person at once make one user, and all
// get tokens.
func TestUserMigrationAtOnce(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		for _, change := range []func(*idp.CreateUserPoolRequest){nil, byEmail} {
			sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
				migrating(in)
				if change != nil {
					change(in)
				}
			})
			c := r.client(t, sn, hiding)
			r.moves(map[string]any{"userAttributes": map[string]any{"email": "alice@example.com"}, "finalUserStatus": "CONFIRMED"})
			const name, n = "alice@example.com", 4
			got := make([]string, n)
			var wg sync.WaitGroup
			for i := range n {
				wg.Go(func() { got[i] = said(r.plain(t.Context(), c, name, right)) })
			}
			wg.Wait()
			for _, g := range got {
				wantSays(t, g, "tokens")
			}
			out, err := r.users.ListUsers(t.Context(), &idp.ListUsersRequest{UserPoolId: sn.ID})
			if err != nil || len(out.Users) != 1 {
				t.Errorf("%d users: %v", len(out.Users), err)
			}
		}
	})
}

// TestUserMigrationGuesses: passwords cannot be tried at the function without
// end, and names that nobody has lock as others do.
func TestUserMigrationGuesses(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		for _, hides := range []bool{false, true} {
			sn := r.poolWith(t, migrating)
			c := r.client(t, sn)
			want := sayMigrating + c.ID
			if hides {
				c, want = r.client(t, sn, hiding), sayIncorrect
			}
			r.moves(nil)
			r.Functions.Events()
			for range 5 {
				_, err := r.plain(t.Context(), c, "alice", wrong)
				wantSays(t, lambdas.Says(err), want)
			}
			wantSays(t, said(r.plain(t.Context(), c, "alice", right)), sayLocked)
			if n := len(r.Functions.Events()); n != 5 {
				t.Errorf("the function was asked %d times", n)
			}
		}
	})
}

// TestUserMigrationByChoice: USER_AUTH migrates by the password that comes
// along, and by the one that answers a challenge.
func TestUserMigrationByChoice(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, migrating)
		c := r.client(t, sn, hiding, func(in *idp.CreateUserPoolClientRequest) {
			in.ExplicitAuthFlows = []idp.ExplicitAuthFlowsType{"ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
		})
		r.moves(map[string]any{"userAttributes": map[string]any{"email": "a@example.com"}, "finalUserStatus": "CONFIRMED"})
		start := func(params map[string]string) *idp.InitiateAuthResponse {
			out, err := r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{ClientId: c.ID, AuthFlow: idp.AuthFlowTypeUserAuth, AuthParameters: params})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		wantSays(t, said(start(map[string]string{"USERNAME": "alice", "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": right}), nil), "tokens")
		for name, password := range map[string]string{"bob": right, "carol": wrong} {
			out := start(map[string]string{"USERNAME": name})
			wantSays(t, said(out, nil), "SELECT_CHALLENGE")
			res, err := r.RespondToAuthChallenge(t.Context(), &idp.RespondToAuthChallengeRequest{
				ClientId: c.ID, ChallengeName: "SELECT_CHALLENGE", Session: out.Session,
				ChallengeResponses: map[string]string{"USERNAME": name, "ANSWER": "PASSWORD", "PASSWORD": password},
			})
			if password == right {
				wantSays(t, answered(res, err), "tokens")
			} else {
				wantSays(t, answered(res, err), sayIncorrect)
			}
			_, err = r.users.Resolve(t.Context(), sn, name)
			if (err == nil) != (password == right) {
				t.Errorf("%s: %v", name, err)
			}
		}
		// SRP shows no password, so there is nothing to ask the function about.
		r.Functions.Events()
		wantSays(t, said(start(map[string]string{"USERNAME": "dave", "PREFERRED_CHALLENGE": "PASSWORD"}), nil), "PASSWORD")
		wantSays(t, r.Functions.Sources(), "")
	})
}

// TestUserMigrationEvents: whoever was migrated signs in like everybody else.
func TestUserMigrationEvents(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
		in.LambdaConfig = &idp.LambdaConfigType{
			UserMigration: lambdas.ARN("migrate"), PreAuthentication: lambdas.ARN("pre"), PostAuthentication: lambdas.ARN("post"),
			PreSignUp: lambdas.ARN("none"), PostConfirmation: lambdas.ARN("none"),
		}
	})
	for _, name := range []string{"pre", "post"} {
		r.Functions.On(name, func(*lambdas.Event) string { return "" })
	}
	r.moves(map[string]any{"userAttributes": map[string]any{"email": "a@example.com"}, "finalUserStatus": "CONFIRMED", "desiredDeliveryMediums": []string{"EMAIL"}})
	c := r.client(t, sn, hiding)
	wantSays(t, said(r.plain(t.Context(), c, "alice", wrong)), sayIncorrect)
	wantSays(t, r.Functions.Sources(), "UserMigration_Authentication PreAuthentication_Authentication")
	wantSays(t, said(r.plain(t.Context(), c, "alice", right)), "tokens")
	wantSays(t, r.Functions.Sources(), "UserMigration_Authentication PreAuthentication_Authentication PostAuthentication_Authentication")
	list := r.Inbox(t, message.Query{PoolID: sn.ID})
	if len(list) != 1 || strings.Contains(list[0].Body, right) || !strings.Contains(list[0].Body, "alice") {
		t.Errorf("messages: %v", list)
	}
}
