// Command define-auth-challenge asks two riddles in a row, after the password where
// the client begins with it; three wrong answers in all end it.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func handle(_ context.Context, e events.CognitoEventUserPoolsDefineAuthChallenge) (events.CognitoEventUserPoolsDefineAuthChallenge, error) {
	right, wrong := 0, 0
	for _, s := range e.Request.Session {
		switch {
		case s.ChallengeName != "CUSTOM_CHALLENGE":
		case s.ChallengeResult:
			right++
		default:
			wrong++
		}
	}
	e.Response.IssueTokens = right >= 2
	e.Response.FailAuthentication = wrong >= 3 || e.Request.UserNotFound
	if !e.Response.IssueTokens && !e.Response.FailAuthentication {
		e.Response.ChallengeName = "CUSTOM_CHALLENGE"
		if n := len(e.Request.Session); n > 0 && e.Request.Session[n-1].ChallengeName == "SRP_A" {
			e.Response.ChallengeName = "PASSWORD_VERIFIER"
		}
	}
	return e, nil
}

func main() { lambda.Start(handle) }
