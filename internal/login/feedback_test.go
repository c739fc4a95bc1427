package login_test

import (
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/server"
	"cognate/test/pgtest"
	"cognate/test/serving"
)

// Texts of the page of feedback.
const (
	sayAsk       = "Was this you?"
	sayAgain     = "Your answer was not saved. Press the button again."
	sayBadLink   = "This link is not valid. It may be too old, or may have been used before."
	saySignedOut = "you are signed out on all devices"
)

// noticeLinks are the links of a notice's default text: "it was me", then "it was not me".
var noticeLinks = regexp.MustCompile(`href="([^"]+feedbackValue=(?:Valid|Invalid))"`)

// feedbackRig is a rig whose sign-ins are risky, and whose user is told of them.
func feedbackRig(t *testing.T, database string) *rig {
	t.Helper()
	c := serving.Dev(t)
	c.Database, c.FeedbackSignOut = server.Secret(database), true
	c.ReputationList = filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(c.ReputationList, []byte("127.0.0.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	protected := func(in *cip.CreateUserPoolInput) {
		in.UserPoolTier, in.UserPoolAddOns = types.UserPoolTierTypePlus, &types.UserPoolAddOnsType{AdvancedSecurityMode: types.AdvancedSecurityModeTypeEnforced}
	}
	r := startRig(t, c, protected)
	action := &types.AccountTakeoverActionType{EventAction: types.AccountTakeoverEventActionTypeNoAction, Notify: true}
	set, err := r.sdk.SetRiskConfiguration(t.Context(), &cip.SetRiskConfigurationInput{
		UserPoolId: &r.pool, AccountTakeoverRiskConfiguration: &types.AccountTakeoverRiskConfigurationType{
			Actions:             &types.AccountTakeoverActionsType{LowAction: action, MediumAction: action, HighAction: action},
			NotifyConfiguration: &types.NotifyConfigurationType{SourceArn: new("arn:aws:ses:us-east-1:123456789012:identity/example.com")},
		},
	})
	serving.Must(t, set, err)
	r.addUser(t, "alice", true, "email", "alice@example.com", "email_verified", "true")
	return r
}

// links signs the user in and returns the links of the notice.
func (r *rig) links(t *testing.T) (valid, invalid string) {
	t.Helper()
	b := r.browser(t)
	b.wantSignedIn(b.signIn("alice"))
	messages := serving.Inbox(t, http.DefaultClient, r.URL(), url.Values{})
	if len(messages) == 0 {
		t.Fatal("no notice")
	}
	found := noticeLinks.FindAllStringSubmatch(messages[0].Body, -1)
	if len(found) != 2 || !strings.HasPrefix(found[0][1], r.base+"/eventFeedback?") {
		t.Fatalf("the notice has no links: %s", messages[0].Body)
	}
	return html.UnescapeString(found[0][1]), html.UnescapeString(found[1][1])
}

// feedback returns the feedback on the user's events, the newest first.
func (r *rig) feedback(t *testing.T) string {
	t.Helper()
	out, err := r.sdk.AdminListUserAuthEvents(t.Context(), &cip.AdminListUserAuthEventsInput{UserPoolId: &r.pool, Username: new("alice")})
	var list []string
	for _, e := range serving.Must(t, out, err).AuthEvents {
		if e.EventFeedback == nil {
			list = append(list, "-")
		} else {
			list = append(list, string(e.EventFeedback.FeedbackValue)+" "+*e.EventFeedback.Provider)
		}
	}
	return strings.Join(list, ", ")
}

func (r *rig) wantFeedback(t *testing.T, name, want string) {
	t.Helper()
	if got := r.feedback(t); got != want {
		t.Errorf("%s: feedback %q, want %q", name, got, want)
	}
}

func wantStatus(t *testing.T, name string, p shown, status int, text string) {
	t.Helper()
	if p.status != status || !strings.Contains(html.UnescapeString(p.body), text) {
		t.Errorf("%s: %s, want %d with %q:\n%s", name, p, status, text, p.body)
	}
}

// answer opens a link and presses its button.
func (b *browser) answer(link string) shown {
	b.t.Helper()
	return b.send(b.do(http.MethodGet, link, nil))
}

// TestFeedbackPage follows the links of a notice. A GET and a forged form change nothing, a link changes something once, and who said that
// it was them can still say that it was not.
func TestFeedbackPage(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			database := ""
			if engine == "postgres" {
				database = pgtest.Database(t)
			}
			feedbackPage(t, feedbackRig(t, database))
		})
	}
}

func feedbackPage(t *testing.T, r *rig) {
	valid, invalid := r.links(t)
	b := r.browser(t)
	for _, link := range []string{valid, invalid} {
		wantStatus(t, "open", b.do(http.MethodGet, link, nil), http.StatusOK, sayAsk)
		if p := b.do(http.MethodHead, link, nil); p.status != http.StatusOK {
			t.Errorf("HEAD: %s", p)
		}
	}
	page := b.do(http.MethodGet, invalid, nil)
	wantStatus(t, "the time", page, http.StatusOK, "<dt>Time</dt><dd>")
	if strings.Contains(page.body, "<dt>Device</dt>") { // The browser of the test is unknown.
		t.Errorf("an unknown device: %s", page.body)
	}
	wantStatus(t, "the other answer", page, http.StatusOK, "feedbackValue=Valid")
	if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self'; frame-ancestors 'none'") || page.header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("headers %v", page.header)
	}
	wantStatus(t, "German", b.do(http.MethodGet, invalid+"&lang=de", nil), http.StatusOK, "Nein, das war ich nicht")
	action, form := b.form(b.do(http.MethodGet, invalid+"&lang=en", nil), "")
	for _, c := range []struct {
		name   string
		form   url.Values
		header []string
	}{
		{"no CSRF token", url.Values{}, nil},
		{"another CSRF token", url.Values{"_csrf": {"x"}}, nil},
		{"another origin", form, []string{"Origin", "https://evil.example"}},
		{"another site", form, []string{"Sec-Fetch-Site", "cross-site"}},
		{"not a form", form, []string{"Content-Type", "text/plain"}},
	} {
		wantStatus(t, c.name, b.do(http.MethodPost, action, c.form, c.header...), http.StatusBadRequest, sayAgain)
	}
	if p := b.do(http.MethodPut, valid, nil); p.status != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %s", p)
	}
	r.wantFeedback(t, "before an answer", "-")

	wantStatus(t, "it was me", b.answer(valid), http.StatusOK, "Thank you")
	r.wantFeedback(t, "it was me", "Valid User")
	wantStatus(t, "the page again", b.do(http.MethodGet, valid, nil), http.StatusOK, "Thank you")
	wantStatus(t, "the form again", b.do(http.MethodPost, valid, form), http.StatusOK, "Thank you")
	wantStatus(t, "it was not me", b.answer(invalid), http.StatusOK, saySignedOut)
	r.wantFeedback(t, "it was not me", "Invalid User")
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		wantStatus(t, "the other link after the last word", b.do(method, valid, form), http.StatusBadRequest, sayBadLink)
		wantStatus(t, "after the last word", b.do(method, invalid, form), http.StatusOK, saySignedOut)
	}
	r.wantFeedback(t, "after the last word", "Invalid User")
	badLinks(t, r, b, form)
}

// badLinks opens links that are not valid. All lead to the same page.
func badLinks(t *testing.T, r *rig, b *browser, form url.Values) {
	first, _ := r.links(t)
	valid, _ := r.links(t)
	second, _ := r.addPool(t, "others", func(in *cip.CreateUserPoolInput) {
		in.UserPoolTier, in.UserPoolAddOns = types.UserPoolTierTypePlus, &types.UserPoolAddOnsType{AdvancedSecurityMode: types.AdvancedSecurityModeTypeEnforced}
	})
	r.addUser(t, "bob", true, "email", "bob@example.com")
	with := func(name string, values ...string) string {
		u, err := url.Parse(valid)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		q[name] = values
		u.RawQuery = q.Encode()
		return u.String()
	}
	of := func(link, name string) string {
		u, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		return u.Query().Get(name)
	}
	foreign := strings.Replace(valid, "/_domain/people/", "/_domain/others/", 1)
	bodies := map[string]bool{}
	for _, c := range []struct{ name, link string }{
		{"no parameters", r.base + "/eventFeedback"},
		{"no token", with("feedbackToken")},
		{"two tokens", with("feedbackToken", of(valid, "feedbackToken"), of(first, "feedbackToken"))},
		{"a token that nobody made", with("feedbackToken", strings.Repeat("A", 200))},
		{"a token of another event", with("feedbackToken", of(first, "feedbackToken"))},
		{"another event", with("eventId", of(first, "eventId"))},
		{"another user", with("userName", "bob")},
		{"no such user", with("userName", "nobody")},
		{"another pool", with("userPoolId", second)},
		{"another value", with("feedbackValue", "Perhaps")},
		{"the domain of another pool", foreign},
		{"the domain and the name of another pool", strings.Replace(foreign, r.pool, second, 1)},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			p := b.do(method, c.link, form)
			wantStatus(t, c.name, p, http.StatusBadRequest, sayBadLink)
			if main, _, ok := strings.Cut(p.body, "</main>"); ok && strings.HasPrefix(c.link, r.base) {
				_, main, _ = strings.Cut(main, "<main")
				bodies[main] = true
			}
		}
	}
	if len(bodies) != 1 {
		t.Errorf("links that are not valid lead to %d pages: %v", len(bodies), bodies)
	}
	r.wantFeedback(t, "links that are not valid", "-, -, Invalid User")

	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL()+"/_cognate/clock", strings.NewReader(`{"advance":"720h"}`))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(err, res)
	}
	_ = res.Body.Close()
	wantStatus(t, "after thirty days", b.do(http.MethodPost, valid, form), http.StatusBadRequest, sayBadLink)
	r.wantFeedback(t, "after thirty days", "-, -, Invalid User")
}
