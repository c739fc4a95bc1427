package faults_test

import (
	"time"

	"cognate/test/srpclient"
)

// srpClient is a client who signs in to a pool by SRP.
type srpClient struct {
	*srpclient.Client
}

func newSRPClient(poolID string) *srpClient {
	return &srpClient{srpclient.New(poolID)}
}

// start is the first call.
func (c *srpClient) start(app, name string) object {
	return object{"ClientId": app, "AuthFlow": "USER_SRP_AUTH", "AuthParameters": object{"USERNAME": name, "SRP_A": c.Public()}}
}

// respond is the second call: it answers PASSWORD_VERIFIER.
func (c *srpClient) respond(app string, challenge answer, password string, now time.Time) object {
	params := map[string]string{}
	for _, name := range []string{"USER_ID_FOR_SRP", "SRP_B", "SALT", "SECRET_BLOCK"} {
		params[name] = challenge.text("ChallengeParameters", name)
	}
	responses := object{}
	for name, value := range c.Prove(params, password, now) {
		responses[name] = value
	}
	return object{"ClientId": app, "ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": responses}
}

// newPassword answers NEW_PASSWORD_REQUIRED.
func newPassword(app, name, session string) object {
	return object{"ClientId": app, "ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": session,
		"ChallengeResponses": object{"USERNAME": name, "NEW_PASSWORD": password + "2"}}
}
