package ops_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"cognate/internal/server"
	"cognate/test/patience"
	"cognate/test/pgtest"
)

// The networks of the week, and where they are.
var weekPlaces = []struct {
	network, city, code, country, zone string
	latitude, longitude                float64
	asn                                uint32
}{
	{"192.0.2.0/24", "Lisbon", "PT", "Portugal", "Europe/Lisbon", 38.72, -9.14, 64500},
	{"198.51.100.0/24", "Oslo", "NO", "Norway", "Europe/Oslo", 59.91, 10.75, 64510},
	{"203.0.113.0/25", "Seattle", "US", "United States", "America/Los_Angeles", 47.61, -122.33, 64520},
	{"203.0.113.128/25", "Jakarta", "ID", "Indonesia", "Asia/Jakarta", -6.2, 106.8, 64530},
}

// writePlaces writes a database of places and one of autonomous systems.
func writePlaces(t *testing.T) (city, asn string) {
	t.Helper()
	dir := t.TempDir()
	city, asn = filepath.Join(dir, "GeoLite2-City.mmdb"), filepath.Join(dir, "GeoLite2-ASN.mmdb")
	for path, of := range map[string]func(i int) mmdbtype.Map{
		city: func(i int) mmdbtype.Map {
			p := &weekPlaces[i]
			return mmdbtype.Map{
				"country":  mmdbtype.Map{"iso_code": mmdbtype.String(p.code), "names": mmdbtype.Map{"en": mmdbtype.String(p.country)}},
				"city":     mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(p.city)}},
				"location": mmdbtype.Map{"latitude": mmdbtype.Float64(p.latitude), "longitude": mmdbtype.Float64(p.longitude), "accuracy_radius": mmdbtype.Uint16(20), "time_zone": mmdbtype.String(p.zone)},
			}
		},
		asn: func(i int) mmdbtype.Map {
			return mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(weekPlaces[i].asn)}
		},
	} {
		tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: strings.TrimSuffix(filepath.Base(path), ".mmdb"), IncludeReservedNetworks: true, RecordSize: 24})
		if err != nil {
			t.Fatal(err)
		}
		for i := range weekPlaces {
			_, network, err := net.ParseCIDR(weekPlaces[i].network)
			if err == nil {
				err = tree.Insert(network, of(i))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		file, err := os.Create(path)
		if err == nil {
			_, err = tree.WriteTo(file)
		}
		if err == nil {
			err = file.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return city, asn
}

// A browserOf is what the context data of a browser say.
type browserOf struct{ name, id, agent, zone string }

var (
	ownLaptop   = browserOf{"own laptop", "a1b2c3d4e5f6g7h8i9j0:1780000000000", "Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0", "01:00"}
	otherLaptop = browserOf{"unknown laptop", "z9y8x7w6v5u4t3s2r1q0:1780400000000", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", "02:00"}
	script      = browserOf{"script", "q0w9e8r7t6y5u4i3o2p1:1780300000000", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36", "03:00"}
)

// encode makes EncodedData as Cognito's script for browsers does.
func (b browserOf) encode(t *testing.T, pool, client, username string, at time.Time) string {
	t.Helper()
	payload, err := json.Marshal(map[string]any{
		"contextData": map[string]string{"UserAgent": b.agent, "DeviceId": b.id + username, "DeviceLanguage": "en", "DeviceFingerprint": b.agent + ":en:" + b.id, "ClientTimezone": b.zone},
		"username":    username, "userPoolId": pool, "timestamp": strconv.FormatInt(at.UnixMilli(), 10),
	})
	if err != nil {
		t.Fatal(err)
	}
	const version = "JS20171115"
	mac := hmac.New(sha256.New, []byte(client))
	mac.Write([]byte(version + string(payload)))
	document, err := json.Marshal(map[string]string{"payload": string(payload), "signature": base64.StdEncoding.EncodeToString(mac.Sum(nil)), "version": version})
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(document)
}

// weekBegins is a Monday.
var weekBegins = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// A weekStep is a sign-in of the week.
type weekStep struct {
	day     int
	at      string
	user    string
	address string
	browser browserOf
	wrong   bool // the password
	shown   bool // in the table
	what    string
	// level, decision and score are what both modes find, and inAudit what AUDIT finds instead. refused says that ENFORCED
	// refuses the sign-in.
	level, decision, score string
	inAudit                *foundRisk
	refused                bool
	// loose says that the risk is not checked.
	loose bool
	// before, if set, happens before the step.
	before func(t *testing.T, w *week)
}

// A foundRisk is what a mode finds.
type foundRisk struct{ level, decision, score string }

// stuffed is how many users' passwords are tried. The number of users who failed is an estimate near the limits of 5 and 15.
const stuffed = 24

// riskWeek is the week. Rows that are not in the table are ordinary ones, and the middle of the attack.
func riskWeek() []weekStep {
	const home, oslo, seattle, jakarta = "192.0.2.10", "198.51.100.7", "203.0.113.9", "203.0.113.200"
	var list []weekStep
	for day := range 3 {
		list = append(list,
			weekStep{day: day, at: "08:00", user: "alice", address: home, browser: ownLaptop, shown: day == 0, what: "ordinary, at home", decision: "NoRisk"},
			weekStep{day: day, at: "09:00", user: "bob", address: home, browser: ownLaptop, shown: day == 2, what: "ordinary, at home", decision: "NoRisk"})
	}
	for i := range stuffed {
		s := weekStep{day: 2, at: "20:00:" + fmt.Sprintf("%02d", i), user: fmt.Sprintf("user-%d", i+1), address: jakarta, browser: script, wrong: true, what: fmt.Sprintf("stuffing, user %d", i+1), decision: "NoRisk"}
		switch i {
		case 0:
			s.shown, s.score = true, "8 timeZoneMismatch:8"
		case 10:
			s.shown, s.level, s.decision, s.score = true, "Low", "AccountTakeover", "33 timeZoneMismatch:8 addressFailures:15 machineTiming:10"
		case stuffed - 1:
			s.shown, s.level, s.decision, s.score = true, "Low", "AccountTakeover", "48 timeZoneMismatch:8 addressFailures:30 machineTiming:10"
		default:
			s.loose = true
		}
		list = append(list, s)
	}
	return append(list,
		weekStep{day: 2, at: "20:00:30", user: "bob", address: jakarta, browser: script, wrong: true, shown: true, what: "stuffing, a user with a history",
			level: "High", decision: "AccountTakeover", score: "100 unknownDevice:20 unknownAgent:8 newASN:10 newCountry:20 impossibleTravel:40 timeZoneMismatch:8 addressFailures:30 machineTiming:10 placeCap:-15"},
		weekStep{day: 2, at: "20:00:40", user: "carol", address: jakarta, browser: script, shown: true, what: "stuffing, the right password of a new user",
			level: "Low", decision: "AccountTakeover", score: "38 timeZoneMismatch:8 addressFailures:30"},
		weekStep{day: 3, at: "08:10", user: "alice", address: home, browser: ownLaptop, shown: true, what: "ordinary, at home", decision: "NoRisk"},
		weekStep{day: 3, at: "09:00", user: "bob", address: "192.0.2.77", browser: ownLaptop, shown: true, what: "ordinary, a new address of the same network", decision: "NoRisk", score: "2 newAddress:2"},
		weekStep{day: 3, at: "10:30", user: "bob", address: seattle, browser: otherLaptop, shown: true, what: "impossible travel", refused: true,
			level: "High", decision: "Block", score: "91 unknownDevice:20 unknownAgent:8 newASN:10 newCountry:20 impossibleTravel:40 timeZoneMismatch:8 placeCap:-15"},
		weekStep{day: 4, at: "08:00", user: "alice", address: home, browser: ownLaptop, what: "ordinary, at home", decision: "NoRisk"},
		weekStep{day: 4, at: "12:00", user: "bob", address: home, browser: ownLaptop, shown: true, what: "ordinary, the day after", decision: "NoRisk"},
		weekStep{day: 5, at: "03:00", user: "alice", address: oslo, browser: otherLaptop, shown: true, what: "stolen password, a new country",
			level: "Medium", decision: "AccountTakeover", score: "58 unknownDevice:20 unknownAgent:8 newASN:10 newCountry:20"},
		weekStep{day: 5, at: "07:30", user: "alice", address: oslo, browser: otherLaptop, shown: true, what: "stolen password, after alice said that it was not her", refused: true,
			level: "High", decision: "Block", score: "100 unknownDevice:20 newASN:10 newCountry:20 invalidFeedback:50", before: itWasNotAlice},
		weekStep{day: 5, at: "08:00", user: "alice", address: home, browser: ownLaptop, shown: true, what: "ordinary, half an hour later", decision: "NoRisk",
			inAudit: &foundRisk{"Low", "AccountTakeover", "40 impossibleTravel:40"}}, // AUDIT has let the other one in.
		weekStep{day: 6, at: "08:00", user: "alice", address: home, browser: ownLaptop, what: "ordinary, at home", decision: "NoRisk"},
		weekStep{day: 6, at: "09:00", user: "bob", address: home, browser: ownLaptop, what: "ordinary, at home", decision: "NoRisk"},
	)
}

// A week is a user pool in one mode.
type week struct {
	rig
	mode           types.AdvancedSecurityModeType
	pool           string
	client, secret string
	log            *riskLog
}

// TestRiskWeek replays a week of sign-ins in AUDIT and in ENFORCED mode: ordinary ones, and three attacks. It prints the
// table of decisions, which docs/threat-protection.md shows. In the end somebody follows the link of a notice.
func TestRiskWeek(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			var now atomic.Int64 // nanoseconds
			now.Store(weekBegins.UnixNano())
			log := newRiskLog()
			config := server.Config{Data: t.TempDir(), LogTo: log, Now: func() time.Time { return time.Unix(0, now.Load()).UTC() }}
			config.GeoCity, config.GeoASN = writePlaces(t)
			if engine == "postgres" {
				config.Database = server.Secret(pgtest.Database(t))
			}
			r, end, err := start(config)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := end(); err != nil {
					t.Error(err)
				}
			})
			audit := newWeek(t, r, types.AdvancedSecurityModeTypeAudit, log)
			enforced := newWeek(t, r, types.AdvancedSecurityModeTypeEnforced, log)
			table := []string{
				"| when | who | from | what | risk | score | decision | `AUDIT` | `ENFORCED` |",
				"|---|---|---|---|---|---|---|---|---|",
			}
			for _, s := range riskWeek() {
				clock, err := time.Parse("15:04:05", (s.at + ":00")[:8])
				if err != nil {
					t.Fatal(err)
				}
				at := weekBegins.AddDate(0, 0, s.day).Add(clock.Sub(clock.Truncate(24 * time.Hour)))
				now.Store(at.UnixNano())
				s.at = at.Format("Mon 15:04")
				_, inAudit := audit.take(t, &s, at)
				row, answer := enforced.take(t, &s, at)
				if s.shown {
					table = append(table, row+inAudit+" | "+answer+" |")
				}
			}
			text := strings.Join(table, "\n") + "\n"
			t.Logf("the decisions:\n%s", text)
			doc, err := os.ReadFile("../../docs/threat-protection.md")
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(doc), text) {
				t.Error("docs/threat-protection.md does not have this table")
			}
			audit.wantMail(t, "alice")
			audit.wantMail(t, "bob")
			enforced.wantMail(t, "alice", "Blocked sign-in attempt", "New sign-in attempt")
			enforced.wantMail(t, "bob", "Blocked sign-in attempt")
			enforced.wantMail(t, "carol")
		})
	}
}

// newWeek makes a user pool with its people. A medium risk asks for a second factor, which nobody has; a high one blocks.
func newWeek(t *testing.T, r rig, mode types.AdvancedSecurityModeType, log *riskLog) *week {
	t.Helper()
	w := &week{rig: r, mode: mode, log: log}
	w.pool = r.protectedPool(t, mode)
	c := r.clientOf(t, w.pool, withSecret, func(in *cip.CreateUserPoolClientInput) { in.EnablePropagateAdditionalUserContextData = aws.Bool(true) })
	w.client, w.secret = *c.ClientId, *c.ClientSecret
	action := func(do types.AccountTakeoverEventActionType, notify bool) *types.AccountTakeoverActionType {
		return &types.AccountTakeoverActionType{EventAction: do, Notify: notify}
	}
	must[*cip.SetRiskConfigurationOutput](t)(r.SetRiskConfiguration(t.Context(), &cip.SetRiskConfigurationInput{
		UserPoolId: &w.pool, AccountTakeoverRiskConfiguration: &types.AccountTakeoverRiskConfigurationType{
			Actions: &types.AccountTakeoverActionsType{
				LowAction:    action(types.AccountTakeoverEventActionTypeNoAction, false),
				MediumAction: action(types.AccountTakeoverEventActionTypeMfaIfConfigured, true),
				HighAction:   action(types.AccountTakeoverEventActionTypeBlock, true),
			},
			NotifyConfiguration: &types.NotifyConfigurationType{SourceArn: aws.String("arn:aws:ses:us-east-1:123456789012:identity/example.com")},
		},
	}))
	for _, name := range []string{"alice", "bob", "carol"} {
		r.user(t, w.pool, name, verified(name+"@example.com")...)
	}
	for i := range stuffed {
		r.user(t, w.pool, fmt.Sprintf("user-%d", i+1))
	}
	return w
}

// protectedPool makes a user pool with threat protection and a domain.
func (r rig) protectedPool(t *testing.T, mode types.AdvancedSecurityModeType) string {
	t.Helper()
	pool := r.pool(t, func(in *cip.CreateUserPoolInput) {
		in.UserPoolTier, in.UserPoolAddOns = types.UserPoolTierTypePlus, &types.UserPoolAddOnsType{AdvancedSecurityMode: mode}
	})
	must[*cip.CreateUserPoolDomainOutput](t)(r.CreateUserPoolDomain(t.Context(), &cip.CreateUserPoolDomainInput{
		UserPoolId: &pool, Domain: aws.String("week-" + strings.ToLower(string(mode))), ManagedLoginVersion: aws.Int32(2),
	}))
	return pool
}

// take does a step, and checks what is recorded. It returns the row of the table up to the answers, and the answer.
func (w *week) take(t *testing.T, s *weekStep, at time.Time) (row, answer string) {
	t.Helper()
	if s.before != nil {
		s.before(t, w)
	}
	secret := password
	if s.wrong {
		secret = otherPassword
	}
	out, err := w.InitiateAuth(t.Context(), &cip.InitiateAuthInput{
		ClientId: &w.client, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters:  map[string]string{"USERNAME": s.user, "PASSWORD": secret, "SECRET_HASH": *secretHash(w.secret, s.user, w.client)},
		UserContextData: &types.UserContextDataType{IpAddress: &s.address, EncodedData: aws.String(s.browser.encode(t, w.pool, w.client, s.user, at))},
	})
	name := fmt.Sprintf("%s %s %s: %s", w.mode, s.at, s.user, s.what)
	response := types.EventResponseTypeFail
	switch {
	case s.wrong:
		answer = "wrong password"
		wantError(t, err, notAuthorized("Incorrect username or password."))
	case s.refused && w.mode == types.AdvancedSecurityModeTypeEnforced:
		answer = "**refused**"
		wantError(t, err, notAuthorized("Unable to login because of security reasons."))
	default:
		answer, response = "tokens", types.EventResponseTypePass
		if err != nil || out.AuthenticationResult == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	e := must[*cip.AdminListUserAuthEventsOutput](t)(w.AdminListUserAuthEvents(t.Context(), &cip.AdminListUserAuthEventsInput{UserPoolId: &w.pool, Username: &s.user})).AuthEvents[0]
	from := aws.ToString(e.EventContextData.City) + ", " + aws.ToString(e.EventContextData.Country)
	if s.loose {
		return "", ""
	}
	want := foundRisk{s.level, s.decision, s.score}
	if s.inAudit != nil && w.mode == types.AdvancedSecurityModeTypeAudit {
		want = *s.inAudit
		answer += ", but " + want.level + " (" + want.score + ")"
	}
	if got := string(e.EventRisk.RiskLevel); got != want.level || string(e.EventRisk.RiskDecision) != want.decision || e.EventResponse != response || !e.CreationDate.Equal(at) {
		t.Errorf("%s: level %q, decision %s, %s at %v", name, got, e.EventRisk.RiskDecision, e.EventResponse, e.CreationDate)
	}
	score := w.log.of(t, *e.EventId)
	if score != want.score {
		t.Errorf("%s: the log says %q, want %q", name, score, want.score)
	}
	level := s.level
	if level == "" {
		level = "–"
	}
	total, parts, _ := strings.Cut(score, " ")
	if total == "" {
		total = "0"
	} else {
		total += ": " + strings.NewReplacer(" ", ", ", ":", " ").Replace(parts)
	}
	return strings.Join([]string{"| " + s.at, s.user, from + ", " + s.browser.name, s.what, level, total, s.decision, ""}, " | "), answer
}

// A riskLog keeps what the log says about the risk of sign-ins, by event.
type riskLog struct {
	mu      sync.Mutex
	risks   map[string]string
	changed chan struct{} // closed by the next line
}

func newRiskLog() *riskLog { return &riskLog{risks: map[string]string{}, changed: make(chan struct{})} }

// Write takes one line.
func (l *riskLog) Write(p []byte) (int, error) {
	var line struct{ AuthEvent, Risk string }
	if json.Unmarshal(p, &line) == nil && line.AuthEvent != "" {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.risks[line.AuthEvent] = line.Risk
		close(l.changed)
		l.changed = make(chan struct{})
	}
	return len(p), nil
}

// of returns the risk of an event. A line may come a little after the answer of its request.
func (l *riskLog) of(t *testing.T, eventID string) string {
	t.Helper()
	for {
		l.mu.Lock()
		risk, ok := l.risks[eventID]
		changed := l.changed
		l.mu.Unlock()
		if ok {
			return risk
		}
		select {
		case <-changed:
		case <-time.After(patience.Limit):
			t.Fatalf("the log does not have event %s", eventID)
		}
	}
}

// wantMail checks the subjects of the messages to a user, the newest first.
func (w *week) wantMail(t *testing.T, user string, subjects ...string) {
	t.Helper()
	var got []string
	for _, m := range w.inbox(t, w.pool, user) {
		got = append(got, m.Subject)
	}
	if strings.Join(got, "; ") != strings.Join(subjects, "; ") {
		t.Errorf("%s: messages to %s: %q, want %q", w.mode, user, got, subjects)
	}
}

var (
	notMeLink = regexp.MustCompile(`href="([^"]+feedbackValue=Invalid)"`)
	pageForm  = regexp.MustCompile(`(?s)<form method="post" action="([^"]+)">\s*<input type="hidden" name="_csrf" value="([^"]+)">.*?<button[^>]*>No, it was not me</button>`)
)

// itWasNotAlice says that the last sign-in was not alice's: by the link of the notice that she got, or, in AUDIT mode, where
// nobody gets a notice, by an administrator.
func itWasNotAlice(t *testing.T, w *week) {
	t.Helper()
	ctx := t.Context()
	if w.mode == types.AdvancedSecurityModeTypeAudit {
		last := must[*cip.AdminListUserAuthEventsOutput](t)(w.AdminListUserAuthEvents(ctx, &cip.AdminListUserAuthEventsInput{UserPoolId: &w.pool, Username: aws.String("alice")})).AuthEvents[0]
		must[*cip.AdminUpdateAuthEventFeedbackOutput](t)(w.AdminUpdateAuthEventFeedback(ctx, &cip.AdminUpdateAuthEventFeedbackInput{
			UserPoolId: &w.pool, Username: aws.String("alice"), EventId: last.EventId, FeedbackValue: types.FeedbackValueTypeInvalid,
		}))
		return
	}
	messages := w.inbox(t, w.pool, "alice")
	if len(messages) != 1 || messages[0].To != "alice@example.com" || !strings.Contains(messages[0].Body, "Oslo Norway") {
		t.Fatalf("messages %+v", messages)
	}
	link := notMeLink.FindStringSubmatch(messages[0].Body)
	if link == nil {
		t.Fatalf("no link: %s", messages[0].Body)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	send := func(method, address string, form url.Values) string {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		if method == http.MethodPost {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		res, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v %d %s", method, err, res.StatusCode, body)
		}
		return string(body)
	}
	address := html.UnescapeString(link[1])
	form := pageForm.FindStringSubmatch(send(http.MethodGet, address, nil))
	if form == nil {
		t.Fatal("the page has no button")
	}
	base, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	target, err := base.Parse(html.UnescapeString(form[1]))
	if err != nil {
		t.Fatal(err)
	}
	if body := send(http.MethodPost, target.String(), url.Values{"_csrf": {form[2]}}); !strings.Contains(body, "Thank you") {
		t.Errorf("after the button: %s", body)
	}
}
