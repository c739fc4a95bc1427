package ops_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// TestPoolsThatAreNotThere sends every operation on a pool's settings for pools
// that are unknown, deleted, or of no form.
func TestPoolsThatAreNotThere(t *testing.T) {
	bodies := map[string]string{
		"AddCustomAttributes":        `,"CustomAttributes":[{"Name":"x","AttributeDataType":"String"}]`,
		"AddUserPoolClientSecret":    `,"ClientId":"abc"`,
		"CreateResourceServer":       `,"Identifier":"x","Name":"x"`,
		"CreateUserPoolClient":       `,"ClientName":"x"`,
		"CreateUserPoolDomain":       `,"Domain":"pool-not-there"`,
		"DeleteResourceServer":       `,"Identifier":"x"`,
		"DeleteUserPool":             ``,
		"DeleteUserPoolClient":       `,"ClientId":"abc"`,
		"DeleteUserPoolClientSecret": `,"ClientId":"abc","ClientSecretId":"abc--1"`,
		"DescribeResourceServer":     `,"Identifier":"x"`,
		"DescribeUserPool":           ``,
		"DescribeUserPoolClient":     `,"ClientId":"abc"`,
		"GetUserPoolMfaConfig":       ``,
		"ListResourceServers":        ``,
		"ListUserPoolClientSecrets":  `,"ClientId":"abc"`,
		"ListUserPoolClients":        ``,
		"SetUserPoolMfaConfig":       `,"MfaConfiguration":"OFF"`,
		"UpdateResourceServer":       `,"Identifier":"x","Name":"x"`,
		"UpdateUserPool":             ``,
		"UpdateUserPoolClient":       `,"ClientId":"abc"`,
	}
	each(t, func(t *testing.T, r rig) {
		gone := r.pool(t)
		must[*cip.DeleteUserPoolOutput](t)(r.DeleteUserPool(t.Context(), &cip.DeleteUserPoolInput{UserPoolId: &gone}))
		for _, operation := range slices.Sorted(maps.Keys(bodies)) {
			t.Run(operation, func(t *testing.T) {
				for _, pool := range []string{unknownPool, gone} {
					res, text := r.post(t, operation, `{"UserPoolId":"`+pool+`"`+bodies[operation]+`}`)
					wantWire(t, res, text, http.StatusBadRequest, "ResourceNotFoundException", "User pool "+pool+" does not exist.")
				}
				res, text := r.post(t, operation, `{"UserPoolId":"no pool"`+bodies[operation]+`}`)
				wantWire(t, res, text, http.StatusBadRequest, "InvalidParameterException",
					`1 validation error detected: Value 'no pool' at 'userPoolId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w-]+_[0-9a-zA-Z]+`)
			})
		}
	})
}

// TestClientsOfAnotherPool sends every operation on an app client with a client
// of another pool, which must look like none.
func TestClientsOfAnotherPool(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool, other := r.pool(t), r.pool(t)
		client := r.clientOf(t, other, withSecret)
		id := *client.ClientId
		for operation, more := range map[string]string{
			"DescribeUserPoolClient": ``, "UpdateUserPoolClient": `,"ClientName":"taken over"`, "DeleteUserPoolClient": ``,
			"AddUserPoolClientSecret": ``, "ListUserPoolClientSecrets": ``, "DeleteUserPoolClientSecret": `,"ClientSecretId":"` + id + `--1"`,
			"AdminInitiateAuth":           `,"AuthFlow":"ADMIN_USER_PASSWORD_AUTH","AuthParameters":{"USERNAME":"u","PASSWORD":"p"}`,
			"AdminRespondToAuthChallenge": `,"ChallengeName":"SMS_MFA"`,
		} {
			t.Run(operation, func(t *testing.T) {
				for _, c := range []string{id, "7abcdefghijklmnopqrstuvwx1"} {
					res, text := r.post(t, operation, `{"UserPoolId":"`+pool+`","ClientId":"`+c+`"`+more+`}`)
					wantWire(t, res, text, http.StatusBadRequest, "ResourceNotFoundException", "User pool client "+c+" does not exist.")
				}
			})
		}
		after := must[*cip.DescribeUserPoolClientOutput](t)(r.DescribeUserPoolClient(t.Context(), &cip.DescribeUserPoolClientInput{UserPoolId: &other, ClientId: &id})).UserPoolClient
		if *after.ClientName != "app" || *after.ClientSecret != *client.ClientSecret {
			t.Errorf("%+v", after)
		}
		list := must[*cip.ListUserPoolClientsOutput](t)(r.ListUserPoolClients(t.Context(), &cip.ListUserPoolClientsInput{UserPoolId: &pool}))
		if len(list.UserPoolClients) != 0 {
			t.Errorf("%+v", list.UserPoolClients)
		}
	})
}

// TestForgedPages sends every list a token that is forged, and one that another
// pool's list gave.
func TestForgedPages(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool, other := r.pool(t), r.pool(t)
		for _, name := range []string{"a", "b"} {
			r.invited(t, other, name)
			r.group(t, other, name)
			r.client(t, other)
			must[*cip.CreateResourceServerOutput](t)(r.CreateResourceServer(t.Context(), &cip.CreateResourceServerInput{UserPoolId: &other, Identifier: aws.String(name), Name: aws.String(name)}))
		}
		for operation, members := range map[string][2]string{
			"ListUsers": {"Limit", "PaginationToken"}, "ListGroups": {"Limit", "NextToken"}, "ListUserPoolClients": {"MaxResults", "NextToken"},
			"ListResourceServers": {"MaxResults", "NextToken"},
		} {
			size, token := members[0], members[1]
			t.Run(operation, func(t *testing.T) {
				_, text := r.post(t, operation, `{"UserPoolId":"`+other+`","`+size+`":1}`)
				_, rest, found := strings.Cut(text, `"`+token+`":"`)
				foreign, _, _ := strings.Cut(rest, `"`)
				if !found {
					t.Fatalf("no token in %s", text)
				}
				for _, forged := range []string{foreign, "forged", strings.Repeat("A", len(foreign))} {
					res, text := r.post(t, operation, `{"UserPoolId":"`+pool+`","`+size+`":1,"`+token+`":"`+forged+`"}`)
					wantWire(t, res, text, http.StatusBadRequest, "InvalidParameterException", "Invalid pagination token provided")
				}
			})
		}
	})
}
