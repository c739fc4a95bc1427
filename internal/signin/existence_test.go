package signin

import (
	"encoding/base64"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/test/lambdas"
)

// A stranger is whoever knows a name and nothing else. entry is a way that a
// stranger has in. It returns everything that comes back, with what is drawn at
// random replaced by its length or its form.
type entry struct {
	name string
	ask  func(s *stranger)
}

// stranger asks about one name and notes the answers.
type stranger struct {
	t      testing.TB
	r      *rig
	client *pool.Client
	name   string
	seen   []string
}

func (s *stranger) note(text string) { s.seen = append(s.seen, text) }

// form describes a value: that it repeats the name that was asked about, a UUID, a
// masked address, or how long it is.
func (s *stranger) form(key, value string) string {
	switch {
	case strings.EqualFold(value, s.name):
		return "the name"
	case uuidForm.MatchString(value):
		return "a UUID"
	case maskForm.MatchString(value):
		return maskForm.ReplaceAllString(value, "x$1@y$2")
	case key == "SRP_B": // as any number, it may begin with zeros
		return fmt.Sprint(len(value) > 700)
	case key == "SALT" || key == "SECRET_BLOCK":
		return fmt.Sprint(len(value), " characters")
	}
	return value
}

var (
	uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	maskForm = regexp.MustCompile(`^.(\*\*\*)@.(\*\*\*)$`)
)

func (s *stranger) challenge(name idp.ChallengeNameType, params map[string]string, session *string, available []idp.ChallengeNameType, err error) bool {
	if err != nil {
		s.note(lambdas.Says(err))
		return false
	}
	s.note(string(name) + " of " + names(available))
	for _, key := range slices.Sorted(maps.Keys(params)) {
		s.note(key + ": " + s.form(key, params[key]))
	}
	if session != nil {
		s.note(fmt.Sprint("Session of ", len(*session)))
	}
	return true
}

func (s *stranger) start(flow idp.AuthFlowType, pairs ...string) *idp.InitiateAuthResponse {
	s.t.Helper()
	params := map[string]string{"USERNAME": s.name}
	for i := 0; i < len(pairs); i += 2 {
		params[pairs[i]] = pairs[i+1]
	}
	out, err := s.r.InitiateAuth(s.t.Context(), &idp.InitiateAuthRequest{ClientId: s.client.ID, AuthFlow: flow, AuthParameters: params})
	if err != nil {
		s.note(lambdas.Says(err))
		return nil
	}
	s.challenge(out.ChallengeName, out.ChallengeParameters, out.Session, out.AvailableChallenges, nil)
	return out
}

func (s *stranger) respond(name idp.ChallengeNameType, session *string, pairs ...string) *idp.RespondToAuthChallengeResponse {
	s.t.Helper()
	out, err := s.r.respondTo(s.t.Context(), s.client, string(name), session, s.name, pairs...)
	if err != nil {
		s.note(lambdas.Says(err))
		return nil
	}
	s.challenge(out.ChallengeName, out.ChallengeParameters, out.Session, out.AvailableChallenges, nil)
	return out
}

// prove answers PASSWORD_VERIFIER with a signature that cannot be right.
func (s *stranger) prove(params map[string]string, session *string) {
	s.t.Helper()
	s.respond(idp.ChallengeNameTypePasswordVerifier, session, "PASSWORD_CLAIM_SECRET_BLOCK", params["SECRET_BLOCK"],
		"PASSWORD_CLAIM_SIGNATURE", base64.StdEncoding.EncodeToString(make([]byte, 32)), "TIMESTAMP", "Fri Jan 15 08:00:00 UTC 2027")
}

func (s *stranger) delivery(d *idp.CodeDeliveryDetailsType, err error) {
	if err != nil {
		s.note(lambdas.Says(err))
		return
	}
	s.note(string(d.DeliveryMedium) + " " + *d.AttributeName + " " + s.form("", *d.Destination))
}

const strangersA = "abcdef0123456789"

// entries are all ways in that need no token and no administrator.
var entries = []entry{
	{"USER_PASSWORD_AUTH", func(s *stranger) { s.start("USER_PASSWORD_AUTH", "PASSWORD", wrong) }},
	{"USER_SRP_AUTH", func(s *stranger) {
		if out := s.start("USER_SRP_AUTH", "SRP_A", strangersA); out != nil {
			s.prove(out.ChallengeParameters, nil)
		}
	}},
	{"CUSTOM_AUTH", func(s *stranger) {
		if out := s.start("CUSTOM_AUTH"); out != nil {
			s.respond(out.ChallengeName, out.Session, "ANSWER", "6")
		}
	}},
	{"CUSTOM_AUTH with SRP", func(s *stranger) {
		if out := s.start("CUSTOM_AUTH", "CHALLENGE_NAME", "SRP_A", "SRP_A", strangersA); out != nil {
			s.prove(out.ChallengeParameters, out.Session)
		}
	}},
	{"USER_AUTH, choice", func(s *stranger) {
		if out := s.start("USER_AUTH"); out != nil {
			s.respond(out.ChallengeName, out.Session, "ANSWER", "PASSWORD", "PASSWORD", wrong)
		}
		if out := s.start("USER_AUTH"); out != nil {
			s.respond(out.ChallengeName, out.Session, "ANSWER", askMail)
		}
		if out := s.start("USER_AUTH"); out != nil {
			if next := s.respond(out.ChallengeName, out.Session, "ANSWER", "PASSWORD_SRP", "SRP_A", strangersA); next != nil {
				s.prove(next.ChallengeParameters, next.Session)
			}
		}
	}},
	{"USER_AUTH, EMAIL_OTP", func(s *stranger) {
		if out := s.start("USER_AUTH", "PREFERRED_CHALLENGE", askMail); out != nil {
			s.respond(out.ChallengeName, out.Session, "EMAIL_OTP_CODE", "none")
		}
	}},
	{"USER_AUTH, PASSWORD", func(s *stranger) {
		s.start("USER_AUTH", "PREFERRED_CHALLENGE", "PASSWORD", "PASSWORD", wrong)
		if out := s.start("USER_AUTH", "PREFERRED_CHALLENGE", "PASSWORD"); out != nil {
			s.respond(out.ChallengeName, out.Session, "PASSWORD", wrong)
		}
	}},
	{"USER_AUTH, PASSWORD_SRP", func(s *stranger) {
		if out := s.start("USER_AUTH", "PREFERRED_CHALLENGE", "PASSWORD_SRP", "SRP_A", strangersA); out != nil {
			s.prove(out.ChallengeParameters, out.Session)
		}
	}},
	{"recovery", func(s *stranger) {
		give := func() {
			_, err := s.r.registrations.ConfirmForgotPassword(s.t.Context(), &idp.ConfirmForgotPasswordRequest{ClientId: s.client.ID, Username: s.name, ConfirmationCode: "none", Password: fresh})
			s.note(lambdas.Says(err))
		}
		give()
		out, err := s.r.registrations.ForgotPassword(s.t.Context(), &idp.ForgotPasswordRequest{ClientId: s.client.ID, Username: s.name})
		if err != nil {
			out = &idp.ForgotPasswordResponse{}
		}
		s.delivery(out.CodeDeliveryDetails, err)
		give()
	}},
	{"confirmation", func(s *stranger) {
		give := func() {
			_, err := s.r.registrations.ConfirmSignUp(s.t.Context(), &idp.ConfirmSignUpRequest{ClientId: s.client.ID, Username: s.name, ConfirmationCode: "none"})
			s.note(lambdas.Says(err))
		}
		give()
		out, err := s.r.registrations.ResendConfirmationCode(s.t.Context(), &idp.ResendConfirmationCodeRequest{ClientId: s.client.ID, Username: s.name})
		if err != nil {
			out = &idp.ResendConfirmationCodeResponse{}
		}
		s.delivery(out.CodeDeliveryDetails, err)
		give()
	}},
	{"confirmation with a Session", func(s *stranger) {
		out, err := s.r.registrations.ConfirmSignUp(s.t.Context(), &idp.ConfirmSignUpRequest{ClientId: s.client.ID, Username: s.name, ConfirmationCode: "none", Session: new(strings.Repeat("a", 900))})
		s.note(fmt.Sprint(out != nil, lambdas.Says(err)))
	}},
}

// strangerPool makes a pool that has all entries.
func (r *rig) strangerPool(t testing.TB, change func(*idp.CreateUserPoolRequest)) *pool.Snapshot {
	t.Helper()
	r.twoRounds(t)
	return r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
		in.AutoVerifiedAttributes = []idp.VerifiedAttributeType{"email"}
		in.AccountRecoverySetting = &idp.AccountRecoverySettingType{RecoveryMechanisms: []idp.RecoveryOptionType{{Name: "verified_email", Priority: 1}}}
		in.Policies = &idp.UserPoolPolicyType{SignInPolicy: &idp.SignInPolicyType{AllowedFirstAuthFactors: []idp.AuthFactorType{"PASSWORD", "EMAIL_OTP"}}}
		in.LambdaConfig = &idp.LambdaConfigType{
			DefineAuthChallenge: lambdas.ARN("define"), CreateAuthChallenge: lambdas.ARN("create"), VerifyAuthChallengeResponse: lambdas.ARN("verify"),
		}
		change(in)
	})
}

// TestStrangersLearnNothing asks everything that a stranger can ask about users in
// every state and about names that nobody has. With PreventUserExistenceErrors the
// answers have the same texts, the same forms and the same lengths.
func TestStrangersLearnNothing(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long-name-", 9)
	states := []struct {
		name string
		p    person
	}{
		{"confirmed", person{password: right}},
		{"disabled", person{password: right, disabled: true}},
		{"unconfirmed", person{password: right, status: idp.UserStatusTypeUnconfirmed}},
		{"reset required", person{password: right, status: idp.UserStatusTypeResetRequired}},
		{"force change", person{password: right, status: idp.UserStatusTypeForceChangePassword, temporary: true}},
	}
	pools := []struct {
		name   string
		change func(*idp.CreateUserPoolRequest)
		// names makes the name that is asked about, and the username of who has it,
		// from a word that is different for each user.
		names map[string]func(word string) (name, username string)
	}{
		{"usernames", func(*idp.CreateUserPoolRequest) {}, map[string]func(string) (string, string){
			"short":    func(w string) (string, string) { return w, w },
			"long":     func(w string) (string, string) { return w + long, w + long },
			"capitals": func(w string) (string, string) { return "A" + w, "a" + w },
			"UUID":     func(string) (string, string) { id := keys.NewUUID(); return id, id },
			"address":  func(w string) (string, string) { return w + "@example.com", w + "@example.com" },
		}},
		{"addresses as usernames", func(in *idp.CreateUserPoolRequest) {
			in.UsernameAttributes = []idp.UsernameAttributeType{"email"}
		}, map[string]func(string) (string, string){
			"short": func(w string) (string, string) { return w + "@example.com", "" },
			"long":  func(w string) (string, string) { return w + long + "@" + long + "example.com", "" },
		}},
		{"addresses as aliases", func(in *idp.CreateUserPoolRequest) {
			in.AliasAttributes = []idp.AliasAttributeType{"email"}
		}, map[string]func(string) (string, string){
			"by username": func(w string) (string, string) { return w, w },
			// Such pools take no address as username, and their applications draw one.
			"by address": func(w string) (string, string) { return w + "@example.com", keys.NewUUID() },
		}},
	}
	engines(t, func(t *testing.T, r *rig) {
		r.Clock.Set(time.UnixMilli(1_800_000_000_000))
		for _, p := range pools {
			sn := r.strangerPool(t, p.change)
			client := r.client(t, sn, choosing, hiding)
			ask := func(t testing.TB, e entry, name string) []string {
				s := &stranger{t: t, r: r, client: client, name: name}
				e.ask(s)
				return s.seen
			}
			for _, kind := range slices.Sorted(maps.Keys(p.names)) {
				t.Run(p.name+", "+kind, func(t *testing.T) {
					word := 0
					draw := func() (string, string) {
						word++
						return p.names[kind](fmt.Sprintf("%c-%s-%02d", 'a'+len(kind), strings.ReplaceAll(kind, " ", "-"), word))
					}
					nobody := map[string][]string{}
					for _, e := range entries {
						name, _ := draw()
						nobody[e.name] = ask(t, e, name)
					}
					for _, st := range states {
						for _, e := range entries {
							name, username := draw()
							who := st.p
							who.attrs = map[string]string{"email": username + "@example.com", "email_verified": "true"}
							if strings.Contains(name, "@") {
								who.attrs["email"] = name
							}
							if username == "" {
								username = name
							}
							if st.p.status == idp.UserStatusTypeUnconfirmed && len(sn.AliasAttributes) == 0 {
								who.attrs["email_verified"] = "false"
							}
							r.have(t, sn, username, who)
							if diff := cmp.Diff(nobody[e.name], ask(t, e, name)); diff != "" {
								t.Errorf("%s, %s (-nobody +user)\n%s", e.name, st.name, diff)
							}
						}
					}
				})
			}
		}
	})
}

// BenchmarkStrangers asks about a user and about a name that nobody has. The two
// should cost the same; `make bench` compares their times.
func BenchmarkStrangers(b *testing.B) {
	r := sqlite(b)
	sn := r.strangerPool(b, func(in *idp.CreateUserPoolRequest) { in.LambdaConfig = nil })
	client := r.client(b, sn, choosing, hiding)
	attrs := map[string]string{"email": "alice@example.com", "email_verified": "true", "given_name": "Alice", "family_name": "Example"}
	r.have(b, sn, "user-alice", person{password: right, attrs: attrs})
	r.have(b, sn, "user-carol", person{password: right, attrs: maps.Clone(attrs), status: idp.UserStatusTypeUnconfirmed})
	for _, e := range []struct {
		name, known string
		ask         func(s *stranger)
	}{
		{"USER_PASSWORD_AUTH", "user-alice", entries[0].ask},
		{"USER_SRP_AUTH", "user-alice", func(s *stranger) { s.start("USER_SRP_AUTH", "SRP_A", strangersA) }},
		{"USER_SRP_AUTH and proof", "user-alice", entries[1].ask},
		{"USER_AUTH", "user-alice", func(s *stranger) { s.start("USER_AUTH") }},
		{"USER_AUTH, EMAIL_OTP", "user-alice", func(s *stranger) { s.start("USER_AUTH", "PREFERRED_CHALLENGE", askMail) }},
		{"ForgotPassword", "user-alice", func(s *stranger) {
			_, err := s.r.registrations.ForgotPassword(s.t.Context(), &idp.ForgotPasswordRequest{ClientId: s.client.ID, Username: s.name})
			s.note(lambdas.Says(err))
		}},
		{"ConfirmForgotPassword", "user-alice", func(s *stranger) {
			_, err := s.r.registrations.ConfirmForgotPassword(s.t.Context(), &idp.ConfirmForgotPasswordRequest{ClientId: s.client.ID, Username: s.name, ConfirmationCode: "none", Password: fresh})
			s.note(lambdas.Says(err))
		}},
		{"ResendConfirmationCode", "user-carol", func(s *stranger) {
			_, err := s.r.registrations.ResendConfirmationCode(s.t.Context(), &idp.ResendConfirmationCodeRequest{ClientId: s.client.ID, Username: s.name})
			s.note(lambdas.Says(err))
		}},
		{"ConfirmSignUp", "user-carol", func(s *stranger) {
			_, err := s.r.registrations.ConfirmSignUp(s.t.Context(), &idp.ConfirmSignUpRequest{ClientId: s.client.ID, Username: s.name, ConfirmationCode: "none"})
			s.note(lambdas.Says(err))
		}},
	} {
		for _, name := range []string{e.known, "user-nobody"} {
			b.Run(e.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					r.Clock.Pass(48 * 60 * 60 * 1e9) // past every lock and limit
					e.ask(&stranger{t: b, r: r, client: client, name: name})
				}
			})
		}
	}
}
