package ops_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/test/srpclient"
)

// clock sets the clock of a development server, as its user does.
func (r rig) clock(t *testing.T, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/_cognate/clock", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("clock: %v %d %s", err, res.StatusCode, text)
	}
	return string(text)
}

// TestClock: what a client holds expires as the clock of cognate dev says, while
// signatures go by the machine's.
func TestClock(t *testing.T) {
	alone(t, func(t *testing.T, r rig) {
		pool := r.pool(t)
		client := r.client(t, pool)
		forward := func(d string) { t.Helper(); r.clock(t, `{"advance":"`+d+`"}`) }

		// An access token, then its refresh token.
		r.user(t, pool, "alice")
		set := r.signIn(t, client, "alice")
		forward("59m")
		getUser := func() error {
			_, err := r.GetUser(t.Context(), &cip.GetUserInput{AccessToken: set.AccessToken})
			return err
		}
		wantError(t, getUser(), nil)
		forward("61s")
		wantError(t, getUser(), notAuthorized("Access Token has expired"))
		wantError(t, r.refresh(t, client, set), nil)
		forward("30d")
		wantError(t, r.refresh(t, client, set), notAuthorized("Refresh Token has expired"))
		r.clock(t, `{"reset":true}`) // It may go back, and nothing was swept yet.
		wantError(t, r.refresh(t, client, set), nil)

		// A confirmation code.
		r.signUp(t, client, "bob", "email", "bob@example.com")
		code := r.code(t, pool, "bob")
		confirm := func() error {
			_, err := r.ConfirmSignUp(t.Context(), &cip.ConfirmSignUpInput{ClientId: &client, Username: aws.String("bob"), ConfirmationCode: &code})
			return err
		}
		forward("25h")
		wantType[*types.ExpiredCodeException](t, confirm())
		r.clock(t, `{"reset":true}`)
		wantError(t, confirm(), nil)

		// The session of a challenge, and a temporary password.
		r.invited(t, pool, "carol")
		first := must[*cip.InitiateAuthOutput](t)(r.trySignIn(t, client, "carol", password))
		forward("3m")
		_, err := r.RespondToAuthChallenge(t.Context(), &cip.RespondToAuthChallengeInput{
			ClientId: &client, ChallengeName: types.ChallengeNameTypeNewPasswordRequired, Session: first.Session,
			ChallengeResponses: map[string]string{"USERNAME": "carol", "NEW_PASSWORD": otherPassword},
		})
		wantError(t, err, notAuthorized("Invalid session for the user, session is expired."))
		forward("7d")
		_, err = r.trySignIn(t, client, "carol", password)
		wantError(t, err, notAuthorized("Temporary password has expired and must be reset by an administrator."))

		// A session of a user.
		r.track(t, pool, 5)
		r.signIn(t, client, "alice")
		if n := len(r.sessions(t, pool, "alice")); n != 1 {
			t.Errorf("%d sessions", n)
		}
		forward("31d")
		if n := len(r.sessions(t, pool, "alice")); n != 0 {
			t.Errorf("%d sessions", n)
		}
		// Clients prove passwords by SRP with a timestamp of their own clock.
		p := srpclient.New(pool)
		asked := must[*cip.InitiateAuthOutput](t)(r.InitiateAuth(t.Context(), &cip.InitiateAuthInput{
			ClientId: &client, AuthFlow: types.AuthFlowTypeUserSrpAuth, AuthParameters: map[string]string{"USERNAME": "alice", "SRP_A": p.Public()},
		}))
		_, err = r.RespondToAuthChallenge(t.Context(), &cip.RespondToAuthChallengeInput{
			ClientId: &client, ChallengeName: types.ChallengeNameTypePasswordVerifier,
			ChallengeResponses: p.Prove(asked.ChallengeParameters, password, time.Now()),
		})
		wantError(t, err, nil)
	})
}
