package signin

import (
	"maps"
	"sync"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/signin/codes"
	"cognate/test/services"
	"cognate/test/srpclient"
)

const (
	// manyAnswers are sent at once, one of them right.
	manyAnswers = 24
	// longPause ends every count of wrong answers.
	longPause = 25 * time.Hour

	sayTooManyEnrolments = "EnableSoftwareTokenMFAException: Attempt limit exceeded, please try after some time."
)

// judgedOnce is a challenge that is answered by many at once.
type judgedOnce struct {
	name string
	// begin comes to the challenge and returns what answers it.
	begin func(t *testing.T) (answer func(correct bool) string)
	right string // what a right answer leads to
	// most is how many answers to one session are judged.
	most int
	// refused are the answers that do not say how the answer was judged.
	refused []string
	// after, if set, runs after all were answered.
	openNextState func(t *testing.T)
}

// TestAnswersAtOnce: of many answers to one challenge at once, no more are judged
// than its limit, and those that are not hear the same whether they were right.
func TestAnswersAtOnce(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		rows := append(r.judgedCodes(t), r.judgedCustom(t), r.judgedPasskey(t), r.judgedDevice(t), r.judgedSRP(t))
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				for correct := range 3 {
					answer := row.begin(t)
					var mu sync.Mutex
					got := map[string]int{}
					var wg sync.WaitGroup
					for i := range manyAnswers {
						wg.Go(func() {
							says := told(answer(i == correct*manyAnswers/3))
							mu.Lock()
							defer mu.Unlock()
							got[says]++
						})
					}
					wg.Wait()
					judged := maps.Clone(got)
					for _, says := range row.refused {
						delete(judged, says)
					}
					n := 0
					for _, times := range judged {
						n += times
					}
					if n > row.most || got[row.right] > 1 {
						t.Errorf("%d answers were judged, at most %d may be: %v", n, row.most, got)
					}
					if row.openNextState != nil {
						row.openNextState(t)
					}
				}
			})
		}
	})
}

func (r *rig) judgedCustom(t *testing.T) judgedOnce {
	c := r.client(t, r.twoRounds(t))
	sn, err := r.pools.Load(t.Context(), c.PoolID)
	if err != nil {
		t.Fatal(err)
	}
	r.have(t, sn, "alice", person{})
	return judgedOnce{
		name: "custom challenge", right: "CUSTOM_CHALLENGE", most: 1, refused: []string{sayInvalid},
		begin: func(t *testing.T) func(bool) string {
			out, err := r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{
				ClientId: c.ID, AuthFlow: idp.AuthFlowTypeCustomAuth, AuthParameters: map[string]string{"USERNAME": "alice"},
			})
			wantSays(t, said(out, err), "CUSTOM_CHALLENGE")
			r.Functions.Events()
			return func(correct bool) string {
				answer := map[bool]string{true: "5", false: "6"}[correct]
				return answered(r.respondTo(t.Context(), c, "CUSTOM_CHALLENGE", out.Session, "alice", "ANSWER", answer))
			}
		},
		openNextState: func(t *testing.T) {
			asked := 0
			for _, e := range r.Functions.Events() {
				if e.TriggerSource == "VerifyAuthChallengeResponse_Authentication" {
					asked++
				}
			}
			if asked != 1 {
				t.Errorf("the function judged %d answers to one challenge", asked)
			}
		},
	}
}

func (r *rig) judgedPasskey(t *testing.T) judgedOnce {
	sn := r.choicePool(t, askPasskey, idp.UserPoolMfaTypeOff, false)
	c := r.client(t, sn, choosing)
	jane, john := r.have(t, sn, "jane", reachable(right)), r.have(t, sn, "john", reachable(right))
	hers, his := r.registered(t, sn, jane), r.registered(t, sn, john)
	return judgedOnce{
		name: "passkey", right: "tokens", most: 1, refused: []string{sayUsed},
		begin: func(t *testing.T) func(bool) string {
			out := r.mustChoose(t, c, "jane", askPasskey, "PREFERRED_CHALLENGE", askPasskey)
			credentials := map[bool]string{true: assertion(t, hers, out.ChallengeParameters), false: assertion(t, his, out.ChallengeParameters)}
			return func(correct bool) string {
				return answered(r.respondTo(t.Context(), c, askPasskey, out.Session, "jane", "CREDENTIAL", credentials[correct]))
			}
		},
	}
}

func (r *rig) judgedDevice(t *testing.T) judgedOnce {
	sn := r.poolWith(t, tracking(true, false))
	c := r.client(t, sn)
	r.have(t, sn, "alice", person{password: right})
	d, _ := r.registeredDevice(t, c, "alice")
	return judgedOnce{
		name: "device", right: "tokens", most: 1, refused: []string{sayUsed},
		begin: func(t *testing.T) func(bool) string {
			p := r.deviceProof(c, "alice", d)
			asked := p.upTo(t)
			proofs := map[bool]map[string]string{
				true: p.responses(asked.ChallengeParameters, d.secret), false: p.responses(asked.ChallengeParameters, "not "+d.secret),
			}
			return func(correct bool) string { return answered(p.end(t.Context(), asked.Session, proofs[correct])) }
		},
	}
}

// judgedSRP: guesses at a password are counted by the user's lock-out, and all but
// the right one that is the first hear the same.
func (r *rig) judgedSRP(t *testing.T) judgedOnce {
	c := r.client(t, r.pool)
	r.confirmed(t, "sue")
	return judgedOnce{
		name: "SRP", right: "tokens", most: 1, refused: []string{sayIncorrect, sayLocked},
		begin: func(t *testing.T) func(bool) string {
			client := srpclient.New(c.PoolID)
			asked, err := r.askSRPOf(t, c, client, "sue")
			if err != nil {
				t.Fatal(err)
			}
			proofs := map[bool]map[string]string{
				true: client.Prove(asked.ChallengeParameters, right, r.now()), false: client.Prove(asked.ChallengeParameters, wrong, r.now()),
			}
			return func(correct bool) string { return answered(r.prove(t, c, proofs[correct])) }
		},
		openNextState: func(*testing.T) { r.Clock.Pass(longPause) },
	}
}

// judgedCodes are the challenges of codes, which leave a session for ten tries.
func (r *rig) judgedCodes(t *testing.T) []judgedOnce {
	sn := r.mfaPool(t, idp.UserPoolMfaTypeOptional, askTOTP, askSMS)
	c := r.client(t, sn)
	first := r.choicePool(t, askMail, idp.UserPoolMfaTypeOff, false)
	firstFactorOptions := r.client(t, first, choosing)
	sam := r.have(t, sn, "sam", person{password: right, attrs: map[string]string{"phone_number": "+12065550100"}})
	r.prefers(t, sam, askSMS)
	tom := r.have(t, sn, "tom", person{password: right})
	toms := r.enrolled(t, sn, c, tom)
	ann := r.have(t, sn, "ann", person{password: right})
	r.prefers(t, tom, askTOTP)
	eve := r.have(t, first, "eve", reachable(right))
	refused := []string{sayUsed, sayInvalid, sayExceeded}
	pause := func(*testing.T) { r.Clock.Pass(longPause) }
	second := func(b *begun, member, code string) func(bool) string {
		return func(correct bool) string {
			given := code
			if !correct {
				given = services.OtherCode(code)
			}
			return answered(r.respondTo(t.Context(), c, string(b.name), b.session, b.u.Username(), member, given))
		}
	}
	return []judgedOnce{
		{name: "SMS code", right: "tokens", most: codes.Tries, refused: refused, openNextState: pause, begin: func(t *testing.T) func(bool) string {
			b := r.begin(t, c, sam, askSMS)
			return second(b, "SMS_MFA_CODE", r.code(t, sam))
		}},
		{name: "authenticator app", right: "tokens", most: codes.Tries, refused: refused, openNextState: pause, begin: func(t *testing.T) func(bool) string {
			return second(r.begin(t, c, tom, askTOTP), "SOFTWARE_TOKEN_MFA_CODE", toms.code(0))
		}},
		{name: "e-mail code", right: "tokens", most: codes.Tries, refused: refused, openNextState: pause, begin: func(t *testing.T) func(bool) string {
			out := r.mustChoose(t, firstFactorOptions, "eve", askMail, "PREFERRED_CHALLENGE", askMail)
			code := r.code(t, eve)
			return func(correct bool) string {
				given := code
				if !correct {
					given = services.OtherCode(code)
				}
				return answered(r.respondTo(t.Context(), firstFactorOptions, askMail, out.Session, "eve", "EMAIL_OTP_CODE", given))
			}
		}},
		{name: "new authenticator app", right: "verified", most: 15, refused: []string{sayNoApp, sayInvalid, sayUsed, sayTooManyEnrolments},
			openNextState: pause, begin: func(t *testing.T) func(bool) string {
				token := r.token(t, sn, c, ann)
				anns := r.associate(t, token)
				return func(correct bool) string {
					code := anns.code(0)
					if !correct {
						code = services.OtherCode(code)
					}
					if _, err := r.verify(t.Context(), token, code); err != nil {
						return err.Error()
					}
					return "verified"
				}
			}},
	}
}
