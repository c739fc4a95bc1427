// Command create-auth-challenge makes the riddles.
package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func handle(_ context.Context, e events.CognitoEventUserPoolsCreateAuthChallenge) (events.CognitoEventUserPoolsCreateAuthChallenge, error) {
	round := 1
	for _, s := range e.Request.Session {
		if s.ChallengeName == "CUSTOM_CHALLENGE" && s.ChallengeResult {
			round++
		}
	}
	e.Response.PublicChallengeParameters = map[string]string{"question": fmt.Sprintf("%d + %d", round, round)}
	e.Response.PrivateChallengeParameters = map[string]string{"answer": strconv.Itoa(round + round)}
	e.Response.ChallengeMetadata = fmt.Sprintf("ROUND_%d", round)
	return e, nil
}

func main() { lambda.Start(handle) }
