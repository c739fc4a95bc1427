// Command user-migration lets the people of an old directory in, with the passwords
// that they have there.
package main

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

type person struct{ password, email string }

var old = map[string]person{"olivia": {"Old-Passw0rd!", "olivia@example.com"}}

func handle(_ context.Context, e events.CognitoEventUserPoolsMigrateUser) (events.CognitoEventUserPoolsMigrateUser, error) {
	p, ok := old[e.UserName]
	if !ok {
		return e, errors.New("no such person")
	}
	if e.TriggerSource == "UserMigration_Authentication" && p.password != e.Password {
		return e, errors.New("bad password")
	}
	e.UserAttributes = map[string]string{"email": p.email, "email_verified": "true"}
	e.FinalUserStatus = "CONFIRMED"
	e.MessageAction = "SUPPRESS"
	return e, nil
}

func main() { lambda.Start(handle) }
