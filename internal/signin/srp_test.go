package signin

import (
	"testing"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/test/srpclient"
)

// askSRPOf starts USER_SRP_AUTH.
func (r *rig) askSRPOf(t testing.TB, c *pool.Client, client *srpclient.Client, name string) (*idp.InitiateAuthResponse, error) {
	return r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{
		ClientId: c.ID, AuthFlow: idp.AuthFlowTypeUserSrpAuth,
		AuthParameters: map[string]string{"USERNAME": name, "SRP_A": client.Public()},
	})
}

// prove answers PASSWORD_VERIFIER.
func (r *rig) prove(t testing.TB, c *pool.Client, responses map[string]string) (*idp.RespondToAuthChallengeResponse, error) {
	return r.RespondToAuthChallenge(t.Context(), &idp.RespondToAuthChallengeRequest{
		ClientId: c.ID, ChallengeName: idp.ChallengeNameTypePasswordVerifier, ChallengeResponses: responses,
	})
}

// srp signs in by USER_SRP_AUTH and tells what came, "1: …" from the first call
// or "2: …" from the second.
func (r *rig) srp(t testing.TB, c *pool.Client, name, password string) string {
	t.Helper()
	client := srpclient.New(c.PoolID)
	out, err := r.askSRPOf(t, c, client, name)
	if err != nil {
		return "1: " + err.Error()
	}
	if out.ChallengeName != idp.ChallengeNameTypePasswordVerifier || out.Session != nil || len(out.ChallengeParameters) != 5 {
		t.Errorf("challenge %+v", out)
	}
	return "2: " + answered(r.prove(t, c, client.Prove(out.ChallengeParameters, password, r.now())))
}
