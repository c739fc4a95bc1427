package scim_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/server"
	"cognate/test/pgtest"
	"cognate/test/serving"
)

const (
	userSchema  = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupSchema = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterprise  = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	patchSchema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// A rig is a development server with a pool that has two identity providers, Corp and Other.
type rig struct {
	serving.Rig
	sdk  *cip.Client
	pool string
}

func engines(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newRig(t, ""))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, newRig(t, pgtest.Database(t)))
	})
}

func newRig(t *testing.T, database string) *rig {
	t.Helper()
	c := serving.Dev(t)
	c.Database = server.Secret(database)
	r := &rig{Rig: serving.Start(t, c)}
	r.sdk = r.Dev()
	out, err := r.sdk.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{
		PoolName: new("people"), Schema: []types.SchemaAttributeType{
			{Name: new("department"), AttributeDataType: types.AttributeDataTypeString, Mutable: new(true)},
			{Name: new("number"), AttributeDataType: types.AttributeDataTypeString, Mutable: new(false)},
		},
	})
	r.pool = *serving.Must(t, out, err).UserPool.Id
	r.addProvider(t, "Corp")
	r.addProvider(t, "Other")
	return r
}

// addProvider adds a provider that nobody calls.
func (r *rig) addProvider(t *testing.T, name string) {
	t.Helper()
	const nowhere = "https://provider.example"
	out, err := r.sdk.CreateIdentityProvider(t.Context(), &cip.CreateIdentityProviderInput{
		UserPoolId: &r.pool, ProviderName: &name, ProviderType: types.IdentityProviderTypeTypeOidc,
		ProviderDetails: map[string]string{
			"client_id": "id", "client_secret": "secret", "authorize_scopes": "openid", "attributes_request_method": "GET", "oidc_issuer": nowhere,
			"authorize_url": nowhere + "/authorize", "token_url": nowhere + "/token", "attributes_url": nowhere + "/info", "jwks_uri": nowhere + "/keys",
		},
	})
	serving.Must(t, out, err)
}

// command runs "cognate admin scim" and returns its output.
func (r *rig) command(t *testing.T, args ...string) string {
	t.Helper()
	out, _ := serving.Run(t, nil, r.SCIM(r.pool, args...)...)
	return out
}

// A directory calls the server with a token.
type directory struct {
	t     *testing.T
	base  string
	token string
}

// directory makes a token of the provider's directory.
func (r *rig) directory(t *testing.T, provider string, args ...string) *directory {
	t.Helper()
	base, token := serving.NewDirectory(t, r.Rig, r.pool, provider, args...)
	return &directory{t: t, base: base, token: token}
}

// A reply is what the server answered.
type reply struct {
	status int
	header http.Header
	body   map[string]any
	text   string
}

// do sends a request. body is a text, or a value for JSON. A header is "Name: value".
func (d *directory) do(method, path string, body any, header ...string) reply {
	d.t.Helper()
	r, err := d.try(method, path, body, header...)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

func (d *directory) try(method, path string, body any, header ...string) (reply, error) {
	var content io.Reader = http.NoBody
	switch b := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return reply{}, err
		}
		content = bytes.NewReader(text)
	}
	in, err := http.NewRequestWithContext(d.t.Context(), method, d.base+path, content)
	if err != nil {
		return reply{}, err
	}
	in.Header.Set("Content-Type", "application/scim+json")
	if d.token != "" {
		in.Header.Set("Authorization", "Bearer "+d.token)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		in.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(in)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return reply{}, err
	}
	out := reply{status: res.StatusCode, header: res.Header, text: string(text)}
	if len(text) > 0 {
		err = json.Unmarshal(text, &out.body)
	}
	return out, err
}

// want fails the test unless the reply has the status.
func (d *directory) want(r reply, status int) reply {
	d.t.Helper()
	if r.status != status {
		d.t.Fatalf("status %d, want %d: %s", r.status, status, r.text)
	}
	return r
}

// wantError fails the test unless the reply is an error of the status and the type.
func (d *directory) wantError(r reply, status int, scimType string) {
	d.t.Helper()
	d.want(r, status)
	if got, _ := r.body["scimType"].(string); got != scimType || r.body["status"] != http.StatusText(status) && r.body["detail"] == "" {
		d.t.Errorf("%s, want scimType %q", r.text, scimType)
	}
}

// user makes a user and returns its id.
func (d *directory) user(name string, more ...any) string {
	d.t.Helper()
	doc := map[string]any{"schemas": []string{userSchema}, "userName": name}
	for i := 0; i+1 < len(more); i += 2 {
		doc[more[i].(string)] = more[i+1]
	}
	return d.want(d.do("POST", "/Users", doc), http.StatusCreated).body["id"].(string)
}

// group makes a group with members and returns its id.
func (d *directory) group(name string, members ...string) string {
	d.t.Helper()
	return d.want(d.do("POST", "/Groups", groupDocument(name, members...)), http.StatusCreated).body["id"].(string)
}

func groupDocument(name string, members ...string) map[string]any {
	list := []map[string]string{}
	for _, id := range members {
		list = append(list, map[string]string{"value": id})
	}
	return map[string]any{"schemas": []string{groupSchema}, "displayName": name, "members": list}
}

func patch(operations ...map[string]any) map[string]any {
	return map[string]any{"schemas": []string{patchSchema}, "Operations": operations}
}

// found returns the ids that a filter finds.
func (d *directory) found(endpoint, filter string) []string {
	d.t.Helper()
	r := d.want(d.do("GET", endpoint+"?filter="+url.QueryEscape(filter), nil), http.StatusOK)
	ids := []string{}
	for _, one := range r.body["Resources"].([]any) {
		ids = append(ids, one.(map[string]any)["id"].(string))
	}
	return ids
}

func providerUser(provider, attribute, value string) *types.ProviderUserIdentifierType {
	out := &types.ProviderUserIdentifierType{ProviderName: &provider, ProviderAttributeValue: &value}
	if attribute != "" {
		out.ProviderAttributeName = &attribute
	}
	return out
}

// of returns the pool's user of a sub, by its attributes; nil if there is no such user.
func (r *rig) of(t *testing.T, sub string) (attributes map[string]string, u *types.UserType) {
	t.Helper()
	out, err := r.sdk.ListUsers(t.Context(), &cip.ListUsersInput{UserPoolId: &r.pool, Filter: new(`sub = "` + sub + `"`)})
	if list := serving.Must(t, out, err).Users; len(list) == 1 {
		u, attributes = &list[0], map[string]string{}
		for _, a := range list[0].Attributes {
			attributes[*a.Name] = *a.Value
		}
	}
	return attributes, u
}

// membersOf returns the usernames in a group of the pool.
func (r *rig) membersOf(t *testing.T, group string) []string {
	t.Helper()
	out, err := r.sdk.ListUsersInGroup(t.Context(), &cip.ListUsersInGroupInput{UserPoolId: &r.pool, GroupName: &group})
	names := []string{}
	for _, u := range serving.Must(t, out, err).Users {
		names = append(names, *u.Username)
	}
	return names
}
