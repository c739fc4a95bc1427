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

// useClassicPages changes the domain of the rig's pool to classic pages.
func (r *rig) useClassicPages(t *testing.T) {
	t.Helper()
	out, err := r.sdk.UpdateUserPoolDomain(t.Context(), &cip.UpdateUserPoolDomainInput{UserPoolId: &r.pool, Domain: new("people"), ManagedLoginVersion: new(int32(1))})
	serving.Must(t, out, err)
}

var pageLanguage = regexp.MustCompile(`<html lang="([^"]+)"`)

// languageOf returns the language that a page says it has.
func languageOf(p shown) string {
	if m := pageLanguage.FindStringSubmatch(p.body); m != nil {
		return m[1]
	}
	return ""
}

// TestLanguage: the address chooses the language of a page, then the cookie, then the browser.
func TestLanguage(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", nil)
	for _, c := range []struct{ name, lang, cookie, accept, want, text string }{
		{"nothing", "", "", "", "en", "Sign in"},
		{"browser", "", "", "sw, fr-CH;q=0.9, de;q=0.8", "fr", "Connexion"},
		{"browser's region", "", "", "pt-PT", "pt-BR", "Entrar"},
		{"browser's script", "", "", "zh-HK", "zh-TW", "登入"},
		{"browser with an unknown language", "", "", "sw", "en", "Sign in"},
		{"broken preferences", "", "", "de;q=x;;", "en", "Sign in"},
		{"long preferences", "", "", strings.Repeat("sw,", 400) + "de", "en", "Sign in"},
		{"cookie", "", "ja", "fr", "ja", "サインイン"},
		{"unknown cookie", "", "xx", "fr", "fr", "Connexion"},
		{"address", "de", "ja", "fr", "de", "Anmelden"},
		{"address in another case", "PT-br", "", "", "pt-BR", "Entrar"},
		{"unknown address", "xx", "ja", "fr", "en", "Sign in"},
	} {
		b := r.browser(t)
		ref := r.base + "/login?" + b.query()
		if c.lang != "" {
			ref += "&lang=" + c.lang
		}
		p := b.do(http.MethodGet, ref, nil, "Accept-Language", c.accept, "Cookie", "lang="+c.cookie)
		if languageOf(p) != c.want || !strings.Contains(p.body, "<h1>"+c.text+"</h1>") {
			t.Errorf("%s: %q, want %q: %s", c.name, languageOf(p), c.want, p.body)
		}
		if p.header.Get("Vary") != "Cookie, Accept-Language" {
			t.Errorf("%s: Vary %q", c.name, p.header.Get("Vary"))
		}
		// The address's language lasts for later visits.
		kept := c.want
		if c.lang == "" || c.want == "en" {
			kept = "en"
		}
		if p = b.open("/signup"); languageOf(p) != kept {
			t.Errorf("%s: the next page is in %q, want %q", c.name, languageOf(p), kept)
		}
	}
}

// TestLanguageChoice: the menu at the foot of a page leads to the same page in another language, and keeps what it
// continues.
func TestLanguageChoice(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		b := r.browser(t)
		in := func(p shown, tag string) shown {
			t.Helper()
			action, values := b.menu(p)
			if !strings.Contains(p.body, `<button name="lang" value="`+tag+`"`) {
				t.Fatalf("no choice of %s at %s: %s", tag, p, p.body)
			}
			values.Set("lang", tag)
			p = b.follow(b.do(http.MethodGet, action+"?"+values.Encode(), nil))
			if languageOf(p) != tag {
				t.Fatalf("%s is in %q, want %q", p, languageOf(p), tag)
			}
			return p
		}
		p := in(b.open("/signup"), "de")
		wantPage(t, p, "/signup", "8 oder mehr Zeichen")
		fields := []string{"username", "carol", "requiredAttributes[email]", "carol@example.com", "password"}
		wantPage(t, b.send(p, append(fields, "short")...), "/signup", "Das Passwort entspricht nicht den Regeln.")
		p = in(b.send(p, append(fields, password)...), "ja")
		wantPage(t, p, "/confirm", "c***@e*** にコードを送信しました。")
		p = b.send(p, "code", "000000x")
		wantPage(t, p, "/confirm", "コードが正しくありません。")
		p = in(in(p, "zh-CN"), "ko")
		b.wantSignedIn(b.send(p, "code", r.code(t)))
		wantPage(t, b.send(b.open("/login"), "username", "carol", "password", "wrong"), "/login", "사용자 이름 또는 비밀번호가 올바르지 않습니다.")
	})
}

// TestErrorPageLanguage: the error page translates what the server itself says, and nothing else.
func TestErrorPageLanguage(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", nil)
	b := r.browser(t)
	for text, want := range map[string]string{
		"Client does not exist":       "Esta aplicación no existe.",
		"redirect_mismatch":           "(redirect_mismatch)",
		"":                            "Algo ha salido mal.",
		"Password <b>":                "Password <b>",
		"Required parameters missing": "Faltan parámetros",
	} {
		p := b.do(http.MethodGet, r.base+"/error?lang=es&error="+url.QueryEscape(text), nil)
		if languageOf(p) != "es" || !strings.Contains(html.UnescapeString(p.body), want) || !strings.Contains(p.body, "Solicitud ") {
			t.Errorf("%q: %s", text, p.body)
		}
	}
	// The language of a request lasts where its error is shown.
	for _, path := range []string{"/oauth2/authorize?client_id=x&lang=nl", "/logout?client_id=x&lang=nl", "/login?client_id=x&lang=nl"} {
		fresh := r.browser(t)
		if p := fresh.follow(fresh.do(http.MethodGet, r.base+path, nil)); p.path != "/error" || !strings.Contains(p.body, "Deze app bestaat niet.") {
			t.Errorf("%s: %s %s", path, p, p.body)
		}
	}
	if p := b.do(http.MethodGet, r.base+"/confirmUser", nil); languageOf(p) != "es" || !strings.Contains(p.body, "Este enlace ya no es válido.") {
		t.Errorf("%s: %s", p, p.body)
	}
}

// TestClassicLanguage: classic pages are in English.
func TestClassicLanguage(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", nil)
	r.useClassicPages(t)
	b := r.browser(t)
	p := b.do(http.MethodGet, r.base+"/login?lang=de&"+b.query(), nil, "Accept-Language", "fr")
	if languageOf(p) != "en" || strings.Contains(p.body, "<footer") || strings.Contains(strings.Join(p.header.Values("Set-Cookie"), ";"), "lang=") {
		t.Errorf("%v %s", p.header, p.body)
	}
}

// TestTermsLinks: the sign-up page of managed login links to both terms documents in the page's language, or to none.
func TestTermsLinks(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		b := r.browser(t)
		add := func(name string, links map[string]string) {
			t.Helper()
			out, err := r.sdk.CreateTerms(t.Context(), &cip.CreateTermsInput{
				UserPoolId: &r.pool, ClientId: r.client.ClientId, TermsName: &name, TermsSource: types.TermsSourceTypeLink,
				Enforcement: types.TermsEnforcementTypeNone, Links: links,
			})
			serving.Must(t, out, err)
		}
		signUp := func(lang string) string {
			t.Helper()
			return b.do(http.MethodGet, r.base+"/signup?"+b.query()+"&lang="+lang, nil).body
		}
		add("terms-of-use", map[string]string{"cognito:default": "https://a.example/terms?a=1&b=2", "cognito:german": "https://a.example/nutzung"})
		if body := signUp("en"); strings.Contains(body, "Terms of use") {
			t.Errorf("one document is shown alone: %s", body)
		}
		add("privacy-policy", map[string]string{"cognito:default": "https://a.example/privacy"})
		for lang, want := range map[string]string{
			"en": `By signing up, you agree to our <a href="https://a.example/terms?a=1&amp;b=2" target="_blank" rel="noopener">Terms of use</a> and <a href="https://a.example/privacy" target="_blank" rel="noopener">Privacy policy</a>.`,
			"de": `unseren <a href="https://a.example/nutzung" target="_blank" rel="noopener">Nutzungsbedingungen</a> und unserer <a href="https://a.example/privacy" target`,
			"ja": `作成すると、<a href="https://a.example/terms?a=1&amp;b=2" target="_blank" rel="noopener">利用規約</a>と<a `,
		} {
			if body := signUp(lang); !strings.Contains(body, want) {
				t.Errorf("%s: %s", lang, body)
			}
		}
		other := r.browser(t)
		other.client = r.addClient(t, r.pool)
		if body := other.open("/signup").body; strings.Contains(body, "Terms of use") {
			t.Errorf("another client's page has the links: %s", body)
		}
		r.useClassicPages(t)
		if body := signUp("en"); strings.Contains(body, "Terms of use") {
			t.Errorf("the classic page has the links: %s", body)
		}
	})
}

// TestPageWeight: a page has fewer than 8 KiB, and the files that all pages share have fewer than 32 KiB.
func TestPageWeight(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", nil)
	b := r.browser(t)
	signIn, signUp := b.open("/login"), b.open("/signup")
	confirm := b.send(signUp, "username", "carol", "requiredAttributes[email]", "carol@example.com", "password", password)
	wantPage(t, confirm, "/confirm", "We sent a code")
	reset := b.send(b.open("/forgotPassword"), "username", "carol")
	wantPage(t, reset, "/confirmForgotPassword", "We sent a code")
	for _, p := range []shown{signIn, signUp, confirm, reset} {
		if len(p.body) >= 8<<10 {
			t.Errorf("%s has %d bytes: %s", p, len(p.body), p.body)
		}
	}
	shared := 0
	for _, m := range regexp.MustCompile(`(?:href|src)="([^"]*/_assets/[^"]+)"`).FindAllStringSubmatch(signIn.body, -1) {
		shared += len(b.do(http.MethodGet, m[1], nil).body)
	}
	if shared == 0 || shared >= 32<<10 {
		t.Errorf("the shared files have %d bytes", shared)
	}
}
