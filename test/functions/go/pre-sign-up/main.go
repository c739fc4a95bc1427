// Command pre-sign-up confirms people of one company at once, and refuses those
// of another.
package main

import (
	"context"
	"errors"
	"log"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func handle(_ context.Context, e events.CognitoEventUserPoolsPreSignup) (events.CognitoEventUserPoolsPreSignup, error) {
	email := e.Request.UserAttributes["email"]
	if strings.HasSuffix(email, "@blocked.example") {
		return e, errors.New("This domain may not sign up") //nolint:staticcheck // people read it
	}
	if strings.HasSuffix(email, "@example.com") {
		e.Response.AutoConfirmUser, e.Response.AutoVerifyEmail = true, true
	}
	log.Println("pre sign-up of", e.UserName)
	return e, nil
}

func main() { lambda.Start(handle) }
