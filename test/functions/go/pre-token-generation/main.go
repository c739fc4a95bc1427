// Command pre-token-generation adds a claim to both tokens and a scope to the access
// token (event version V2_0).
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func handle(_ context.Context, e events.CognitoEventUserPoolsPreTokenGenV2_0) (events.CognitoEventUserPoolsPreTokenGenV2_0, error) {
	d := &e.Response.ClaimsAndScopeOverrideDetails
	d.IDTokenGeneration.ClaimsToAddOrOverride = map[string]any{"tenant": "acme"}
	d.AccessTokenGeneration.ClaimsToAddOrOverride = map[string]any{"tenant": "acme", "limits": map[string]int{"seats": 5}}
	d.AccessTokenGeneration.ScopesToAdd = []string{"reports/read"}
	// The type writes the groups in any case, and empty ones would remove them.
	d.GroupOverrideDetails = e.Request.GroupConfiguration
	return e, nil
}

func main() { lambda.Start(handle) }
