package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"cognate/test/bench/floor"
)

// Identity pools. Each person has an identity already, which is so of most calls.
const (
	lineCredentials = "GetCredentialsForIdentity"
	lineOpenID      = "GetOpenIdToken"

	identitiesPerTurn = 1000
)

// identityRequest is request for an operation of identity pools.
func identityRequest(addr, operation string, input any) []byte {
	return bytes.Replace(request(addr, operation, input), []byte("AWSCognitoIdentityProviderService."), []byte("AWSCognitoIdentityService."), 1)
}

func (b *bench) measureIdentityPools(ctx context.Context, e *engine, t *target) error {
	if !b.wanted(lineCredentials) && !b.wanted(lineOpenID) {
		return nil
	}
	pool, err := t.createIdentityPool(ctx)
	if err != nil {
		return err
	}
	row, err := b.rowFloor(ctx, e)
	if err != nil {
		return err
	}
	requests := func(operation string) ([][]byte, error) {
		inputs, err := b.identities(t, pool)
		list := make([][]byte, len(inputs))
		for i, in := range inputs {
			list[i] = identityRequest(t.addr, operation, in)
		}
		return list, err
	}
	measure := func(line string, limit float64, floors []part, contains string) error {
		if !b.wanted(line) {
			return nil
		}
		return b.turns(ctx, t, e, line, limit, floors, nil, func() (time.Duration, error) {
			list, err := requests(line) // with tokens that the server has not seen
			if err != nil {
				return 0, err
			}
			cost, replies, err := b.cost(t, list)
			for _, r := range replies {
				if !bytes.Contains(r.body, []byte(contains)) {
					return 0, fmt.Errorf("%s: %d %s", line, r.status, r.body)
				}
			}
			return cost, err
		})
	}
	err = measure(lineCredentials, 1.3, []part{{times: 1, floor: floor.Verify}, row}, "SessionToken")
	return errors.Join(err, measure(lineOpenID, 1.2, []part{{times: 1, floor: floor.Signature}}, `"Token"`))
}

// createIdentityPool makes an identity pool for the app client, with a role.
func (t *target) createIdentityPool(ctx context.Context) (string, error) {
	key := credentials.StaticCredentialsProvider{Value: t.key}
	endpoint := aws.String("http://" + t.addr)
	sdk := cognitoidentity.New(cognitoidentity.Options{Region: region, BaseEndpoint: endpoint, Credentials: key})
	made, err := sdk.CreateIdentityPool(ctx, &cognitoidentity.CreateIdentityPoolInput{
		IdentityPoolName: aws.String("bench"), AllowClassicFlow: aws.Bool(true),
		CognitoIdentityProviders: []types.CognitoIdentityProvider{{ProviderName: aws.String(t.loginKey()), ClientId: &t.client}},
	})
	if err != nil {
		return "", err
	}
	roles := iam.New(iam.Options{Region: region, BaseEndpoint: endpoint, Credentials: key})
	role, err := roles.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("bench"), AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17",
		"Statement":[{"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},"Action":"sts:AssumeRoleWithWebIdentity",
		"Condition":{"StringEquals":{"cognito-identity.amazonaws.com:aud":"` + *made.IdentityPoolId + `"}}}]}`)})
	if err != nil {
		return "", err
	}
	_, err = sdk.SetIdentityPoolRoles(ctx, &cognitoidentity.SetIdentityPoolRolesInput{
		IdentityPoolId: made.IdentityPoolId, Roles: map[string]string{"authenticated": *role.Role.Arn},
	})
	return *made.IdentityPoolId, err
}

// loginKey is the name of the user pool in Logins.
func (t *target) loginKey() string { return "cognito-idp." + region + ".amazonaws.com/" + t.pool }

// identities signs people in, and returns the input of an operation for each one's identity.
func (b *bench) identities(t *target, pool string) ([]map[string]any, error) {
	replies, err := b.identityReplies(t, t.passwordRequests(identitiesPerTurn))
	if err != nil {
		return nil, err
	}
	var inputs []map[string]any
	var asks [][]byte
	for _, r := range replies {
		var body struct{ AuthenticationResult struct{ IdToken string } }
		if err := decode(r, &body); err != nil {
			return nil, err
		}
		logins := map[string]string{t.loginKey(): body.AuthenticationResult.IdToken}
		inputs = append(inputs, map[string]any{"Logins": logins})
		asks = append(asks, identityRequest(t.addr, "GetId", map[string]any{"IdentityPoolId": pool, "Logins": logins}))
	}
	if replies, err = b.identityReplies(t, asks); err != nil {
		return nil, err
	}
	for i, r := range replies {
		var body struct{ IdentityId string }
		if err := decode(r, &body); err != nil {
			return nil, err
		}
		inputs[i]["IdentityId"] = body.IdentityId
	}
	return inputs, nil
}

func (b *bench) identityReplies(t *target, requests [][]byte) ([]reply, error) {
	replies, err := t.clients.send(requests, b.clients)
	for _, r := range replies {
		if r.status != 200 {
			return nil, fmt.Errorf("status %d: %s", r.status, r.body)
		}
	}
	return replies, err
}
