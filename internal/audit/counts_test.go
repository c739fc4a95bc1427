package audit

import (
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cognate/internal/api"
)

// scrape returns the lines of a metric.
func scrape(t *testing.T, m *Metrics, name string) []string {
	t.Helper()
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(rec.Body)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.Lines(string(body)) {
		if strings.HasPrefix(line, name) {
			list = append(list, strings.TrimSpace(line))
		}
	}
	return list
}

func wantLines(t *testing.T, m *Metrics, name string, want ...string) {
	t.Helper()
	if got := scrape(t, m, name); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// request observes a finished request.
func request(m *Metrics, operation string, notes ...func(*Event)) {
	r := &api.Request{Operation: operation}
	if operation != "" {
		r.Service = cognitoIDP
	}
	e := &Event{request: r}
	for _, note := range notes {
		note(e)
	}
	f := e.Facts()
	m.Observe(r, &f)
}

func of(pool, client string) func(*Event) { return func(e *Event) { e.SetClient(pool, client) } }
func code(c string) func(*Event)          { return func(e *Event) { e.SetAnswer(c) } }
func begin(k AttemptKind) func(*Event)    { return func(e *Event) { e.Begin(k) } }
func end(k AttemptKind, ok bool) func(*Event) {
	return func(e *Event) { e.End(k, ok) }
}

func TestAttempts(t *testing.T) {
	t.Parallel()
	m := NewMetrics("v1")
	minutes := NewMinutes(func() time.Time { return time.Unix(1_800_000_030, 0) })
	m.Gather(minutes)
	request(m, "InitiateAuth", of("p", "c"), begin(SignIn)) // a challenge
	request(m, "RespondToAuthChallenge", of("p", "c"), end(SignIn, true), code(""))
	request(m, "RespondToAuthChallenge", of("p", "c"), end(SignIn, false), code("NotAuthorizedException"))
	request(m, "InitiateAuth", begin(SignIn), code("ResourceNotFoundException"))                           // an unknown client
	request(m, "InitiateAuth", func(e *Event) { e.SetPool("made-up") }, code("InvalidParameterException")) // refused before it ran
	request(m, "AdminInitiateAuth", of("p", "c"), begin(TokenRefresh), end(TokenRefresh, true))            //
	request(m, "AdminCreateUser", func(e *Event) { e.SetExistingPool("p") }, begin(SignUp), code(""))      //
	request(m, "", of("p", "c"), end(SignUp, true), end(SignIn, false), code("NotAuthorizedException"))    // a login page
	request(m, "", func(e *Event) { e.SetExistingPool("p") }, begin(MachineToken), code("invalid_client")) // the token endpoint
	request(m, "", of("p", "c"), func(e *Event) { e.BeginFederation("Corp") }, code("access_denied"))      // a callback
	request(m, "", of("p", "c"), func(e *Event) { e.BeginFederation("Corp") }, end(Federation, true))      //
	request(m, "GetUser", of("p", "c"), code("NotAuthorizedException"))                                    // no attempt
	request(m, "RespondToAuthChallenge", of("p", "c"), begin(SignIn), func(e *Event) { e.SetProved("SMS_MFA", false) }, code("CodeMismatchException"))
	request(m, "RespondToAuthChallenge", of("p", "c"), begin(SignIn), func(e *Event) {
		e.SetProved("PASSWORD_VERIFIER", true)
		e.SetChallenge("SMS_MFA")
	})
	wantLines(t, m, "cognate_sign_ins_total",
		`cognate_sign_ins_total{client="Invalid",pool="Invalid",result="failure"} 2`,
		`cognate_sign_ins_total{client="c",pool="p",result="failure"} 3`,
		`cognate_sign_ins_total{client="c",pool="p",result="success"} 1`)
	wantLines(t, m, "cognate_sign_ups_total",
		`cognate_sign_ups_total{client="Admin",pool="p",result="success"} 1`,
		`cognate_sign_ups_total{client="c",pool="p",result="success"} 1`)
	wantLines(t, m, "cognate_token_refreshes_total", `cognate_token_refreshes_total{client="Admin",pool="p",result="success"} 1`)
	wantLines(t, m, "cognate_machine_tokens_total", `cognate_machine_tokens_total{client="Invalid",pool="p",result="failure"} 1`)
	wantLines(t, m, "cognate_federation_sign_ins_total",
		`cognate_federation_sign_ins_total{client="c",pool="p",provider="Corp",result="failure"} 1`,
		`cognate_federation_sign_ins_total{client="c",pool="p",provider="Corp",result="success"} 1`)
	wantLines(t, m, "cognate_challenges_total", `cognate_challenges_total{challenge="SMS_MFA"} 1`)
	wantLines(t, m, "cognate_challenge_responses_total",
		`cognate_challenge_responses_total{challenge="PASSWORD_VERIFIER",result="success"} 1`,
		`cognate_challenge_responses_total{challenge="SMS_MFA",result="failure"} 1`)

	// Each attempt is a 1 or a 0, so that Sum, SampleCount and Average hold.
	for _, s := range minutes.Take(true) {
		if s.Metric == "SignInSuccesses" && s.Dimensions[1].Value == "c" && (s.Count != 4 || s.Sum != 1 || s.Lowest != 0 || s.Upper != 1) {
			t.Errorf("%+v", s)
		}
		if s.Metric == "FederationSuccesses" && (s.Dimensions[2] != Dimension{"IdentityProvider", "Corp"} || s.Count != 2 || s.Sum != 1) {
			t.Errorf("%+v", s)
		}
	}
}

// TestSeriesAreBounded: beyond the limit, pools and clients share a series.
func TestSeriesAreBounded(t *testing.T) {
	t.Parallel()
	m := NewMetrics("v1")
	m.counts.owners.limit = 3
	for i := range 10 {
		for range 2 {
			request(m, "SignUp", of("p", fmt.Sprint("c", i)), begin(SignUp), code(""))
		}
	}
	request(m, "", of("p", "c"), func(e *Event) { e.BeginFederation("Corp") }, end(Federation, true))
	wantLines(t, m, "cognate_sign_ups_total",
		`cognate_sign_ups_total{client="c0",pool="p",result="success"} 2`,
		`cognate_sign_ups_total{client="c1",pool="p",result="success"} 2`,
		`cognate_sign_ups_total{client="c2",pool="p",result="success"} 2`,
		`cognate_sign_ups_total{client="other",pool="other",result="success"} 14`)
	wantLines(t, m, "cognate_federation_sign_ins_total", `cognate_federation_sign_ins_total{client="other",pool="other",provider="other",result="success"} 1`)

	var list []ActiveUsers
	for i := range maxActivePools + 5 {
		list = append(list, ActiveUsers{Pool: fmt.Sprint("p", i), All: 2, Federated: 1})
	}
	m.SetActiveUsers(list)
	m.SetActiveUsers(list) // The numbers are replaced.
	got := strings.Join(scrape(t, m, "cognate_monthly_active_users"), "\n")
	if n := strings.Count(got, "\n") + 1; n != 2*(maxActivePools+1) || !strings.Contains(got, `cognate_monthly_active_users{kind="all",pool="other"} 10`) {
		t.Errorf("%d series", n)
	}
}

func TestThrottlesAndRisks(t *testing.T) {
	t.Parallel()
	m := NewMetrics("v1")
	m.Called("UserAuthentication") // without a publisher
	minutes := NewMinutes(func() time.Time { return time.Unix(1_800_000_030, 0) })
	m.Gather(minutes)
	m.Called("UserAuthentication")
	m.Throttled(Throttle{Category: "UserAuthentication", Kind: SignIn, Pool: "p", Client: "c"})
	m.Throttled(Throttle{Category: "UserRead"})
	m.Risk(AccountTakeoverRisk, "SignIn", "high", "p")
	m.Risk(NoRisk, "SignIn", "", "p")
	wantLines(t, m, "cognate_category_calls_total", `cognate_category_calls_total{category="UserAuthentication"} 2`)
	wantLines(t, m, "cognate_throttles_total", `cognate_throttles_total{category="UserAuthentication"} 1`, `cognate_throttles_total{category="UserRead"} 1`)
	wantLines(t, m, "cognate_risks_total",
		`cognate_risks_total{level="",operation="SignIn",result="NoRisk"} 1`,
		`cognate_risks_total{level="high",operation="SignIn",result="AccountTakeOverRisk"} 1`)
	got := map[string]int{}
	for _, s := range minutes.Take(true) {
		var d []string
		for _, x := range s.Dimensions {
			if x.Value != "" {
				d = append(d, x.Name+"="+x.Value)
			}
		}
		got[s.Namespace+" "+s.Metric+" "+strings.Join(d, ",")] = int(s.Sum)
	}
	for _, want := range []string{
		"AWS/Usage CallCount Service=Cognito,Type=API,Resource=UserAuthentication,Class=None",
		"AWS/Usage ThrottleCount Service=Cognito,Type=API,Resource=UserAuthentication,Class=None",
		"AWS/Usage ThrottleCount Service=Cognito,Type=API,Resource=UserRead,Class=None",
		"AWS/Cognito SignInThrottles UserPool=p,UserPoolClient=c",
		"AWS/Cognito AccountTakeOverRisk Operation=SignIn,UserPoolId=p,RiskLevel=high",
		"AWS/Cognito NoRisk Operation=SignIn,UserPoolId=p",
	} {
		if got[want] != 1 {
			t.Errorf("%s: %d in %v", want, got[want], got)
		}
	}
}

// TestMinutesAreBounded: while nobody takes the statistics, the oldest minutes go.
func TestMinutesAreBounded(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_800_000_000, 0)
	m := NewMinutes(func() time.Time { return at })
	m.limit = 10
	for range 8 {
		for i := range 3 {
			m.add(NamespaceCognito, fmt.Sprint("m", i), 1, Dimensions{})
			m.add(NamespaceCognito, fmt.Sprint("m", i), 0, Dimensions{})
		}
		at = at.Add(time.Minute)
	}
	waiting, dropped := m.Waiting()
	if waiting != 9 || dropped != 15 {
		t.Errorf("%d wait, %d dropped", waiting, dropped)
	}
	first := m.Take(false)
	if len(first) != 3 || !first[0].Minute.Equal(time.Unix(1_800_000_000, 0).Add(5*time.Minute)) {
		t.Fatalf("%+v", first)
	}
	m.Return(first)
	if again := m.Take(false); len(again) != 3 || again[0].Count != 2 {
		t.Errorf("%+v", again)
	}
	m.Take(false)
	m.add(NamespaceCognito, "now", 1, Dimensions{})
	m.Take(false)
	if m.Take(false) != nil || m.Take(true) == nil || m.Take(true) != nil {
		t.Error("a minute that has not ended is taken, or is not taken at the end")
	}
}
