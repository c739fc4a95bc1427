package faults_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cognate/internal/federation/saml/samltest"
	"cognate/test/fakeidp"
	"cognate/test/patience"
)

// providerSite is a pool with a domain, and an app client whose people come from other providers.
type providerSite struct {
	pool, app string
	host      string // the host of the domain's address, by which all servers are asked
}

// newProviderSite makes the site. The app client allows no provider yet.
func newProviderSite(t *testing.T, n *node) *providerSite {
	t.Helper()
	s := &providerSite{pool: n.newPool(t), host: strings.TrimPrefix(n.url, "http://")}
	n.must(t, "CreateUserPoolDomain", object{"UserPoolId": s.pool, "Domain": "people", "ManagedLoginVersion": 2})
	return s.withApp(t, n)
}

// withApp returns the site for another app client.
func (s *providerSite) withApp(t *testing.T, n *node) *providerSite {
	t.Helper()
	other := *s
	other.app = n.must(t, "CreateUserPoolClient", object{"UserPoolId": s.pool, "ClientName": "web"}).text("UserPoolClient", "ClientId")
	return &other
}

// add makes a provider.
func (s *providerSite) add(t *testing.T, n *node, name, kind string, details, mapping object) {
	t.Helper()
	n.must(t, "CreateIdentityProvider", object{"UserPoolId": s.pool, "ProviderName": name, "ProviderType": kind, "ProviderDetails": details, "AttributeMapping": mapping})
}

// allow sets the providers of the app client.
func (s *providerSite) allow(t *testing.T, n *node, names ...string) {
	t.Helper()
	n.must(t, "UpdateUserPoolClient", object{
		"UserPoolId": s.pool, "ClientId": s.app, "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthFlows": []string{"code"}, "AllowedOAuthScopes": []string{"openid"},
		"CallbackURLs": []string{"https://a.example/cb"}, "SupportedIdentityProviders": names, "ExplicitAuthFlows": []string{"ALLOW_USER_PASSWORD_AUTH"},
	})
}

// oidc are the details of an OpenID Connect provider at an address.
func oidcDetails(issuer string) object {
	return object{
		"client_id": fakeidp.ClientID, "client_secret": fakeidp.ClientSecret, "authorize_scopes": "openid", "oidc_issuer": issuer, "attributes_request_method": "GET",
		"authorize_url": issuer + "/authorize", "token_url": issuer + "/token", "attributes_url": issuer + "/userinfo", "jwks_uri": issuer + "/keys",
	}
}

func (s *providerSite) query(pairs ...string) string {
	q := url.Values{"client_id": {s.app}, "redirect_uri": {"https://a.example/cb"}, "response_type": {"code"}, "scope": {"openid"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q.Encode()
}

// person is a browser that keeps cookies and follows no redirect.
type person struct {
	*http.Client
	site *providerSite
}

func (s *providerSite) person(t *testing.T, n *node) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &person{Client: &http.Client{Jar: jar, Transport: n.http.Transport, Timeout: n.http.Timeout}, site: s}
	p.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return p
}

// do opens a reference of the domain on a server, or sends a form, and returns the status and
// where the browser is sent.
func (p *person) do(t *testing.T, n *node, ref string, form url.Values) (status int, location string) {
	t.Helper()
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(t.Context(), method, n.url+"/_domain/people"+strings.TrimPrefix(ref, "/_domain/people"), strings.NewReader(form.Encode()))
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	r.Host = p.site.host
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := p.Do(r)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Error(err)
	}
	return res.StatusCode, res.Header.Get("Location")
}

// begin sends the browser to a provider, and returns the provider's address.
func (p *person) begin(t *testing.T, n *node, provider string) string {
	t.Helper()
	_, location := p.do(t, n, "/oauth2/authorize?"+p.site.query("identity_provider", provider), nil)
	if strings.HasPrefix(location, "/") {
		t.Errorf("no sign-in at %s: %s", provider, location)
	}
	return location
}

// hasCode reports whether the browser was sent to the app client with a code.
func hasCode(location string) bool { return strings.HasPrefix(location, "https://a.example/cb?code=") }

// slowProvider is a provider that keeps its callers waiting.
type slowProvider struct {
	*httptest.Server
	trickles bool
	open     atomic.Int64
	full     chan struct{} // closed when as many calls hang as a host may have
	once     sync.Once
}

// hostCalls is how many calls of a host the server makes at a time.
const hostCalls = 128

func newSlowProvider(trickles bool) *slowProvider {
	s := &slowProvider{trickles: trickles, full: make(chan struct{})}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	return s
}

func (s *slowProvider) serve(w http.ResponseWriter, r *http.Request) {
	if s.open.Add(1) == hostCalls {
		s.once.Do(func() { close(s.full) })
	}
	defer s.open.Add(-1)
	_, _ = io.Copy(io.Discard, r.Body) // Without it the server does not see that the caller has gone.
	if !s.trickles {
		<-r.Context().Done()
		return
	}
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		_, _ = io.WriteString(w, " ")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-second.C:
		case <-r.Context().Done():
			return
		}
	}
}

// hang signs in at the provider until done is closed. It returns how many sign-ins ended in a
// timeout, and how many were refused because too many were hanging.
func (p *person) hang(t *testing.T, n *node, done chan struct{}) (timeouts, refused int) {
	for {
		u, err := url.Parse(p.begin(t, n, "Slow"))
		if err != nil {
			t.Error(err)
			return timeouts, refused
		}
		answer := url.Values{"code": {"x"}, "state": {u.Query().Get("state")}}
		_, location := p.do(t, n, "/oauth2/idpresponse?"+answer.Encode(), nil)
		to, err := url.Parse(location)
		if err != nil || to.Host != "a.example" || to.Query().Get("error") != "invalid_request" {
			t.Errorf("sent to %q", location)
			return timeouts, refused
		}
		switch text := to.Query().Get("error_description"); text {
		case "Timeout occurred in calling IdP token endpoint", "Read timed out":
			timeouts++
		case "Connection reset":
			refused++
			<-done // More tries would only cost time.
		default:
			t.Errorf("the app client is told %q", text)
		}
		select {
		case <-done:
			return timeouts, refused
		default:
		}
	}
}

// TestSlowProvider: while more sign-ins hang at a provider than it may have calls, people sign in
// by password and at another provider, and the server is ready. The sign-ins that hang end with
// an error that says why, and leave no call behind.
func TestSlowProvider(t *testing.T) {
	t.Parallel()
	for name, trickles := range map[string]bool{"silent": false, "a byte a second": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			slow := newSlowProvider(trickles)
			t.Cleanup(slow.Close)
			corp, end := fakeidp.Start(time.Now)
			t.Cleanup(end)
			c := dev(t)
			c.PrivateListen = "127.0.0.1:0"
			n := start(t, c)
			site := newProviderSite(t, n)
			site.add(t, n, "Slow", "OIDC", oidcDetails(slow.URL), nil)
			site.add(t, n, "Corp", "OIDC", oidcDetails(corp.URL), nil)
			site.allow(t, n, "COGNITO", "Slow", "Corp")
			n.newUser(t, site.pool, "alice")

			const people = hostCalls + 16
			done := make(chan struct{})
			var all sync.WaitGroup
			var timeouts, refused atomic.Int64
			for range people {
				p := site.person(t, n)
				all.Go(func() {
					late, busy := p.hang(t, n, done)
					timeouts.Add(int64(late))
					refused.Add(int64(busy))
				})
			}
			<-slow.full

			n.tokens(t, site.app, "alice")
			p := site.person(t, n)
			if status, location := p.do(t, n, "/login?"+site.query(), nil); status != http.StatusOK {
				t.Errorf("the sign-in page: %d %s", status, location)
			}
			v, err := fakeidp.Visit(t.Context(), p.begin(t, n, "Corp"))
			if err != nil {
				t.Error(err)
			}
			if _, location := p.do(t, n, "/oauth2/idpresponse?"+v.Encode(), nil); !hasCode(location) {
				t.Errorf("another provider: %s", location)
			}
			private := newClient(t, "http://"+n.PrivateAddr())
			patience.Until(t, "the server is ready", func() bool { code, _ := private.status(t, "/readyz"); return code == http.StatusOK })

			close(done)
			all.Wait()
			if timeouts.Load() == 0 || refused.Load() == 0 {
				t.Errorf("%d sign-ins ended in time, %d were refused at once", timeouts.Load(), refused.Load())
			}
			patience.Until(t, "the calls end", func() bool { return slow.open.Load() == 0 })
		})
	}
}

// TestProvidersAcrossClocks: a sign-in at another provider may begin on one server and end on
// another, whose clocks differ, and its answer is good once on both.
func TestProvidersAcrossClocks(t *testing.T) {
	t.Parallel()
	acrossClocks(t, func(t *testing.T, p *skewedPair) {
		corp, end := fakeidp.Start(p.clock.now)
		t.Cleanup(end)
		site := newProviderSite(t, p.a)
		site.add(t, p.a, "Corp", "OIDC", oidcDetails(corp.URL), nil)
		site.allow(t, p.a, "Corp")
		idp := samltest.New(t, samltest.RSA)
		idp.Certificate = samltest.Certificate(t, idp.Signer, p.clock.now())
		portal := site.withApp(t, p.a)
		portal.add(t, p.a, "Portal", "SAML", object{"MetadataFile": string(idp.Metadata()), "IDPInit": "true"}, nil)
		portal.allow(t, p.a, "Portal")
		for i, first := range p.nodes {
			other := p.nodes[1-i]
			browser := site.person(t, first)
			v, err := fakeidp.Visit(t.Context(), browser.begin(t, first, "Corp"))
			if err != nil {
				t.Fatal(err)
			}
			_, location := browser.do(t, other, "/oauth2/idpresponse?"+v.Encode(), nil)
			if !hasCode(location) {
				t.Fatalf("the answer on the other server: %s", location)
			}
			if _, again := browser.do(t, first, "/oauth2/idpresponse?"+v.Encode(), nil); hasCode(again) {
				t.Error("the answer is good twice")
			}
			for _, n := range p.nodes {
				if _, location := browser.do(t, n, "/oauth2/authorize?"+site.query("prompt", "none"), nil); !hasCode(location) {
					t.Errorf("the session: %s", location)
				}
			}
		}

		for i, first := range p.nodes {
			answer := samltest.Answer{
				Consumer: "http://" + site.host + "/_domain/people/saml2/idpresponse", Audience: "urn:amazon:cognito:sp:" + site.pool,
				NameID: "ada", Now: p.clock.now(), ID: string(rune('a' + i)),
			}
			form := url.Values{"SAMLResponse": {samltest.Encode(idp.Sign(t, idp.Response(answer)))}, "RelayState": {portal.query("identity_provider", "Portal")}}
			browser := portal.person(t, first)
			if _, location := browser.do(t, first, "/saml2/idpresponse", form); !hasCode(location) {
				t.Errorf("an answer that no request asked for: %s", location)
			}
			if _, location := browser.do(t, p.nodes[1-i], "/saml2/idpresponse", form); hasCode(location) {
				t.Error("it is good twice")
			}
		}
	})
}
