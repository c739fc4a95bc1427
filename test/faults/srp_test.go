package faults_test

import (
	"testing"
	"time"

	"cognate/test/srpclient"
)

// srpClient is a client who signs in to a pool by SRP.
type srpClient struct {
	*srpclient.Client
	pool string
}

func newSRPClient(poolID string) *srpClient {
	return &srpClient{Client: srpclient.New(), pool: poolID}
}

// start is the first call.
func (c *srpClient) start(app, name string) object {
	return object{"ClientId": app, "AuthFlow": "USER_SRP_AUTH", "AuthParameters": object{"USERNAME": name, "SRP_A": c.Public.Text(16)}}
}

// respond is the second call: it answers PASSWORD_VERIFIER.
func (c *srpClient) respond(t testing.TB, app string, challenge answer, password string, now time.Time) object {
	t.Helper()
	params := map[string]string{}
	for _, name := range []string{"USER_ID_FOR_SRP", "SRP_B", "SALT", "SECRET_BLOCK"} {
		params[name] = challenge.text("ChallengeParameters", name)
	}
	responses := object{}
	for name, value := range c.Responses(t, c.pool, params, password, now) {
		responses[name] = value
	}
	return object{"ClientId": app, "ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": responses}
}

// newPassword answers NEW_PASSWORD_REQUIRED.
func newPassword(app, name, session string) object {
	return object{"ClientId": app, "ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": session,
		"ChallengeResponses": object{"USERNAME": name, "NEW_PASSWORD": password + "2"}}
}
