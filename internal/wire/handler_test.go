package wire_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/wire"
)

var now = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// directory is a service of a few operations, each of which shows one way to answer.
type directory struct{ idp.Unimplemented }

func (directory) GetUser(_ context.Context, in *idp.GetUserRequest) (*idp.GetUserResponse, error) {
	switch in.AccessToken {
	case "wrong":
		return nil, idp.NotAuthorizedException("Invalid Access Token").WithReason(api.ReasonBadAccessToken)
	case "revoked":
		return nil, idp.NotAuthorizedException("Access Token has been revoked")
	case "panic":
		panic("boom")
	case "cause":
		return nil, errors.New("disk on fire")
	case "foreign":
		return nil, idp.GroupExistsException("A group with the name already exists")
	case "unicode":
		return nil, idp.InvalidParameterException("höchst\r\nfalsch <&>")
	}
	return &idp.GetUserResponse{
		Username:       in.AccessToken,
		UserAttributes: []idp.AttributeType{{Name: "email", Value: new("alice@example.com")}, {Name: "name", Value: new("<Alice & \"Bob\">\n")}},
	}, nil
}

func (directory) AdminGetUser(ctx context.Context, in *idp.AdminGetUserRequest) (*idp.AdminGetUserResponse, error) {
	c := api.RequestFrom(ctx)
	return &idp.AdminGetUserResponse{
		Username: in.Username, UserStatus: idp.UserStatusTypeConfirmed,
		UserCreateDate: time.UnixMilli(1594889658976), UserLastModifiedDate: time.Unix(1594889658, 0),
		UserMFASettingList: []string{c.Operation, c.Region, c.AccountID, c.AccessKeyID, c.PrincipalARN},
	}, nil
}

func (directory) ListDevices(context.Context, *idp.ListDevicesRequest) (*idp.ListDevicesResponse, error) {
	return nil, api.NewError(api.CodeUnknownOperation, "ListDevices is not available in this version of Cognate.")
}

func (directory) AdminDeleteUser(context.Context, *idp.AdminDeleteUserRequest) error { return nil }

func (directory) AddUserPoolClientSecret(context.Context, *idp.AddUserPoolClientSecretRequest) (*idp.AddUserPoolClientSecretResponse, error) {
	return nil, errors.New("no")
}

// serve starts a handler on a listener of its own and returns its URL.
func serve(t *testing.T, change func(*wire.Config)) string {
	t.Helper()
	return serveObserved(t, change, func(*api.Request, audit.Facts) {})
}

// serveObserved also passes on what became known of each request.
func serveObserved(t *testing.T, change func(*wire.Config), observe func(*api.Request, audit.Facts)) string {
	t.Helper()
	c := wire.Config{
		Bindings: idp.Bind(directory{}), AccountID: "123456789012",
		Authority: wire.Authority{Mode: wire.AcceptAny},
		Now:       func() time.Time { return now },
	}
	if change != nil {
		change(&c)
	}
	h := wire.New(c)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// As the server's edge does.
		request := &api.Request{ID: "6f9bd4c8-0b6c-4f4e-9f0b-0d3c4d2c1b5a"}
		ctx, event := audit.With(api.WithRequest(r.Context(), request))
		h.ServeHTTP(w, r.WithContext(ctx))
		observe(request, event.Facts())
	}))
	t.Cleanup(s.Close)
	return s.URL
}

const anySignature = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/eu-central-1/cognito-idp/aws4_request, SignedHeaders=host;x-amz-date, Signature=" +
	"0000000000000000000000000000000000000000000000000000000000000000"

// request is a POST of body to the operation, signed somehow where header says so.
func request(t *testing.T, url, op, body string, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+op)
	r.Header.Set("X-Amz-Date", "20260301T100000Z")
	for i := 0; i < len(header); i += 2 {
		if header[i+1] == "" {
			r.Header.Del(header[i])
		} else {
			r.Header[http.CanonicalHeaderKey(header[i])] = []string{header[i+1]}
		}
	}
	return r
}

func do(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// TestGolden compares whole responses, headers included, with testdata. Set
// UPDATE_GOLDEN to write them again.
func TestGolden(t *testing.T) {
	t.Parallel()
	admin := []string{"Authorization", anySignature}
	user := `{"UserPoolId":"us-east-1_abcdefghi","Username":"alice"}`
	tests := []struct {
		name   string
		op     string
		body   string
		header []string
	}{
		{"success", "GetUser", `{"AccessToken":"alice"}`, nil},
		{"signed success", "AdminGetUser", user, admin},
		{"no output", "AdminDeleteUser", user, admin},
		{"modelled error", "GetUser", `{"AccessToken":"revoked"}`, nil},
		{"text that headers cannot carry", "GetUser", `{"AccessToken":"unicode"}`, nil},
		{"signature ignored", "GetUser", `{"AccessToken":"alice"}`, []string{"Authorization", "Bearer nonsense"}},
		{"constraint", "AdminGetUser", `{"UserPoolId":"abc","Username":"alice"}`, admin},
		{"constraints", "GetUser", `{}`, nil},
		{"serialization", "GetUser", `{"AccessToken":7}`, nil},
		{"list body", "GetUser", `[]`, nil},
		{"broken body", "GetUser", `{"AccessToken":"a"`, nil},
		{"unsigned", "AdminGetUser", user, nil},
		{"authentication before JSON", "AdminGetUser", `{`, nil},
		{"incomplete signature", "AdminGetUser", user, []string{"Authorization", "AWS4-HMAC-SHA256 Credential=x", "X-Amz-Date", ""}},
		{"other service in scope", "AdminGetUser", user, []string{"Authorization", strings.Replace(anySignature, "cognito-idp", "sts", 1)}},
		{"unknown operation", "Nothing", `{}`, nil},
		{"no target", "x", `{}`, []string{"X-Amz-Target", ""}},
		{"other prefix", "x", `{}`, []string{"X-Amz-Target", "AWSCognitoIdentityService.GetUser"}},
		{"content type", "GetUser", `{}`, []string{"Content-Type", "text/plain"}},
		{"internal error", "GetUser", `{"AccessToken":"cause"}`, nil},
		{"panic", "GetUser", `{"AccessToken":"panic"}`, nil},
		{"undeclared error", "GetUser", `{"AccessToken":"foreign"}`, nil},
		{"internal server exception", "AddUserPoolClientSecret", `{"UserPoolId":"us-east-1_abcdefghi","ClientId":"abc"}`, admin},
		{"not built", "ListDevices", `{"AccessToken":"alice"}`, nil},
	}
	url := serve(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			resp, body := do(t, request(t, url, tt.op, tt.body, tt.header...))
			golden(t, resp, body)
		})
	}
	t.Run("other method", func(t *testing.T) {
		t.Parallel()
		r := request(t, url, "GetUser", `{}`)
		r.Method = http.MethodGet
		resp, body := do(t, r)
		golden(t, resp, body)
	})
	t.Run("preflight", func(t *testing.T) {
		t.Parallel()
		r := request(t, url, "GetUser", "")
		r.Method = http.MethodOptions
		r.Header.Set("Origin", "https://app.example.com")
		r.Header.Set("Access-Control-Request-Headers", "content-type, X-Amz-Content-Sha256,evil header")
		resp, body := do(t, r)
		golden(t, resp, body)
	})
}

func golden(t *testing.T, resp *http.Response, body string) {
	t.Helper()
	var head strings.Builder
	resp.Header.Del("Date")
	if err := resp.Header.Write(&head); err != nil {
		t.Fatal(err)
	}
	got := resp.Status + "\n" + strings.ReplaceAll(head.String(), "\r\n", "\n") + "\n" + body + "\n"
	name := regexp.MustCompile(`[^a-zA-Z]+`).ReplaceAllString(strings.SplitN(t.Name(), "/", 2)[1], "-")
	file := filepath.Join("testdata", name+".http")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	url := serve(t, func(c *wire.Config) { c.MaxBody = 64 })
	fits := `{"AccessToken":"alice"}`
	fits += strings.Repeat(" ", 64-len(fits))
	tests := []struct {
		name    string
		body    string
		chunked bool
		status  int
	}{
		{"at the limit", fits, false, 200},
		{"at the limit, chunked", fits, true, 200},
		{"over", fits + " ", false, 413},
		{"over, chunked", fits + " ", true, 413},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := request(t, url, "GetUser", tt.body)
			if tt.chunked {
				r.ContentLength = -1
			}
			if resp, body := do(t, r); resp.StatusCode != tt.status {
				t.Errorf("status = %d, %s", resp.StatusCode, body)
			}
		})
	}
}

func TestAllowUnsigned(t *testing.T) {
	t.Parallel()
	body := `{"UserPoolId":"us-east-1_abcdefghi","Username":"alice"}`
	url := serve(t, func(c *wire.Config) { c.Authority.AllowUnsigned = true })
	resp, got := do(t, request(t, url, "AdminGetUser", body))
	if resp.StatusCode != 200 || !strings.Contains(got, `"us-east-1"`) {
		t.Errorf("unsigned: %d %s; want the pool's Region", resp.StatusCode, got)
	}
	resp, got = do(t, request(t, url, "AdminGetUser", body, "Authorization", "AWS4-HMAC-SHA256 x"))
	if resp.StatusCode != 400 || !strings.Contains(got, "IncompleteSignatureException") {
		t.Errorf("badly signed: %d %s", resp.StatusCode, got)
	}
	// Verify mode knows no such exception.
	url = serve(t, func(c *wire.Config) {
		c.Authority = wire.Authority{Mode: wire.Verify, AllowUnsigned: true}
	})
	if resp, got = do(t, request(t, url, "AdminGetUser", body)); !strings.Contains(got, "MissingAuthenticationTokenException") {
		t.Errorf("unsigned in Verify: %d %s", resp.StatusCode, got)
	}
}

// TestEvent wants in a request's event, or in the log, what the client was not told.
func TestEvent(t *testing.T) {
	t.Parallel()
	type observed struct {
		request *api.Request
		facts   audit.Facts
	}
	seen := make(chan observed, 4)
	var log bytes.Buffer
	url := serveObserved(t, func(c *wire.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) },
		func(r *api.Request, f audit.Facts) { seen <- observed{r, f} })
	const (
		panicked   = "msg=panic requestId=6f9bd4c8-0b6c-4f4e-9f0b-0d3c4d2c1b5a stack="
		undeclared = `msg="an operation answered a code that its model does not list" operation=GetUser code=GroupExistsException`
	)
	tests := []struct {
		body, code, cause string
		reason            api.Reason
		log               string
	}{
		{`{"AccessToken":"alice"}`, "", "", "", ""},
		{`{"AccessToken":7}`, "SerializationException", "", api.ReasonInvalidRequest, ""},
		{`{"AccessToken":"cause"}`, "InternalErrorException", "disk on fire", "", ""},
		{`{"AccessToken":"panic"}`, "InternalErrorException", "wire: panic: boom", "", panicked},
		{`{"AccessToken":"foreign"}`, "InternalErrorException", "GroupExistsException: A group with the name already exists", "", undeclared},
	}
	for _, tt := range tests {
		log.Reset()
		do(t, request(t, url, "GetUser", tt.body))
		o := <-seen
		if o.request.Service != "cognito-idp" || o.request.Operation != "GetUser" || !o.request.Anonymous {
			t.Errorf("%s: request = %+v", tt.body, o.request)
		}
		if diff := cmp.Diff(audit.Facts{Answered: true, Code: tt.code, Cause: tt.cause, Reason: tt.reason}, o.facts); diff != "" {
			t.Errorf("%s: facts (-want +got):\n%s", tt.body, diff)
		}
		if got := log.String(); (tt.log == "") != (got == "") || !strings.Contains(got, tt.log) || strings.Count(got, "\n") > 1 {
			t.Errorf("%s: log %q, want %q", tt.body, got, tt.log)
		}
	}
	if len(seen) != 0 {
		t.Error("a request was told of twice")
	}
}
