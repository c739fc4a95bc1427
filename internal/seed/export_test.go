package seed_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/seed"
	"cognate/internal/server"
	"cognate/test/serving"
)

// export runs `cognate dev export` for a server.
func export(t *testing.T, r serving.Rig, args ...string) string {
	t.Helper()
	args = append([]string{"dev", "export", "--data", r.Config.Data}, args...)
	if r.Config.Database != "" {
		args = append(args, "--database", string(r.Config.Database))
	}
	out, _ := serving.Run(t, nil, args...)
	return out
}

// TestExport: an export of a server is a seed from which another server gets the same state.
func TestExport(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		c.Seed = write(t, "shop.yaml", seedText(t))
		first := serving.Start(t, c)
		plain, whole := export(t, first), export(t, first, "--secrets")
		for _, text := range []string{"abcdefghijklmnopqrstuvwxyz", "GEZDGNBVGY3TQOJQ", "$2a$", "client_secret"} {
			if strings.Contains(plain, text) {
				t.Errorf("the export without secrets has %q", text)
			}
			if !strings.Contains(whole, text) {
				t.Errorf("the export with secrets has no %q", text)
			}
		}
		if strings.Contains(whole, "Correct-horse-1") {
			t.Error("the export has a password")
		}
		if _, err := seed.Parse("plain.yaml", []byte(plain)); err != nil {
			t.Errorf("the export without secrets is not a seed: %v\n%s", err, plain)
		}
		another := serving.Dev(t)
		another.Seed = write(t, "export.yaml", whole)
		second := serving.Start(t, another)
		checkParts(t, second)
		if got := sub(t, second.Dev(), "alice"); got != aliceSub {
			t.Errorf("alice has the sub %s", got)
		}
		_, err := signIn(t.Context(), second.Dev(), "shopweb", "bob", "Correct-horse-1")
		serving.Want(t, err, "") // by the hash of the first seed
		if again := export(t, second, "--secrets"); withoutHash(again) != withoutHash(whole) {
			t.Errorf("the export of the second server differs:\n%s\n---\n%s", again, whole)
		}
		pool, err := second.Dev().DescribeUserPool(t.Context(), &cip.DescribeUserPoolInput{UserPoolId: aws.String(poolID)})
		if err != nil || pool.UserPool.UserPoolTags["team"] != "a" {
			t.Errorf("the second server's pool: %+v, %v", pool, err)
		}
	})
}

// TestExportOfChosenIDs exports a server whose ids were chosen by requests, with an app client whose id
// has hyphens, and a custom attribute with the name of a standard one.
func TestExportOfChosenIDs(t *testing.T) {
	t.Parallel()
	first := serving.Start(t, serving.Dev(t))
	pool, client := aws.String("us-east-1_chosen1"), aws.String("web-app-1")
	sdk := first.Dev()
	_, err := sdk.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: aws.String("people"), UserPoolTags: map[string]string{"_custom_id_": *pool}})
	serving.Want(t, err, "")
	_, err = sdk.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{UserPoolId: pool, ClientName: aws.String("_custom_id_:" + *client)})
	serving.Want(t, err, "")
	_, err = sdk.AddCustomAttributes(t.Context(), &cip.AddCustomAttributesInput{
		UserPoolId: pool, CustomAttributes: []types.SchemaAttributeType{{Name: aws.String("name"), AttributeDataType: types.AttributeDataTypeString}},
	})
	serving.Want(t, err, "")
	another := serving.Dev(t)
	another.Seed = write(t, "export.yaml", export(t, first))
	for range 2 {
		second := startOnce(t, another)
		out, err := second.Dev().DescribeUserPoolClient(t.Context(), &cip.DescribeUserPoolClientInput{UserPoolId: pool, ClientId: client})
		if err != nil || *out.UserPoolClient.ClientName != *client {
			t.Errorf("the client: %+v, %v", out, err)
		}
		described, err := second.Dev().DescribeUserPool(t.Context(), &cip.DescribeUserPoolInput{UserPoolId: pool})
		if err != nil || !slices.ContainsFunc(described.UserPool.SchemaAttributes, func(a types.SchemaAttributeType) bool { return *a.Name == "custom:name" }) {
			t.Errorf("the pool: %+v, %v", described, err)
		}
		if err := second.Server.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// withoutHash removes the hash of a password: a sign-in replaces it.
func withoutHash(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "passwordHash") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// TestProductionHasNoSeeds: a production server starts with no seed and exports none.
func TestProductionHasNoSeeds(t *testing.T) {
	t.Parallel()
	c := serving.Serve(t)
	with := c
	with.Seed = write(t, "shop.yaml", "userPools: []\n")
	s, err := server.Start(t.Context(), with)
	if err == nil {
		_ = s.Close()
		t.Fatal("a production server starts with a seed")
	}
	if !strings.Contains(err.Error(), "only for cognate dev") {
		t.Errorf("a seed in production: %v", err)
	}
	r := serving.Start(t, c)
	if code, out, text := serving.Command(t, nil, "dev", "export", "--data", r.Config.Data, "--kek-file", r.Config.KEKFile); code == 0 || !strings.Contains(text, "only cognate dev exports") {
		t.Errorf("exit %d, %q, %q", code, out, text)
	}
}
