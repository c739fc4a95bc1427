package signin

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/test/lambdas"
)

// twoRounds makes a pool whose custom sign-in wants two right answers, and
// fails at the first wrong one.
func (r *rig) twoRounds(t testing.TB) *pool.Snapshot {
	t.Helper()
	r.Functions.On("define", func(e *lambdas.Event) string {
		session, _ := e.Request["session"].([]any)
		right := true
		for _, one := range session {
			right = right && one.(map[string]any)["challengeResult"] == true
		}
		switch {
		case !right:
			e.Response["failAuthentication"] = true
		case len(session) == 2:
			e.Response["issueTokens"] = true
		default:
			e.Response["challengeName"] = "CUSTOM_CHALLENGE"
		}
		return ""
	})
	r.Functions.On("create", func(e *lambdas.Event) string {
		e.Response["publicChallengeParameters"] = map[string]string{"question": "2+3"}
		e.Response["privateChallengeParameters"] = map[string]string{"answer": "5"}
		e.Response["challengeMetadata"] = "SUM"
		return ""
	})
	r.Functions.On("verify", func(e *lambdas.Event) string {
		if e.Request["challengeAnswer"] == "throw" {
			return "no"
		}
		private, _ := e.Request["privateChallengeParameters"].(map[string]any)
		e.Response["answerCorrect"] = e.Request["challengeAnswer"] == private["answer"]
		return ""
	})
	for _, name := range []string{"pre", "post", "tokens"} {
		r.Functions.On(name, func(*lambdas.Event) string { return "" })
	}
	return r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
		in.LambdaConfig = &idp.LambdaConfigType{
			DefineAuthChallenge: lambdas.ARN("define"), CreateAuthChallenge: lambdas.ARN("create"), VerifyAuthChallengeResponse: lambdas.ARN("verify"),
			PreAuthentication: lambdas.ARN("pre"), PostAuthentication: lambdas.ARN("post"), PreTokenGeneration: lambdas.ARN("tokens"),
		}
	})
}

// TestCustomAuth walks custom sign-ins: a row for each series of answers.
func TestCustomAuth(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.twoRounds(t)
		open, hides := r.client(t, sn), r.client(t, sn, hiding)
		r.have(t, sn, "alice", person{password: right})
		r.have(t, sn, "carol", person{password: right, disabled: true})
		r.have(t, sn, "dave", person{})
		const (
			begin = "PreAuthentication_Authentication DefineAuthChallenge_Authentication CreateAuthChallenge_Authentication"
			next  = " VerifyAuthChallengeResponse_Authentication DefineAuthChallenge_Authentication"
			more  = " CreateAuthChallenge_Authentication"
			end   = " PostAuthentication_Authentication TokenGeneration_Authentication"
		)
		rows := []struct {
			name, user string
			client     *pool.Client
			answers    []string
			want       string
			sources    string
		}{
			{"right", "alice", open, []string{"5", "5"}, "tokens", begin + next + more + next + end},
			{"without a password", "dave", open, []string{"5", "5"}, "tokens", begin + next + more + next + end},
			{"second wrong", "alice", open, []string{"5", "6"}, sayIncorrect, begin + next + more + next},
			{"a function throws", "alice", open, []string{"throw"}, "UserLambdaValidationException: VerifyAuthChallengeResponse failed with error no.", begin + " VerifyAuthChallengeResponse_Authentication"},
			{"nobody", "nobody", open, nil, sayUnknown, ""},
			{"nobody, hidden", "nobody", hides, []string{"5", "5"}, sayIncorrect, begin + next + more + next},
			{"disabled", "carol", open, nil, sayDisabled, ""},
			{"disabled, hidden", "carol", hides, []string{"5", "5"}, sayIncorrect, begin + next + more + next},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				r.Functions.Events()
				out, err := r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{
					ClientId: row.client.ID, AuthFlow: idp.AuthFlowTypeCustomAuth, AuthParameters: map[string]string{"USERNAME": row.user},
					ClientMetadata: map[string]string{"start": "only"},
				})
				got := said(out, err)
				var session *string
				if err == nil {
					session = out.Session
					if diff := cmp.Diff(map[string]string{"question": "2+3", "USERNAME": row.user}, out.ChallengeParameters); diff != "" {
						t.Error(diff)
					}
				}
				for i, a := range row.answers {
					wantSays(t, got, "CUSTOM_CHALLENGE")
					in := &idp.RespondToAuthChallengeRequest{
						ClientId: row.client.ID, ChallengeName: "CUSTOM_CHALLENGE", Session: session,
						ChallengeResponses: map[string]string{"USERNAME": row.user, "ANSWER": a}, ClientMetadata: map[string]string{"k": "v"},
					}
					res, err := r.RespondToAuthChallenge(t.Context(), in)
					got = lambdas.Says(err)
					if err == nil {
						got, session = answered(res, nil), res.Session
					}
					if i == len(row.answers)-1 {
						// However it ended, the session is spent.
						_, err := r.RespondToAuthChallenge(t.Context(), in)
						wantSays(t, lambdas.Says(err), sayInvalid)
					}
				}
				wantSays(t, got, row.want)
				events := r.Functions.Events()
				sources := ""
				for i, e := range events {
					if i > 0 {
						sources += " "
					}
					sources += e.TriggerSource
					if told := e.Request["clientMetadata"] != nil; told != (i > 2) {
						t.Errorf("%s: clientMetadata %v", e.TriggerSource, e.Request["clientMetadata"])
					}
					if nobody := e.Request["userNotFound"]; i < 3 && (nobody != nil) != (row.client == hides) {
						t.Errorf("%s: userNotFound %v", e.TriggerSource, nobody)
					}
				}
				wantSays(t, sources, row.sources)
				if len(events) > 4 {
					want := []any{map[string]any{"challengeName": "CUSTOM_CHALLENGE", "challengeResult": true, "challengeMetadata": "SUM"}}
					if diff := cmp.Diff(want, events[4].Request["session"]); diff != "" {
						t.Error(diff)
					}
				}
			})
		}
	})
}

// TestFunctionsOfPasswordSignIn: what is called, in what order, and what a
// refusal costs.
func TestFunctionsOfPasswordSignIn(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.twoRounds(t)
		c, hides := r.client(t, sn), r.client(t, sn, hiding)
		r.have(t, sn, "alice", person{password: right})
		r.have(t, sn, "erin", person{password: right, status: idp.UserStatusTypeUnconfirmed})
		const pre, post, tokens = "PreAuthentication_Authentication", " PostAuthentication_Authentication", " TokenGeneration_Authentication"
		rows := []struct {
			name, user, password, throws string
			client                       *pool.Client
			want, sources                string
		}{
			{"right", "alice", right, "", c, "tokens", pre + post + tokens},
			{"wrong", "alice", wrong, "", c, sayIncorrect, pre},
			{"refused before", "alice", wrong, "pre", c, "UserLambdaValidationException: PreAuthentication failed with error no.", pre},
			{"before the status", "erin", right, "pre", c, "UserLambdaValidationException: PreAuthentication failed with error no.", pre},
			{"refused after", "alice", right, "post", c, "UserLambdaValidationException: PostAuthentication failed with error no.", pre + post},
			{"refused tokens", "alice", right, "tokens", c, "UserLambdaValidationException: PreTokenGeneration failed with error no.", pre + post + tokens},
			{"nobody", "nobody", right, "", c, sayUnknown, ""},
			{"nobody, hidden", "nobody", right, "", hides, sayIncorrect, pre},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				for _, name := range []string{"pre", "post", "tokens"} {
					r.Functions.On(name, func(*lambdas.Event) string {
						if name == row.throws {
							return "no"
						}
						return ""
					})
				}
				r.Functions.Events()
				out, err := r.plain(t.Context(), row.client, row.user, row.password)
				got := lambdas.Says(err)
				if err == nil {
					got = said(out, nil)
				}
				wantSays(t, got, row.want)
				wantSays(t, r.Functions.Sources(), row.sources)
				if row.name != "right" {
					return
				}
				in := &idp.InitiateAuthRequest{ClientId: c.ID, AuthFlow: idp.AuthFlowTypeRefreshTokenAuth, AuthParameters: map[string]string{"REFRESH_TOKEN": *out.AuthenticationResult.RefreshToken}}
				if _, err := r.InitiateAuth(t.Context(), in); err != nil {
					t.Fatal(err)
				}
				wantSays(t, r.Functions.Sources(), "TokenGeneration_RefreshTokens")
			})
		}
	})
}
