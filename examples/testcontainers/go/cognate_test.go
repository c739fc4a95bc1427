// Package shop_test starts Cognate in a container, for tests of an application in Go.
package shop_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

// issuer is the issuer of the tokens. Its port is that of the container, whichever port of this machine leads to it.
const issuer = "http://localhost:9229/us-east-1_shop1"

// startCognate runs Cognate with the seed until the test has ended, and returns its URL.
func startCognate(t *testing.T) string {
	t.Helper()
	container, err := testcontainers.Run(t.Context(), "cognate",
		testcontainers.WithCmd("dev", "--expose", "--listen", ":9229", "--issuer-base", "http://localhost:9229", "--seed", "/seed.yaml"),
		testcontainers.WithFiles(testcontainers.ContainerFile{HostFilePath: "../seed.yaml", ContainerFilePath: "/seed.yaml", FileMode: 0o444}),
		testcontainers.WithExposedPorts("9229/tcp"),
		testcontainers.WithWaitStrategy(wait.ForHTTP("/_cognate/health").WithPort("9229/tcp")),
	)
	testcontainers.CleanupContainer(t, container)
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := container.PortEndpoint(t.Context(), "9229/tcp", "http")
	if err != nil {
		t.Fatal(err)
	}
	return endpoint
}

func TestTokens(t *testing.T) {
	endpoint := startCognate(t)
	users := idp.New(idp.Options{Region: "us-east-1", BaseEndpoint: &endpoint})
	out, err := users.InitiateAuth(t.Context(), &idp.InitiateAuthInput{
		ClientId: aws.String("shopweb"), AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": "ann", "PASSWORD": "Correct-horse-1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	keys := oidc.NewRemoteKeySet(t.Context(), endpoint+"/us-east-1_shop1/.well-known/jwks.json")
	if _, err := oidc.NewVerifier(issuer, keys, &oidc.Config{ClientID: "shopweb"}).Verify(t.Context(), *out.AuthenticationResult.IdToken); err != nil {
		t.Error(err)
	}
}
