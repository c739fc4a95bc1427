package login_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/test/serving"
)

const previewPath = "/_cognate/preview"

// previewLinks are the links from the preview to states.
var previewLinks = regexp.MustCompile(`<h2><a href="([^"]+)"`)

// requestParts are the parts of a page that repeat the request: query strings, and the fields of the language menu.
var requestParts = regexp.MustCompile(`\?[^"]*|<input type="hidden" name="(?:client_id|redirect_uri|response_type|scope|state)" value="[^"]*">\n`)

// wantFramed fails unless only the preview may frame the page and its forms do nothing.
func wantFramed(t *testing.T, p shown) {
	t.Helper()
	policy := p.header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'none'", "frame-ancestors 'self'", "base-uri 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("%s: policy %q has no %s", p, policy, part)
		}
	}
	if p.header.Get("X-Frame-Options") != "SAMEORIGIN" || !strings.Contains(p.header.Get("Permissions-Policy"), "publickey-credentials-get=()") || p.header.Get("Set-Cookie") != "" {
		t.Errorf("%s: %v", p, p.header)
	}
}

// TestPreview opens every state of every page, in both versions and another language.
func TestPreview(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", nil)
	r.setStyle(t, r.client, brandSettings("DYNAMIC"))
	b := r.browser(t)
	for _, version := range []string{"managed", "classic"} {
		index := b.do(http.MethodGet, previewPath+"?pool="+r.pool+"&client="+*r.client.ClientId+"&lang=de&version="+version, nil)
		policy := index.header.Get("Content-Security-Policy")
		if index.status != http.StatusOK || !strings.Contains(policy, "frame-src 'self'") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Fatalf("%s: %s", index, policy)
		}
		links := previewLinks.FindAllStringSubmatch(index.body, -1)
		if len(links) < 50 {
			t.Fatalf("%d states: %s", len(links), index.body)
		}
		for _, link := range links {
			p := b.do(http.MethodGet, html.UnescapeString(link[1]), nil)
			if p.status != http.StatusOK && !strings.Contains(p.path, "/error") && !strings.Contains(p.path, "/confirmUser") {
				t.Errorf("%s", p)
			}
			language := map[string]string{"managed": `<html lang="de"`, "classic": `<html lang="en"`}[version]
			if !strings.Contains(p.body, language) || !strings.Contains(p.body, "<h1>") || strings.Contains(p.body, "Unexpected") {
				t.Errorf("%s: %s", p, p.body)
			}
			wantFramed(t, p)
		}
	}
}

// TestPreviewIsThePage compares pages of the preview with the real pages. They differ only in
// addresses, in the fields that repeat the request, and in the CSRF token.
func TestPreviewIsThePage(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", nil)
	r.setStyle(t, r.client, brandSettings("DYNAMIC"))
	b := r.browser(t)
	for _, path := range []string{"/login", "/signup", "/forgotPassword"} {
		page := b.open(path)
		preview := b.do(http.MethodGet, previewPath+"/"+r.pool+"/managed"+path+"?client_id="+*r.client.ClientId, nil)
		_, fields := b.form(page, "")
		plain := func(body, base, token string) string {
			body = requestParts.ReplaceAllString(body, "")
			return strings.ReplaceAll(strings.ReplaceAll(body, base, ""), token, "")
		}
		want := plain(page.body, "/_domain/people", fields.Get("_csrf"))
		if got := plain(preview.body, previewPath+"/"+r.pool+"/managed", `preview`); got != want || preview.status != http.StatusOK {
			t.Errorf("%s in the preview:\n%s\nwant:\n%s", path, got, want)
		}
		for _, m := range assetLinks.FindAllStringSubmatch(preview.body, -1) {
			if a := b.do(http.MethodGet, m[1], nil); a.status != http.StatusOK {
				t.Errorf("%s", a)
			}
		}
	}
}

// TestPreviewReadsOnly: forms and unknown names are refused in the preview, and change nothing.
func TestPreviewReadsOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", nil)
	b := r.browser(t)
	base := previewPath + "/" + r.pool + "/managed"
	client := "?client_id=" + *r.client.ClientId
	for _, c := range []struct {
		name, method, ref string
		status            int
	}{
		{"a form", http.MethodPost, base + "/signup" + client, http.StatusMethodNotAllowed},
		{"no such pool", http.MethodGet, previewPath + "/us-east-1_none/managed/login" + client, http.StatusNotFound},
		{"no such client", http.MethodGet, base + "/login?client_id=none", http.StatusNotFound},
		{"no such page", http.MethodGet, base + "/none" + client, http.StatusNotFound},
		{"no such version", http.MethodGet, previewPath + "/" + r.pool + "/none/login" + client, http.StatusNotFound},
		{"no such state is the first one", http.MethodGet, base + "/login" + client + "&show=none", http.StatusOK},
		{"a link between pages", http.MethodGet, base + "/forgotpassword" + client + "&show=wrong", http.StatusOK},
		{"the template of the list", http.MethodGet, previewPath + "/_static/index.html", http.StatusNotFound},
		{"the list of an unknown pool", http.MethodGet, previewPath + "?pool=us-east-1_none", http.StatusNotFound},
	} {
		p := b.do(c.method, c.ref, url.Values{"username": {"ada"}, "password": {password}})
		if p.status != c.status {
			t.Errorf("%s: %s, want %d", c.name, p, c.status)
		}
	}
	users, err := r.sdk.ListUsers(t.Context(), &cip.ListUsersInput{UserPoolId: &r.pool})
	if got := serving.Must(t, users, err).Users; len(got) != 0 {
		t.Errorf("the preview made %d users", len(got))
	}
}

// TestPreviewTellsContrast: the preview names the colours of a style that pages replace.
func TestPreviewTellsContrast(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", nil)
	b := r.browser(t)
	other := r.addClient(t, r.pool)
	r.setStyle(t, r.client, brandSettings("DYNAMIC"))
	r.setStyle(t, other, object{})
	list := func(c *types.UserPoolClientType) string {
		return b.do(http.MethodGet, previewPath+"?pool="+r.pool+"&client="+*c.ClientId, nil).body
	}
	const path = "components.primaryButton.lightMode.defaults.textColor"
	if body := list(r.client); !strings.Contains(body, path) {
		t.Errorf("%s is not named: %s", path, body)
	}
	if body := list(other); strings.Contains(body, "too little contrast") {
		t.Errorf("the default style has too little contrast: %s", body)
	}
}
