package signin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/signin/srpproof"
	"cognate/internal/store"
	"cognate/internal/user"
	"cognate/test/srpclient"
)

const (
	fresh        = "Passw0rd!fresh"
	sayWeak      = "InvalidPasswordException: Password does not conform to policy: Password not long enough"
	sayTimestamp = "InvalidParameterException: TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english."
	sayNoNew     = "InvalidParameterException: Invalid attributes given, new password should be given with key NEW_PASSWORD."
)

// invited signs a user with a temporary password in as far as the challenge.
func (r *rig) invited(t testing.TB, sn *pool.Snapshot, c *pool.Client, p person) (*user.User, *idp.InitiateAuthResponse) {
	t.Helper()
	p.status, p.password, p.temporary = idp.UserStatusTypeForceChangePassword, right, true
	name := "u-" + keys.NewUUID()
	if len(sn.UsernameAttributes) > 0 {
		name += "@example.com"
	}
	u := r.have(t, sn, name, p)
	out, err := r.plain(t.Context(), c, name, right)
	if err != nil || out.ChallengeName != idp.ChallengeNameTypeNewPasswordRequired {
		t.Fatal(out, err)
	}
	return u, out
}

// answer returns responses to a challenge, in pairs of key and value.
func (r *rig) answer(t testing.TB, clientID string, name idp.ChallengeNameType, session *string, pairs ...string) string {
	t.Helper()
	in := &idp.RespondToAuthChallengeRequest{ClientId: clientID, ChallengeName: name, Session: session, ChallengeResponses: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		in.ChallengeResponses[pairs[i]] = pairs[i+1]
	}
	return answered(r.RespondToAuthChallenge(t.Context(), in))
}

// TestSessionLife is the table of what keeps a session, what uses it up and what
// it says then.
func TestSessionLife(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		c, second := r.client(t, r.pool), r.client(t, r.pool)
		other := r.confirmed(t, "bystander")
		type step struct {
			pass     time.Duration
			client   string
			name     idp.ChallengeNameType
			session  string // "" for the one of the challenge, "none" for no session
			username string
			keys     []string
			want     string
		}
		ok := []string{"NEW_PASSWORD", fresh}
		finish := step{keys: ok, want: "tokens"}
		for _, test := range []struct {
			name  string
			steps []step
		}{
			{"right answer, then used", []step{finish, {keys: ok, want: sayUsed}, {pass: time.Minute, keys: ok, want: sayUsed}, {pass: 2 * time.Minute, keys: ok, want: sayExpired}}},
			{"weak password", []step{{keys: []string{"NEW_PASSWORD", "x"}, want: sayWeak}, {keys: []string{"NEW_PASSWORD", "x"}, want: sayWeak}, finish}},
			{"no password", []step{{want: sayNoNew}, finish}},
			{"unknown attribute", []step{{keys: append([]string{"userAttributes.custom:no", "1"}, ok...), want: "InvalidParameterException: user.custom:no: Attribute does not exist in the schema.\n"}, finish}},
			{"flag of an address", []step{{keys: append([]string{"userAttributes.email_verified", "true"}, ok...), want: "NotAuthorizedException: A client attempted to write unauthorized attribute"}, finish}},
			{"other challenge name", []step{{name: "SMS_MFA", keys: []string{"SMS_MFA_CODE", "123456"}, want: sayInvalid}, finish}},
			{"historical challenge name", []step{{name: "ADMIN_NO_SRP_AUTH", want: sayInvalid}, finish}},
			{"other client", []step{{client: second.ID, keys: ok, want: sayInvalid}, finish}},
			{"other user", []step{{username: other.Username(), keys: ok, want: sayInvalid}, finish}},
			{"unknown user", []step{{username: "nobody", keys: ok, want: sayInvalid}, finish}},
			{"no username", []step{{username: "none", keys: ok, want: "InvalidParameterException: Missing required parameter USERNAME"}, finish}},
			{"no session", []step{{session: "none", keys: ok, want: "InvalidParameterException: Missing required parameter Session"}, finish}},
			{"garbage", []step{{session: strings.Repeat("a", 900), keys: ok, want: sayInvalid}, finish}},
			{"in its last moment", []step{{pass: 3*time.Minute - time.Millisecond, keys: ok, want: "tokens"}}},
			{"expired", []step{{pass: 3 * time.Minute, keys: ok, want: sayExpired}}},
			{"expired before bound", []step{{pass: 3 * time.Minute, client: second.ID, keys: ok, want: sayExpired}}},
			{"used before bound", []step{finish, {client: second.ID, keys: ok, want: sayUsed}}},
		} {
			t.Run(test.name, func(t *testing.T) {
				u, out := r.invited(t, r.pool, c, person{})
				for i, s := range test.steps {
					r.Clock.Pass(s.pass)
					client, name, session, pairs := s.client, s.name, out.Session, s.keys
					if client == "" {
						client = c.ID
					}
					if name == "" {
						name = idp.ChallengeNameTypeNewPasswordRequired
					}
					switch s.session {
					case "":
					case "none":
						session = nil
					default:
						session = &s.session
					}
					switch s.username {
					case "":
						pairs = append([]string{"USERNAME", u.Username()}, pairs...)
					case "none":
					default:
						pairs = append([]string{"USERNAME", s.username}, pairs...)
					}
					if got := r.answer(t, client, name, session, pairs...); got != s.want {
						t.Errorf("step %d\ngot  %q\nwant %q", i+1, got, s.want)
					}
				}
			})
		}
	})
}

// TestNewPassword follows the challenge to its end.
func TestNewPassword(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
			in.Schema = []idp.SchemaAttributeType{
				{Name: new("email"), AttributeDataType: "String", Required: new(true), Mutable: new(true)},
				{Name: new("given_name"), AttributeDataType: "String", Required: new(true), Mutable: new(true)},
			}
		})
		c := r.client(t, sn)
		attrs := map[string]string{"email": "alice@example.com", "email_verified": "true", "nickname": ""}
		u, out := r.invited(t, sn, c, person{attrs: attrs})
		want := map[string]string{
			"USER_ID_FOR_SRP":    u.Username(),
			"requiredAttributes": `["userAttributes.given_name"]`,
			"userAttributes":     `{"email":"alice@example.com","email_verified":"true","given_name":""}`,
		}
		if diff := cmp.Diff(want, out.ChallengeParameters); diff != "" {
			t.Error(diff)
		}
		if n := len(*out.Session); n < 20 || n > 2048 {
			t.Errorf("session of %d characters", n)
		}
		answer := func(pairs ...string) string {
			t.Helper()
			return r.answer(t, c.ID, idp.ChallengeNameTypeNewPasswordRequired, out.Session, append([]string{"USERNAME", u.Username()}, pairs...)...)
		}
		wantSays(t, answer("NEW_PASSWORD", fresh), "InvalidParameterException: Invalid attributes given, given_name is missing")
		wantSays(t, answer("NEW_PASSWORD", fresh, "userAttributes.given_name", ""), "InvalidParameterException: Invalid attributes given, given_name is missing")
		wantSays(t, answer("NEW_PASSWORD", fresh, "userAttributes.given_name", "Al", "userAttributes.email", "b@example.com"), "NotAuthorizedException: Cannot modify an already provided email")
		wantSays(t, answer("NEW_PASSWORD", fresh, "userAttributes.given_name", "Al", "userAttributes.email", "alice@example.com"), "NotAuthorizedException: Cannot modify an already provided email")
		if got := r.read(t, sn, u.ID()); got.Status() != idp.UserStatusTypeForceChangePassword || got.Attributes["given_name"] != "" {
			t.Errorf("a refused answer changed %v %v", got.Status(), got.Attributes)
		}
		wantSays(t, answer("NEW_PASSWORD", fresh, "userAttributes.given_name", "Al", "userAttributes.nickname", "ali"), "tokens")
		got := r.read(t, sn, u.ID())
		if got.Status() != idp.UserStatusTypeConfirmed || got.Attributes["given_name"] != "Al" || got.Attributes["nickname"] != "ali" || !got.Verified("email") {
			t.Errorf("user is %v %v", got.Status(), got.Attributes)
		}
		wantSays(t, said(r.plain(t.Context(), c, u.Username(), right)), sayIncorrect)
		wantSays(t, said(r.plain(t.Context(), c, u.Username(), fresh)), "tokens")
		wantSays(t, r.srp(t, c, u.Username(), fresh), "2: tokens")
	})
}

// TestNewPasswordOvertaken: what an administrator did since the challenge counts.
func TestNewPasswordOvertaken(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	c := r.client(t, r.pool)
	set := func(t *testing.T, u *user.User, permanent bool) {
		t.Helper()
		r.Clock.Pass(time.Second)
		_, err := r.users.ReplacePassword(t.Context(), r.pool, u, user.PasswordChange{
			Password: fresh, Temporary: !permanent, Prefix: user.PolicyChange,
			Then: func(_ context.Context, _ *store.Tx, u *user.User) error {
				if permanent {
					u.Rec.Status = "CONFIRMED"
				}
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name   string
		change func(t *testing.T, u *user.User)
		want   string
	}{
		{"disabled", func(t *testing.T, u *user.User) { r.change(t, u, func(rec *store.User) { rec.Enabled = false }) }, sayDisabled},
		{"permanent password set", func(t *testing.T, u *user.User) { set(t, u, true) }, sayInvalid},
		{"another temporary password set", func(t *testing.T, u *user.User) { set(t, u, false) }, sayInvalid},
		{"deleted", func(t *testing.T, u *user.User) { r.remove(t, u) }, sayUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			u, out := r.invited(t, r.pool, c, person{})
			test.change(t, u)
			wantSays(t, r.answer(t, c.ID, idp.ChallengeNameTypeNewPasswordRequired, out.Session, "USERNAME", u.Username(), "NEW_PASSWORD", "Passw0rd!other"), test.want)
		})
	}
}

// TestUsernameOfAnswer: any name that means the user will do; a stored username,
// an alias as typed.
func TestUsernameOfAnswer(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) { in.UsernameAttributes = []idp.UsernameAttributeType{"email"} })
		c := r.client(t, sn)
		email := func(u *user.User) string { return u.Attributes["email"] }
		for _, name := range []func(*user.User) string{email, (*user.User).Username} {
			u, out := r.invited(t, sn, c, person{})
			if out.ChallengeParameters["USER_ID_FOR_SRP"] != u.ID() {
				t.Errorf("USER_ID_FOR_SRP %s", out.ChallengeParameters["USER_ID_FOR_SRP"])
			}
			wantSays(t, r.answer(t, c.ID, idp.ChallengeNameTypeNewPasswordRequired, out.Session, "USERNAME", name(u), "NEW_PASSWORD", fresh), "tokens")
			wantSays(t, r.srp(t, c, email(u), fresh), "2: tokens")
		}
	})
}

// TestOneAnswerWins: of many answers to one session at once, one is taken.
func TestOneAnswerWins(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		c := r.client(t, r.pool)
		u, out := r.invited(t, r.pool, c, person{})
		tokens := r.atOnce(t, func() string {
			return r.answer(t, c.ID, idp.ChallengeNameTypeNewPasswordRequired, out.Session, "USERNAME", u.Username(), "NEW_PASSWORD", fresh)
		}, sayUsed, sayInvalid)
		if tokens != 1 {
			t.Errorf("one session gave tokens %d times", tokens)
		}

		client := srpclient.New(c.PoolID)
		r.confirmed(t, "alice")
		asked, err := r.askSRPOf(t, c, client, "alice")
		if err != nil {
			t.Fatal(err)
		}
		responses := client.Prove(asked.ChallengeParameters, right, r.now())
		if tokens = r.atOnce(t, func() string { return answered(r.prove(t, c, responses)) }, sayIncorrect); tokens != 1 {
			t.Errorf("one SECRET_BLOCK gave tokens %d times", tokens)
		}
	})
}

// atOnce counts the tokens of eight calls at once; the others must say one of lost.
func (r *rig) atOnce(t *testing.T, call func() string, lost ...string) int32 {
	t.Helper()
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got := call()
			if got == "tokens" {
				won.Add(1)
				return
			}
			if !slices.Contains(lost, got) {
				t.Errorf("a loser hears %q", got)
			}
		})
	}
	wg.Wait()
	return won.Load()
}

// TestSecretBlock is the life of a SECRET_BLOCK: every fault has one answer.
func TestSecretBlock(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		c, second := r.client(t, r.pool), r.client(t, r.pool)
		r.confirmed(t, "alice")
		r.confirmed(t, "bob")
		type countTry struct {
			name          string
			client        *pool.Client
			pass          time.Duration
			password      string
			edit          func(m map[string]string)
			want          string
			openNextState string // what the right answer says then
		}
		set := func(key, value string) func(map[string]string) {
			return func(m map[string]string) { m[key] = value }
		}
		for _, test := range []countTry{
			{name: "right", want: "tokens", openNextState: sayIncorrect},
			{name: "wrong password", password: wrong, want: sayIncorrect, openNextState: sayIncorrect},
			{name: "other user", edit: set("USERNAME", "bob"), want: sayIncorrect, openNextState: "tokens"},
			{name: "unknown user", edit: set("USERNAME", "nobody"), want: sayIncorrect, openNextState: "tokens"},
			{name: "other client", client: second, want: sayIncorrect, openNextState: "tokens"},
			{name: "garbage block", edit: set("PASSWORD_CLAIM_SECRET_BLOCK", "AgV4"), want: sayIncorrect, openNextState: "tokens"},
			{name: "block missing", edit: set("PASSWORD_CLAIM_SECRET_BLOCK", ""), want: "InvalidParameterException: Missing required parameter PASSWORD_CLAIM_SECRET_BLOCK", openNextState: "tokens"},
			{name: "signature missing", edit: set("PASSWORD_CLAIM_SIGNATURE", ""), want: "InvalidParameterException: Missing required parameter PASSWORD_CLAIM_SIGNATURE", openNextState: "tokens"},
			{name: "timestamp missing", edit: set("TIMESTAMP", ""), want: "InvalidParameterException: Missing required parameter TIMESTAMP", openNextState: "tokens"},
			{name: "timestamp malformed", edit: set("TIMESTAMP", "now"), want: sayTimestamp, openNextState: "tokens"},
			{name: "timestamp in another language", edit: set("TIMESTAMP", "ven. janv. 15 08:00:02 UTC 2027"), want: sayTimestamp, openNextState: "tokens"},
			{name: "timestamp with a padded day", edit: set("TIMESTAMP", "Fri Jan 05 08:00:02 UTC 2027"), want: sayIncorrect, openNextState: "tokens"},
			{name: "timestamp of another signature", edit: set("TIMESTAMP", "Fri Jan 15 08:00:02 UTC 2027"), want: sayIncorrect, openNextState: sayIncorrect},
			{name: "in its last moment", pass: 3*time.Minute - time.Millisecond, want: "tokens", openNextState: sayIncorrect},
			{name: "expired", pass: 3 * time.Minute, want: sayIncorrect, openNextState: sayIncorrect},
		} {
			t.Run(test.name, func(t *testing.T) {
				client := srpclient.New(c.PoolID)
				out, err := r.askSRPOf(t, c, client, "alice")
				if err != nil {
					t.Fatal(err)
				}
				r.Clock.Pass(test.pass)
				password, of := test.password, test.client
				if password == "" {
					password = right
				}
				if of == nil {
					of = c
				}
				responses := client.Prove(out.ChallengeParameters, password, r.now())
				if test.edit != nil {
					test.edit(responses)
				}
				wantSays(t, answered(r.prove(t, of, responses)), test.want)
				wantSays(t, answered(r.prove(t, c, client.Prove(out.ChallengeParameters, right, r.now()))), test.openNextState)
			})
		}
	})
}

func TestTimestamp(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	c := r.client(t, r.pool)
	r.confirmed(t, "alice")
	for _, test := range []struct {
		name string
		skew time.Duration
		want string
	}{
		{"now", 0, "tokens"},
		{"five minutes ahead", 5*time.Minute - time.Second, "tokens"},
		{"five minutes behind", -5*time.Minute + time.Second, "tokens"},
		{"too far ahead", 5*time.Minute + time.Second, sayIncorrect},
		{"too far behind", -5*time.Minute - time.Second, sayIncorrect},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := srpclient.New(c.PoolID)
			out, err := r.askSRPOf(t, c, client, "alice")
			if err != nil {
				t.Fatal(err)
			}
			wantSays(t, answered(r.prove(t, c, client.Prove(out.ChallengeParameters, right, r.now().Add(test.skew)))), test.want)
		})
	}
}

// TestDecoy: the answer for an unknown name, to a client that hides users, is stable
// and looks like the answer for a user.
func TestDecoy(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		c := r.client(t, r.pool, hiding)
		r.confirmed(t, "alice")
		ask := func(name string) map[string]string {
			t.Helper()
			out, err := r.askSRPOf(t, c, srpclient.New(c.PoolID), name)
			if err != nil {
				t.Fatal(err)
			}
			return out.ChallengeParameters
		}
		first, second, other, real := ask("nobody"), ask("nobody"), ask("nobody2"), ask("alice")
		if first["SALT"] != second["SALT"] || first["USER_ID_FOR_SRP"] != second["USER_ID_FOR_SRP"] || first["USERNAME"] != first["USER_ID_FOR_SRP"] {
			t.Error("a decoy changes")
		}
		if first["SRP_B"] == second["SRP_B"] || first["SALT"] == other["SALT"] || first["USER_ID_FOR_SRP"] == other["USER_ID_FOR_SRP"] {
			t.Error("a decoy repeats")
		}
		for _, m := range []map[string]string{first, real} {
			salt, err := hex.DecodeString(m["SALT"])
			if err != nil || len(salt) != 16 || salt[0] == 0 {
				t.Errorf("salt %s", m["SALT"])
			}
		}
		if a, b := len(first["SECRET_BLOCK"]), len(real["SECRET_BLOCK"]); a < 1000 || a > b+100 || b > a+100 {
			t.Errorf("blocks of %d and %d characters", a, b)
		}
		// Answered by the name as typed, and by the id that was shown.
		for _, name := range []string{"nobody", first["USER_ID_FOR_SRP"]} {
			client := srpclient.New(c.PoolID)
			out, err := r.askSRPOf(t, c, client, "nobody")
			if err != nil {
				t.Fatal(err)
			}
			responses := client.Prove(out.ChallengeParameters, wrong, r.now())
			responses["USERNAME"] = name
			wantSays(t, answered(r.prove(t, c, responses)), sayIncorrect)
		}
	})
}

func TestSecretHash(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) { in.UsernameAttributes = []idp.UsernameAttributeType{"email"} })
	c := r.client(t, sn, withSecret)
	secret := r.secretOf(t, c)
	hash := func(name string) string {
		m := hmac.New(sha256.New, []byte(secret))
		m.Write([]byte(name + c.ID))
		return base64.StdEncoding.EncodeToString(m.Sum(nil))
	}
	u := r.have(t, sn, "alice@example.com", person{password: right})
	start := func(flow idp.AuthFlowType, params map[string]string) (*idp.InitiateAuthResponse, error) {
		return r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{ClientId: c.ID, AuthFlow: flow, AuthParameters: params})
	}
	out, err := start("USER_PASSWORD_AUTH", map[string]string{"USERNAME": "alice@example.com", "PASSWORD": right, "SECRET_HASH": hash("alice@example.com")})
	if err != nil {
		t.Fatal(err)
	}
	refresh := *out.AuthenticationResult.RefreshToken
	const unverified = "NotAuthorizedException: Unable to verify secret hash for client "
	wantSays(t, said(start("USER_PASSWORD_AUTH", map[string]string{"USERNAME": "alice@example.com", "PASSWORD": right, "SECRET_HASH": hash(u.ID())})), unverified+c.ID)

	// The answer's hash is over the name that the answer sends.
	client := srpclient.New(sn.ID)
	for _, name := range []string{u.ID(), "alice@example.com"} {
		asked, err := start("USER_SRP_AUTH", map[string]string{"USERNAME": "alice@example.com", "SRP_A": client.Public(), "SECRET_HASH": hash("alice@example.com")})
		if err != nil {
			t.Fatal(err)
		}
		responses := client.Prove(asked.ChallengeParameters, right, r.now())
		responses["USERNAME"] = name
		wantSays(t, answered(r.prove(t, c, responses)), "NotAuthorizedException: Client "+c.ID+" is configured with secret but SECRET_HASH was not received")
		responses["SECRET_HASH"] = hash("somebody")
		wantSays(t, answered(r.prove(t, c, responses)), unverified+c.ID)
		responses["SECRET_HASH"] = hash(name)
		wantSays(t, answered(r.prove(t, c, responses)), "tokens")
	}

	// A refresh's is over the stored username.
	mismatch := "NotAuthorizedException: SecretHash does not match for the client: " + c.ID
	for h, want := range map[string]string{hash(u.ID()): "tokens", hash("alice@example.com"): mismatch, "": mismatch} {
		wantSays(t, said(start("REFRESH_TOKEN_AUTH", map[string]string{"REFRESH_TOKEN": refresh, "SECRET_HASH": h})), want)
	}
	for _, test := range []struct {
		secret *string
		want   string
	}{{&secret, ""}, {new("wrong"), "NotAuthorizedException: Invalid client secret"}, {nil, "NotAuthorizedException: Invalid client secret"}} {
		_, err := r.GetTokensFromRefreshToken(t.Context(), &idp.GetTokensFromRefreshTokenRequest{ClientId: c.ID, RefreshToken: refresh, ClientSecret: test.secret})
		wantSays(t, comesTo("", nil, err), test.want)
	}
}

// TestAdminAnswers: a session may be made on one side and answered on the other.
func TestAdminAnswers(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	c := r.client(t, r.pool)
	u, out := r.invited(t, r.pool, c, person{})
	got, err := r.AdminRespondToAuthChallenge(t.Context(), &idp.AdminRespondToAuthChallengeRequest{
		UserPoolId: r.pool.ID, ClientId: c.ID, ChallengeName: out.ChallengeName, Session: out.Session,
		ChallengeResponses: map[string]string{"USERNAME": u.Username(), "NEW_PASSWORD": fresh},
	})
	if err != nil || got.AuthenticationResult == nil {
		t.Fatal(err)
	}
	_, err = r.AdminRespondToAuthChallenge(t.Context(), &idp.AdminRespondToAuthChallengeRequest{
		UserPoolId: "us-east-1_000000000", ClientId: c.ID, ChallengeName: out.ChallengeName, Session: out.Session,
	})
	wantSays(t, comesTo("", nil, err), "ResourceNotFoundException: User pool us-east-1_000000000 does not exist.")
}

func FuzzParseState(f *testing.F) {
	b, err := (&state{Version: stateVersion, Name: "alice", Nonce: make([]byte, 16), SRP: &srpproof.Exchange{A: []byte{1}}, Expect: []idp.ChallengeNameType{"PASSWORD_VERIFIER"}}).marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		st, err := parseState(b)
		if err != nil {
			return
		}
		again, err := st.marshal()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := parseState(again); err != nil || back.Name != st.Name || !cmp.Equal(st.Expect, back.Expect) || st.ExpiresAt != back.ExpiresAt {
			t.Errorf("%s is not read back: %v", b, err)
		}
	})
}

func FuzzSession(f *testing.F) {
	r := sqlite(f)
	c := r.client(f, r.pool)
	u, out := r.invited(f, r.pool, c, person{})
	f.Add(*out.Session)
	f.Add("AYABe")
	f.Fuzz(func(t *testing.T, session string) {
		if session == *out.Session || session == "" {
			return
		}
		got := r.answer(t, c.ID, idp.ChallengeNameTypeNewPasswordRequired, &session, "USERNAME", u.Username(), "NEW_PASSWORD", fresh)
		wantSays(t, got, sayInvalid)
	})
}
