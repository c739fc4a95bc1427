// Package newcomer measures what people meet first: a start with a seed, and a new user pool in each test.
package newcomer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// Seed writes a seed of one user pool, one app client, and users with passwords.
func Seed(path string, users int) error {
	var b strings.Builder
	b.WriteString("userPools:\n  - id: us-east-1_newcomer\n    name: newcomer\n    clients:\n      - {id: web, name: web}\n    users:\n")
	for i := range users {
		fmt.Fprintf(&b, "      - {username: user%d, password: Correct-horse-%d}\n", i, i)
	}
	return os.WriteFile(path, []byte(b.String()), 0o600)
}

// FreshPool makes a user pool, an app client and a user who can sign in, n times, one after the other. It returns how long
// each took.
func FreshPool(ctx context.Context, addr string, n int) ([]float64, error) {
	sdk := cognitoidentityprovider.New(cognitoidentityprovider.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://" + addr), Credentials: credentials.NewStaticCredentialsProvider("dev", "dev", ""),
	})
	took := make([]float64, 0, n)
	for range n {
		begin := time.Now()
		if err := freshPool(ctx, sdk); err != nil {
			return nil, err
		}
		took = append(took, float64(time.Since(begin)))
	}
	return took, nil
}

func freshPool(ctx context.Context, sdk *cognitoidentityprovider.Client) error {
	pool, err := sdk.CreateUserPool(ctx, &cognitoidentityprovider.CreateUserPoolInput{PoolName: aws.String("fresh")})
	if err != nil {
		return err
	}
	id := pool.UserPool.Id
	if _, err := sdk.CreateUserPoolClient(ctx, &cognitoidentityprovider.CreateUserPoolClientInput{UserPoolId: id, ClientName: aws.String("web")}); err != nil {
		return err
	}
	if _, err := sdk.AdminCreateUser(ctx, &cognitoidentityprovider.AdminCreateUserInput{
		UserPoolId: id, Username: aws.String("alice"), MessageAction: types.MessageActionTypeSuppress,
	}); err != nil {
		return err
	}
	_, err = sdk.AdminSetUserPassword(ctx, &cognitoidentityprovider.AdminSetUserPasswordInput{
		UserPoolId: id, Username: aws.String("alice"), Password: aws.String("Correct-horse-1"), Permanent: true,
	})
	return err
}

// Await returns when cognate dev answers.
func Await(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/_cognate/health", nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(r); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return errors.New("cognate dev does not answer")
		case <-time.After(time.Millisecond):
		}
	}
}
