package server_test

import (
	"html"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognate/test/serving"
)

// TestPageHints wants the error page of a development server to say which addresses are registered. In production it
// must not.
func TestPageHints(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"dev", "serve"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			c := serving.Dev(t)
			if mode == "serve" {
				c = serving.Serve(t)
			}
			r := serving.Start(t, c)
			sdk, page, host := r.Dev(), r.URL()+"/_domain/people/error?error=", ""
			if mode == "serve" {
				sdk, page, host = r.Client(serving.NewKey(t, r, "admin", "admin")), r.URL()+"/error?error=", "people.auth.id.example.com"
			}
			out, err := sdk.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: aws.String("people")})
			pool := serving.Must(t, out, err).UserPool.Id
			_, err = sdk.CreateUserPoolDomain(t.Context(), &cip.CreateUserPoolDomainInput{UserPoolId: pool, Domain: aws.String("people")})
			serving.Want(t, err, "")
			app, err := sdk.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
				UserPoolId: pool, ClientName: aws.String("web"), CallbackURLs: []string{"https://shop.example.com/a?b=c&d"}, LogoutURLs: []string{"https://shop.example.com/bye"},
			})
			client := "&client_id=" + *serving.Must(t, app, err).UserPoolClient.ClientId
			for _, row := range []struct{ text, want string }{
				{"redirect_mismatch" + client, "one of the CallbackURLs of the app client, letter by letter (https://shop.example.com/a?b=c&d)."},
				{"redirect_mismatch", "one of the CallbackURLs of the app client, letter by letter."},
				{"Required+String+parameter+'redirect_uri'+is+not+present" + client, "one of the LogoutURLs or CallbackURLs of the app client, letter by letter (https://shop.example.com/bye)."},
				{"Client+does+not+exist", "the user pool of this domain has no app client with this client_id"},
				{"Something+else" + client, ""},
			} {
				res, text := ask(t, page+row.text, host, "text/html")
				text = html.UnescapeString(text)
				hinted := strings.Contains(text, "cognate dev") || strings.Contains(text, "shop.example.com")
				if res.StatusCode != http.StatusBadRequest || hinted != (mode == "dev" && row.want != "") || hinted && !strings.Contains(text, row.want) {
					t.Errorf("%s: %d %s", row.text, res.StatusCode, text)
				}
			}
		})
	}
}
