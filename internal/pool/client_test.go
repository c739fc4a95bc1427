package pool_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
)

func TestMinimalClient(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, n *node) {
		id := n.newPool(t, "")
		created := n.do(t, "CreateUserPoolClient", `{"UserPoolId":"`+id+`","ClientName":"c"}`)
		client := at(created, "UserPoolClient", "ClientId").(string)
		wantTree(t, created, "minimal_client.json", "$POOL", id, "$CLIENT", client)
		body := `{"UserPoolId":"` + id + `","ClientId":"` + client + `"}`
		wantTree(t, n.do(t, "DescribeUserPoolClient", body), "minimal_client.json", "$POOL", id, "$CLIENT", client)
		wantTree(t, n.do(t, "UpdateUserPoolClient", body), "minimal_client.json", "$POOL", id, "$CLIENT", client)

		n.do(t, "DeleteUserPoolClient", body)
		want := "ResourceNotFoundException: User pool client " + client + " does not exist."
		for _, op := range []string{"DescribeUserPoolClient", "UpdateUserPoolClient", "DeleteUserPoolClient", "ListUserPoolClientSecrets", "AddUserPoolClientSecret"} {
			_, err := n.call(t.Context(), op, body)
			wantError(t, op, err, want)
		}
		_, _, err := n.LoadClient(t.Context(), client)
		wantError(t, "InitiateAuth", err, want)
	})
}

func TestClientShapes(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	id := n.newPool(t, "")
	tests := []struct {
		name, members string
		path          []string
		want          any
	}{
		{"one unit fills the others", `"TokenValidityUnits":{"AccessToken":"minutes"}`, []string{"TokenValidityUnits"},
			tree(t, `{"AccessToken":"minutes","IdToken":"hours","RefreshToken":"days"}`)},
		{"zero refresh is 30 days", `"RefreshTokenValidity":0`, []string{"RefreshTokenValidity"}, 30.0},
		{"in hours", `"TokenValidityUnits":{"RefreshToken":"hours"}`, []string{"RefreshTokenValidity"}, 720.0},
		{"empty flows are none", `"ExplicitAuthFlows":[]`, []string{"ExplicitAuthFlows"}, nil},
		{"rotation off shows a period", `"RefreshTokenRotation":{"Feature":"DISABLED"}`, []string{"RefreshTokenRotation"},
			tree(t, `{"Feature":"DISABLED","RetryGracePeriodSeconds":0}`)},
		{"rotation on", `"RefreshTokenRotation":{"Feature":"ENABLED","RetryGracePeriodSeconds":10}`, []string{"RefreshTokenRotation"},
			tree(t, `{"Feature":"ENABLED","RetryGracePeriodSeconds":10}`)},
		{"own secret", `"ClientSecret":"0123456789abcdef0123456789"`, []string{"ClientSecret"}, "0123456789abcdef0123456789"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := n.do(t, "CreateUserPoolClient", object(`"UserPoolId":"`+id+`","ClientName":"c"`, tt.members))
			if diff := cmp.Diff(tt.want, at(out, append([]string{"UserPoolClient"}, tt.path...)...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestClientUpdate(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	id := n.newPool(t, "")
	client := n.newClient(t, id, `"GenerateSecret":true,"EnableTokenRevocation":false,"AccessTokenValidity":2,"PreventUserExistenceErrors":"ENABLED",
		"ExplicitAuthFlows":["ALLOW_USER_PASSWORD_AUTH"],"ReadAttributes":["email"],"RefreshTokenRotation":{"Feature":"ENABLED"},"AuthSessionValidity":5`)
	body := `"UserPoolId":"` + id + `","ClientId":"` + client + `"`
	before := at(n.do(t, "DescribeUserPoolClient", "{"+body+"}"), "UserPoolClient").(map[string]any)
	if len(before["ClientSecret"].(string)) < 51 {
		t.Errorf("secret %v", before["ClientSecret"])
	}
	n.clock.Pass(time.Second)
	n.do(t, "UpdateUserPoolClient", "{"+body+"}")
	got := at(n.do(t, "DescribeUserPoolClient", "{"+body+"}"), "UserPoolClient")
	want := tree(t, `{"UserPoolId":"`+id+`","ClientName":"c","ClientId":"`+client+`","CreationDate":1795341600,"LastModifiedDate":1795341601,
		"ClientSecret":"`+before["ClientSecret"].(string)+`","RefreshTokenValidity":30,"TokenValidityUnits":{},
		"AllowedOAuthFlowsUserPoolClient":false,"EnableTokenRevocation":false,"EnablePropagateAdditionalUserContextData":false,
		"AuthSessionValidity":3,"RefreshTokenRotation":{"Feature":"DISABLED","RetryGracePeriodSeconds":0}}`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	n.do(t, "UpdateUserPoolClient", "{"+body+`,"ClientName":"d","EnableTokenRevocation":true}`)
	if got := at(n.do(t, "DescribeUserPoolClient", "{"+body+"}"), "UserPoolClient").(map[string]any); got["ClientName"] != "d" || got["EnableTokenRevocation"] != true {
		t.Errorf("after the second update: %v", got)
	}
}

// TestClientEmptyLists sends every list and map of a client empty. The client is
// as one that was made without them, and reads and writes the attributes that
// every client may.
func TestClientEmptyLists(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	id := n.newPool(t, `"Schema":[{"Name":"email","Required":true}]`)
	const empty = `"ReadAttributes":[],"WriteAttributes":[],"ExplicitAuthFlows":[],"SupportedIdentityProviders":[],"CallbackURLs":[],"LogoutURLs":[],
		"AllowedOAuthFlows":[],"AllowedOAuthScopes":[],"TokenValidityUnits":{}`
	shown := func(client string) map[string]any {
		got := at(n.do(t, "DescribeUserPoolClient", `{"UserPoolId":"`+id+`","ClientId":"`+client+`"}`), "UserPoolClient").(map[string]any)
		delete(got, "ClientId")
		return got
	}
	plain, client := n.newClient(t, id, ""), n.newClient(t, id, empty)
	if diff := cmp.Diff(shown(plain), shown(client)); diff != "" {
		t.Errorf("created (-plain +got):\n%s", diff)
	}
	n.do(t, "UpdateUserPoolClient", `{"UserPoolId":"`+id+`","ClientId":"`+client+`","ReadAttributes":["email"],"WriteAttributes":["email"]}`)
	n.do(t, "UpdateUserPoolClient", object(`"UserPoolId":"`+id+`","ClientId":"`+client+`"`, empty))
	if diff := cmp.Diff(shown(plain), shown(client)); diff != "" {
		t.Errorf("updated (-plain +got):\n%s", diff)
	}
	_, c, err := n.LoadClient(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	if !c.CanRead("name") || !c.CanWrite("name") || !c.Allows(idp.AuthFlowTypeUserSrpAuth) {
		t.Error("an empty list took something from the client")
	}
}

func TestClientRefusals(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	id := n.newPool(t, `"Schema":[{"Name":"email","Required":true}]`)
	lite := n.newPool(t, `"UserPoolTier":"LITE"`)
	n.do(t, "CreateResourceServer", `{"UserPoolId":"`+id+`","Identifier":"https://api.example.com/v1","Name":"a","Scopes":[{"ScopeName":"read","ScopeDescription":"d"}]}`)
	const (
		lifetimes = "InvalidParameterException: Invalid range for token validity."
		https     = `"CallbackURLs":["https://a.example.com/cb"]`
		code      = `"AllowedOAuthFlowsUserPoolClient":true,"AllowedOAuthFlows":["code"],"AllowedOAuthScopes":["openid"]`
		machine   = `"AllowedOAuthFlows":["client_credentials"],"AllowedOAuthScopes":["https://api.example.com/v1/read"]`
	)
	badURL := func(u string) string {
		return "InvalidParameterException: Invalid callback URL: " + u + " must be an absolute URL without fragment, with https, an app's own scheme, or http on localhost."
	}
	tests := []struct {
		name, members, want string
	}{
		{"refresh of 59 minutes", `"RefreshTokenValidity":59,"TokenValidityUnits":{"RefreshToken":"minutes"}`, lifetimes},
		{"refresh of 60 minutes", `"RefreshTokenValidity":60,"TokenValidityUnits":{"RefreshToken":"minutes"}`, ""},
		{"refresh of 10 years", `"RefreshTokenValidity":3650`, ""},
		{"refresh of more", `"RefreshTokenValidity":3651`, lifetimes},
		{"refresh beyond counting", `"RefreshTokenValidity":315360000`, lifetimes},
		{"access of 4 minutes", `"AccessTokenValidity":4,"TokenValidityUnits":{"AccessToken":"minutes"}`, lifetimes},
		{"access of 25 hours", `"AccessTokenValidity":25`, lifetimes},
		{"ID of 299 seconds", `"IdTokenValidity":299,"TokenValidityUnits":{"IdToken":"seconds"}`, lifetimes},
		{"ID of 24 hours", `"IdTokenValidity":24`, ""},
		{"access outlives refresh", `"AccessTokenValidity":2,"RefreshTokenValidity":60,"TokenValidityUnits":{"RefreshToken":"minutes"}`, lifetimes},

		{"families mixed", `"ExplicitAuthFlows":["ALLOW_USER_SRP_AUTH","ADMIN_NO_SRP_AUTH"]`,
			"InvalidParameterException: ExplicitAuthFlows can not mix values that begin with ALLOW_ with ADMIN_NO_SRP_AUTH, CUSTOM_AUTH_FLOW_ONLY or USER_PASSWORD_AUTH."},
		{"client tokens with others", `"ExplicitAuthFlows":["ALLOW_CLIENT_TOKEN_AUTH","ALLOW_USER_SRP_AUTH"]`,
			"InvalidParameterException: ALLOW_CLIENT_TOKEN_AUTH can not be combined with other ExplicitAuthFlows."},
		{"without refresh", `"ExplicitAuthFlows":["ALLOW_USER_SRP_AUTH"]`, ""},
		{"rotation with refresh", `"ExplicitAuthFlows":["ALLOW_REFRESH_TOKEN_AUTH"],"RefreshTokenRotation":{"Feature":"ENABLED"}`,
			"InvalidParameterException: REFRESH_TOKEN_AUTH cannot be enabled with refresh token rotation."},
		{"rotation alone", `"RefreshTokenRotation":{"Feature":"ENABLED"}`, ""},
		{"choice", `"ExplicitAuthFlows":["ALLOW_USER_AUTH"]`, ""},
		{"client tokens", `"ExplicitAuthFlows":["ALLOW_CLIENT_TOKEN_AUTH"]`, "InvalidParameterException: ALLOW_CLIENT_TOKEN_AUTH requires a client secret."},

		{"two secrets", `"GenerateSecret":true,"ClientSecret":"0123456789abcdef0123456789"`, "InvalidParameterException: ClientSecret can not be given together with GenerateSecret."},
		{"context without secret", `"EnablePropagateAdditionalUserContextData":true`, "InvalidParameterException: EnablePropagateAdditionalUserContextData requires a client secret."},
		{"context with secret", `"EnablePropagateAdditionalUserContextData":true,"GenerateSecret":true`, ""},

		{"reads the unknown", `"ReadAttributes":["custom:x"]`, "InvalidParameterException: Invalid read attributes specified while creating a client"},
		{"writes the unknown", `"WriteAttributes":["email","custom:x"]`, "InvalidParameterException: Invalid write attributes specified while creating a client"},
		{"writes sub", `"WriteAttributes":["email","sub"]`, "InvalidParameterException: Invalid write attributes specified while creating a client"},
		{"writes not what is required", `"WriteAttributes":["name"]`, "InvalidParameterException: Invalid write attributes specified while creating a client"},
		{"reads and writes", `"ReadAttributes":["email","email_verified"],"WriteAttributes":["email"]`, ""},

		{"unknown provider", `"SupportedIdentityProviders":["COGNITO","Google"]`, "InvalidParameterException: The provider Google does not exist for User Pool " + id + "."},
		{"the pool itself", `"SupportedIdentityProviders":["COGNITO"]`, ""},

		{"http", `"CallbackURLs":["http://a.example.com"]`, "InvalidParameterException: http://a.example.com cannot use the HTTP protocol."},
		{"http by another spelling", `"CallbackURLs":["HTTP://10.0.0.1:3000/cb"]`, "InvalidParameterException: HTTP://10.0.0.1:3000/cb cannot use the HTTP protocol."},
		{"http on localhost", `"CallbackURLs":["http://localhost:3000/cb","http://127.0.0.1","http://[::1]:80/"]`, ""},
		{"fragment", `"CallbackURLs":["https://a.example.com/#"]`, badURL("https://a.example.com/#")},
		{"relative", `"CallbackURLs":["/cb"]`, badURL("/cb")},
		{"scheme alone", `"CallbackURLs":["myapp:"]`, badURL("myapp:")},
		{"script", `"CallbackURLs":["javascript:alert(1)"]`, badURL("javascript:alert(1)")},
		{"app", `"CallbackURLs":["myapp://","myapp://cb","com.example.app:/cb"]`, ""},
		{"logout", `"LogoutURLs":["http://a.example.com"]`,
			"InvalidParameterException: http://a.example.com cannot use the HTTP protocol."},
		{"logout with a fragment", `"LogoutURLs":["https://a.example.com/#x"]`,
			"InvalidParameterException: Invalid logout URL: https://a.example.com/#x must be an absolute URL without fragment, with https, an app's own scheme, or http on localhost."},
		{"default not in list", https + `,"DefaultRedirectURI":"https://b.example.com/cb"`, "InvalidParameterException: Default redirect URI must be in the CallbackURLs list"},
		{"default in list", https + `,"DefaultRedirectURI":"https://a.example.com/cb"`, ""},

		{"OAuth without flows", `"AllowedOAuthFlowsUserPoolClient":true`,
			"InvalidParameterException: AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use OAuth flows."},
		{"code without callback", code, "InvalidOAuthFlowException: CallbackUrls can not be empty when code flow or implicit flow is selected"},
		{"code", code + "," + https, ""},
		{"machine with code", `"GenerateSecret":true,"AllowedOAuthFlows":["client_credentials","code"],"AllowedOAuthScopes":["openid"],` + https,
			"InvalidOAuthFlowException: client_credentials flow can not be selected along with code flow or implicit flow."},
		{"machine without secret", machine, "InvalidOAuthFlowException: client_credentials flow can not be selected if client does not have a client secret."},
		{"machine", `"GenerateSecret":true,` + machine, ""},
		{"machine as a person", `"GenerateSecret":true,"AllowedOAuthFlows":["client_credentials"],"AllowedOAuthScopes":["openid"]`,
			"InvalidOAuthFlowException: client_credentials flow can not be selected along with non-custom scopes."},
		{"unknown scope", `"AllowedOAuthScopes":["https://api.example.com/v1/write"]`, "ScopeDoesNotExistException: Invalid scope requested: https://api.example.com/v1/write"},
		{"unknown plain scope", `"AllowedOAuthScopes":["openid","groups"]`, "ScopeDoesNotExistException: Invalid scope requested: groups"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := n.call(t.Context(), "CreateUserPoolClient", object(`"UserPoolId":"`+id+`","ClientName":"c"`, tt.members))
			wantError(t, "CreateUserPoolClient", err, tt.want)
		})
	}
	for members, want := range map[string]string{
		`"RefreshTokenRotation":{"Feature":"ENABLED"}`: "FeatureUnavailableInTierException: Refresh token rotation is not available in your current tier.",
		`"ExplicitAuthFlows":["ALLOW_USER_AUTH"]`:      "FeatureUnavailableInTierException: Choice-based sign-in is not available in your current tier.",
	} {
		_, err := n.call(t.Context(), "CreateUserPoolClient", object(`"UserPoolId":"`+lite+`","ClientName":"c"`, members))
		wantError(t, "CreateUserPoolClient", err, want)
	}
	client := n.newClient(t, id, "")
	_, err := n.call(t.Context(), "UpdateUserPoolClient", `{"UserPoolId":"`+id+`","ClientId":"`+client+`","WriteAttributes":["name"]}`)
	wantError(t, "UpdateUserPoolClient", err, "InvalidParameterException: Invalid write attributes specified while updating a client")
	// A client of another pool is nobody's business.
	_, err = n.call(t.Context(), "DescribeUserPoolClient", `{"UserPoolId":"`+lite+`","ClientId":"`+client+`"}`)
	wantError(t, "DescribeUserPoolClient", err, "ResourceNotFoundException: User pool client "+client+" does not exist.")
	sn, err := n.Load(t.Context(), lite)
	if err != nil {
		t.Fatal(err)
	}
	_, err = sn.Client(t.Context(), client)
	wantError(t, "InitiateAuth", err, "ResourceNotFoundException: User pool client "+client+" does not exist.")
}

func TestListClients(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, n *node) {
		id, other := n.newPool(t, ""), n.newPool(t, "")
		want := map[string]bool{}
		for range 5 {
			want[n.newClient(t, id, "")] = true
		}
		n.newClient(t, other, "")
		body, got := `{"UserPoolId":"`+id+`","MaxResults":2}`, map[string]bool{}
		for {
			page := n.do(t, "ListUserPoolClients", body)
			for _, c := range page["UserPoolClients"].([]any) {
				m := c.(map[string]any)
				got[m["ClientId"].(string)] = true
				if len(m) != 3 || m["UserPoolId"] != id || m["ClientName"] != "c" {
					t.Errorf("item %v", m)
				}
			}
			token, ok := page["NextToken"].(string)
			if !ok {
				break
			}
			body = `{"UserPoolId":"` + id + `","MaxResults":2,"NextToken":"` + token + `"}`
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		_, err := n.call(t.Context(), "ListUserPoolClients", strings.Replace(body, id, other, 1))
		wantError(t, "ListUserPoolClients", err, "InvalidParameterException: Invalid pagination token provided")
		if got := n.do(t, "ListUserPoolClients", `{"UserPoolId":"`+id+`","ClientType":"DCR"}`); len(got["UserPoolClients"].([]any)) != 0 {
			t.Errorf("registered clients: %v", got)
		}
	})
}

func TestAllows(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	id := n.newPool(t, "")
	all := []pool.FlowName{"USER_SRP_AUTH", "USER_PASSWORD_AUTH", "ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH", "CUSTOM_AUTH", "REFRESH_TOKEN_AUTH", "REFRESH_TOKEN", "USER_AUTH"}
	tests := []struct{ name, members, want string }{
		{"none", ``, "USER_SRP_AUTH CUSTOM_AUTH REFRESH_TOKEN_AUTH REFRESH_TOKEN"},
		{"empty", `"ExplicitAuthFlows":[]`, "USER_SRP_AUTH CUSTOM_AUTH REFRESH_TOKEN_AUTH REFRESH_TOKEN"},
		{"SRP", `"ExplicitAuthFlows":["ALLOW_USER_SRP_AUTH"]`, "USER_SRP_AUTH"},
		{"all modern", `"ExplicitAuthFlows":["ALLOW_USER_PASSWORD_AUTH","ALLOW_ADMIN_USER_PASSWORD_AUTH","ALLOW_CUSTOM_AUTH","ALLOW_REFRESH_TOKEN_AUTH"]`,
			"USER_PASSWORD_AUTH ADMIN_USER_PASSWORD_AUTH ADMIN_NO_SRP_AUTH CUSTOM_AUTH REFRESH_TOKEN_AUTH REFRESH_TOKEN"},
		{"legacy password", `"ExplicitAuthFlows":["USER_PASSWORD_AUTH"]`, "USER_SRP_AUTH USER_PASSWORD_AUTH CUSTOM_AUTH REFRESH_TOKEN_AUTH REFRESH_TOKEN"},
		{"legacy administrator", `"ExplicitAuthFlows":["ADMIN_NO_SRP_AUTH"]`, "USER_SRP_AUTH ADMIN_USER_PASSWORD_AUTH ADMIN_NO_SRP_AUTH CUSTOM_AUTH REFRESH_TOKEN_AUTH REFRESH_TOKEN"},
		{"legacy custom only", `"ExplicitAuthFlows":["CUSTOM_AUTH_FLOW_ONLY"]`, "CUSTOM_AUTH REFRESH_TOKEN_AUTH REFRESH_TOKEN"},
		{"rotation, no list", `"RefreshTokenRotation":{"Feature":"ENABLED"}`, "USER_SRP_AUTH CUSTOM_AUTH"},
		{"rotation off", `"RefreshTokenRotation":{"Feature":"DISABLED"}`, "USER_SRP_AUTH CUSTOM_AUTH REFRESH_TOKEN_AUTH REFRESH_TOKEN"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, c, err := n.LoadClient(t.Context(), n.newClient(t, id, tt.members))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range all {
				if c.Allows(f) {
					got = append(got, string(f))
				}
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("allows %s\n want %s", s, tt.want)
			}
			if c.Allows("NO_SUCH_FLOW") {
				t.Error("allows an unknown flow")
			}
		})
	}
}

func TestClientSettings(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	id := n.newPool(t, `"Schema":[{"Name":"d","AttributeDataType":"String","DeveloperOnlyAttribute":true},{"Name":"x","AttributeDataType":"String"}]`)
	_, c, err := n.LoadClient(t.Context(), n.newClient(t, id, ""))
	if err != nil {
		t.Fatal(err)
	}
	type lifetimes struct{ access, id, refresh, session time.Duration }
	if got := (lifetimes{c.AccessTTL, c.IDTTL, c.RefreshTTL, c.SessionTTL}); got != (lifetimes{time.Hour, time.Hour, 720 * time.Hour, 3 * time.Minute}) {
		t.Errorf("default lifetimes %v", got)
	}
	if c.PreventExistence || !c.Revocation || c.Rotation {
		t.Errorf("defaults: %+v", c)
	}
	_, set, err := n.LoadClient(t.Context(), n.newClient(t, id, `"AccessTokenValidity":10,"IdTokenValidity":600,"RefreshTokenValidity":2,
		"TokenValidityUnits":{"AccessToken":"minutes","IdToken":"seconds","RefreshToken":"hours"},"AuthSessionValidity":15,
		"PreventUserExistenceErrors":"ENABLED","EnableTokenRevocation":false,"RefreshTokenRotation":{"Feature":"ENABLED","RetryGracePeriodSeconds":30},
		"ReadAttributes":["email"],"WriteAttributes":["name"]`))
	if err != nil {
		t.Fatal(err)
	}
	if got := (lifetimes{set.AccessTTL, set.IDTTL, set.RefreshTTL, set.SessionTTL}); got != (lifetimes{10 * time.Minute, 10 * time.Minute, 2 * time.Hour, 15 * time.Minute}) {
		t.Errorf("lifetimes %v", got)
	}
	if !set.PreventExistence || set.Revocation || !set.Rotation || set.RotationGrace != 30*time.Second {
		t.Errorf("settings: %+v", set)
	}
	for _, tt := range []struct {
		attribute                        string
		read, write, readList, writeList bool
	}{
		{"email", true, true, true, false},
		{"name", true, true, false, true},
		{"custom:x", true, true, false, false},
		{"sub", true, false, true, false},
		{"email_verified", true, false, false, false},
		{"identities", true, false, true, false},
		{"dev:custom:d", false, false, false, false},
	} {
		got := [4]bool{c.CanRead(tt.attribute), c.CanWrite(tt.attribute), set.CanRead(tt.attribute), set.CanWrite(tt.attribute)}
		if want := [4]bool{tt.read, tt.write, tt.readList, tt.writeList}; got != want {
			t.Errorf("%s: read, write, with lists: %v, want %v", tt.attribute, got, want)
		}
	}
}

func secretHash(secret, username, client string) *string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(username + client))
	return new(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, n *node) {
		id := n.newPool(t, "")
		created := at(n.do(t, "CreateUserPoolClient", `{"UserPoolId":"`+id+`","ClientName":"c","GenerateSecret":true}`), "UserPoolClient").(map[string]any)
		client, first := created["ClientId"].(string), created["ClientSecret"].(string)
		body := `"UserPoolId":"` + id + `","ClientId":"` + client + `"`

		n.clock.Pass(time.Second)
		added := n.do(t, "AddUserPoolClientSecret", "{"+body+"}")["ClientSecretDescriptor"].(map[string]any)
		second, _ := added["ClientSecretValue"].(string)
		if want := fmt.Sprintf("%s--%d", client, 1795341601); added["ClientSecretId"] != want || added["ClientSecretCreateDate"] != 1795341601.0 || len(second) < 51 {
			t.Errorf("added %v, want the id %s", added, want)
		}
		_, err := n.call(t.Context(), "AddUserPoolClientSecret", "{"+body+"}")
		wantError(t, "AddUserPoolClientSecret", err, "LimitExceededException: Client secrets cannot exceed limit of 2 secrets.")

		listed := n.do(t, "ListUserPoolClientSecrets", "{"+body+"}")
		firstID := client + "--1795341600"
		if diff := cmp.Diff(tree(t, `{"ClientSecrets":[{"ClientSecretId":"`+firstID+`","ClientSecretCreateDate":1795341600},
			{"ClientSecretId":"`+client+`--1795341601","ClientSecretCreateDate":1795341601}]}`), listed); diff != "" {
			t.Errorf("listed (-want +got):\n%s", diff)
		}

		check := func(want ...string) {
			t.Helper()
			_, c, err := n.LoadClient(t.Context(), client)
			if err != nil {
				t.Fatal(err)
			}
			for i, secret := range []string{first, second} {
				wantError(t, "SignUp", c.CheckSecretHash("alice", secretHash(secret, "alice", client)), want[i])
				if got := c.CheckSecret(&secret); got != (want[i] == "") {
					t.Errorf("secret %d in clear: %v", i, got)
				}
			}
		}
		check("", "")
		n.do(t, "DeleteUserPoolClientSecret", "{"+body+`,"ClientSecretId":"`+firstID+`"}`)
		check("NotAuthorizedException: Unable to verify secret hash for client "+client, "")
		if got := at(n.do(t, "DescribeUserPoolClient", "{"+body+"}"), "UserPoolClient", "ClientSecret"); got != second {
			t.Errorf("shown secret %v, want the one left", got)
		}
		_, err = n.call(t.Context(), "DeleteUserPoolClientSecret", "{"+body+`,"ClientSecretId":"`+firstID+`"}`)
		wantError(t, "DeleteUserPoolClientSecret", err, "ResourceNotFoundException: Client secret "+firstID+" does not exist.")
		_, err = n.call(t.Context(), "DeleteUserPoolClientSecret", "{"+body+`,"ClientSecretId":"`+client+`--1795341601"}`)
		wantError(t, "DeleteUserPoolClientSecret", err, "InvalidParameterException: The last client secret can not be deleted.")

		// Two in one second have ids of their own; a given value is not shown.
		given := n.do(t, "AddUserPoolClientSecret", "{"+body+`,"ClientSecret":"abcdefghijklmnopqrstuvwxyz"}`)["ClientSecretDescriptor"].(map[string]any)
		if _, shown := given["ClientSecretValue"]; shown || given["ClientSecretId"] != client+"--1795341602" {
			t.Errorf("given secret: %v", given)
		}

		public := n.newClient(t, id, "")
		_, err = n.call(t.Context(), "AddUserPoolClientSecret", `{"UserPoolId":"`+id+`","ClientId":"`+public+`"}`)
		wantError(t, "AddUserPoolClientSecret", err, "InvalidParameterException: Client secrets can only be added to a client that has a secret.")
	})
}

func TestSecretChecks(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	id := n.newPool(t, "")
	const secret = "0123456789abcdef0123456789"
	_, c, err := n.LoadClient(t.Context(), n.newClient(t, id, `"ClientSecret":"`+secret+`"`))
	if err != nil {
		t.Fatal(err)
	}
	_, public, err := n.LoadClient(t.Context(), n.newClient(t, id, ""))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		client *pool.Client
		hash   *string
		want   string
	}{
		{"right", c, secretHash(secret, "alice", c.ID), ""},
		{"another user's", c, secretHash(secret, "bob", c.ID), "NotAuthorizedException: Unable to verify secret hash for client " + c.ID},
		{"case of the name", c, secretHash(secret, "Alice", c.ID), "NotAuthorizedException: Unable to verify secret hash for client " + c.ID},
		{"nonsense", c, new("x"), "NotAuthorizedException: Unable to verify secret hash for client " + c.ID},
		{"missing", c, nil, "NotAuthorizedException: Client " + c.ID + " is configured with secret but SECRET_HASH was not received"},
		{"empty", c, new(""), "NotAuthorizedException: Client " + c.ID + " is configured with secret but SECRET_HASH was not received"},
		{"public, none", public, nil, ""},
		{"public, some", public, secretHash(secret, "alice", public.ID), "NotAuthorizedException: Unable to verify secret hash for client " + public.ID},
	}
	for _, tt := range tests {
		wantError(t, "SignUp", tt.client.CheckSecretHash("alice", tt.hash), tt.want)
	}
	if c.CheckSecret(nil) || c.CheckSecret(new("")) || c.CheckSecret(new(secret+"x")) || !c.CheckSecret(new(secret)) {
		t.Error("CheckSecret of a confidential client")
	}
	if !public.CheckSecret(nil) || !public.CheckSecret(new("anything")) {
		t.Error("CheckSecret of a public client")
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(format, c.Secrets); strings.Contains(s, secret) {
			t.Errorf("%s prints the secret: %s", format, s)
		}
	}
	if s := c.Secrets[0].LogValue().String(); strings.Contains(s, secret) {
		t.Errorf("logs the secret: %s", s)
	}
	// At rest it is sealed, and not part of the shape.
	r, err := n.deps.Store.Client(t.Context(), id, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	if doc := string(r.Doc); strings.Contains(doc, secret) || strings.Contains(doc, base64.StdEncoding.EncodeToString([]byte(secret))) {
		t.Error("the secret is stored in clear")
	}
	if c.Config.ClientSecret != nil || c.Config.PreventUserExistenceErrors != idp.PreventUserExistenceErrorTypes("") {
		t.Errorf("config: %+v", c.Config)
	}
}
