package development

import (
	_ "embed"
	"html/template"
	"net/http"
	"strings"
	"time"

	"cognate/internal/audit"
	"cognate/internal/server/edge"
	"cognate/internal/store"
)

//go:embed start.html
var startHTML string

// startPage is the template of the page at the root.
var startPage = template.Must(template.New("start").Parse(startHTML))

// A ClientSetting is the setting that points a client at a server.
type ClientSetting struct{ Client, Text string }

// ClientSettings returns the settings that point clients at a server.
func ClientSettings(url string) []ClientSetting {
	return []ClientSetting{
		{"environment", "export AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER=" + url + " AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=dev AWS_SECRET_ACCESS_KEY=dev"},
		{"AWS CLI", "aws --endpoint-url " + url + " cognito-idp list-user-pools --max-results 10"},
		{"boto3", `boto3.client("cognito-idp", endpoint_url="` + url + `")`},
		{"JavaScript v3", `new CognitoIdentityProviderClient({ endpoint: "` + url + `" })`},
		{"Go", `cognitoidentityprovider.New(…{ BaseEndpoint: aws.String("` + url + `") })`},
		{"identity-js", `new CognitoUserPool({ UserPoolId, ClientId, endpoint: "` + url + `" })`},
		{"Amplify", `Auth: { Cognito: { userPoolId, userPoolClientId, userPoolEndpoint: "` + url + `" } }`},
		{"Terraform", `provider "aws" { endpoints { cognitoidp = "` + url + `" } }`},
	}
}

// maxShownPools is how many user pools the page shows.
const maxShownPools = 50

// start serves the page at the root to browsers. Programs that wait for a server get a 404, as from
// Cognito.
func (t *Tools) start(w http.ResponseWriter, r *http.Request) {
	// An operation in the Query protocol, perhaps presigned, or one in AWS JSON that is not POSTed.
	if r.URL.RawQuery != "" || r.Header.Get("X-Amz-Target") != "" {
		t.deps.Operations.ServeHTTP(w, r)
		return
	}
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		edge.WriteStatus(w, http.StatusNotFound, "cognate dev: AWS operations are POST requests to this path; a browser gets a page here")
		return
	}
	pools, err := t.deps.Store.Pools(r.Context(), "", store.PoolCursor{}, maxShownPools)
	if err != nil {
		audit.From(r.Context()).SetCause(err)
		edge.WriteStatus(w, http.StatusInternalServerError, "the user pools could not be read")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	_ = startPage.Execute(w, struct {
		Version, URL, IssuerBase string
		Now                      time.Time
		Pools                    []store.Pool
		Most                     int
		Clients                  []ClientSetting
	}{t.deps.Version, t.deps.URL, t.deps.IssuerBase, t.deps.Clock.Now().UTC(), pools, maxShownPools, ClientSettings(t.deps.URL)})
}
