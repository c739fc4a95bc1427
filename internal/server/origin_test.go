package server_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"cognate/test/serving"
)

// visit is a page's request, and the status of what it gets as an administrator.
type visit struct {
	name, origin, host string
	status             int
}

func (v visit) post(t *testing.T, r serving.Rig, operation, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	if v.origin != "" {
		req.Header.Set("Origin", v.origin)
	}
	req.Host = v.host
	return do(t, req)
}

func do(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// TestPagesOfOtherMachines plays the browser of a developer who visits a hostile
// page: the page cannot hide its origin, nor say which host it asks for.
func TestPagesOfOtherMachines(t *testing.T) {
	t.Parallel()
	c := serving.Dev(t)
	c.AllowUnsigned, c.AllowOrigin = true, []string{"https://app.example.com", "http://cognate.test:8080"}
	r := serving.Start(t, c)
	const ok, origin, host = http.StatusOK, http.StatusBadRequest, http.StatusForbidden
	tests := []visit{
		{"no browser", "", "", ok},
		{"a page of this machine", "http://localhost:3000", "", ok},
		{"by address", "http://127.0.0.1:3000", "", ok},
		{"another loopback address", "https://127.9.9.9", "", ok},
		{"IPv6", "http://[::1]:3000", "", ok},
		{"a name below localhost", "http://app.localhost:3000", "", ok},
		{"allowed", "https://app.example.com", "", ok},
		{"allowed, with the port that is implied", "https://app.example.com:443", "", ok},
		{"another port", "https://app.example.com:8443", "", origin},
		{"another scheme", "http://app.example.com", "", origin},
		{"a longer name", "https://app.example.com.attacker.example", "", origin},
		{"a name that begins like localhost", "http://localhost.attacker.example", "", origin},
		{"a name that ends like localhost", "http://notlocalhost", "", origin},
		{"an address in a name", "http://127.0.0.1.attacker.example", "", origin},
		{"another machine's page", "https://attacker.example", "", origin},
		{"another machine's address", "http://203.0.113.1", "", origin},
		{"no origin to tell", "null", "", origin},
		{"nonsense", "http://", "", origin},
		{"credentials in the origin", "http://localhost@attacker.example", "", origin},
		{"rebound, from the same origin", "http://attacker.example:9229", "attacker.example:9229", host},
		{"rebound, without an origin", "", "attacker.example", host},
		{"rebound to a name that looks like an address", "", "127.0.0.1.attacker.example", host},
		{"rebound with a final dot", "", "attacker.example.", host},
		{"localhost with a final dot", "", "LOCALHOST.:9229", ok},
		{"an allowed host", "http://cognate.test:8080", "cognate.test:8080", ok},
		{"another page on an allowed host", "https://attacker.example", "cognate.test:8080", origin},
		{"a login domain of an allowed host", "", "people.auth.cognate.test", ok},
		{"a name without a dot", "", "cognate:9229", host},
		{"a container's name for this machine", "", "host.docker.internal:9229", ok},
		{"an address that a port is forwarded from", "http://192.0.2.7:9229", "192.0.2.7:9229", ok},
		{"another page there", "http://192.0.2.7:80", "192.0.2.7:9229", origin},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, operation := range []struct{ name, body string }{{"ListUserPools", `{"MaxResults":1}`}, {"ListUserPools", `{}`}} {
				status, text := tt.post(t, r, operation.name, operation.body)
				if tt.status == ok {
					if strings.Contains(text, "AccessDenied") {
						t.Errorf("%d %s", status, text)
					}
					continue
				}
				if status != tt.status || !strings.Contains(text, `"__type":"AccessDeniedException"`) || !strings.Contains(text, "--allow-origin") && !strings.Contains(text, "--host-name") {
					t.Errorf("%d %s, want %d", status, text, tt.status)
				}
			}
			// People's own operations are for every page, as Cognito's are.
			status, text := tt.post(t, r, "GetUser", `{"AccessToken":"x"}`)
			if denied := strings.Contains(text, "AccessDenied"); denied != (tt.status == host) {
				t.Errorf("GetUser: %d %s", status, text)
			}
		})
	}
	exposed := c
	exposed.Expose, exposed.Data = true, t.TempDir()
	e := serving.Start(t, exposed)
	for _, v := range []visit{{host: "cognate:9229", status: ok}, {host: "attacker.example", status: host}, {host: "cognate:9229", origin: "https://attacker.example", status: origin}} {
		if status, text := v.post(t, e, "ListUserPools", `{"MaxResults":1}`); status != v.status {
			t.Errorf("exposed, to %s: %d %s", v.host, status, text)
		}
	}
	for _, path := range []string{"/_cognate/inbox", "/_cognate/health", "/"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "attacker.example"
		if status, text := do(t, req); status != http.StatusForbidden {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}
