package score

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cognate/internal/risk/contextdata"
	"cognate/internal/risk/geo"
)

var (
	noon     = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	lisbon   = geo.Location{Country: "PT", Latitude: 38.72, Longitude: -9.14, Radius: 10, HasPoint: true, ASN: 64500}
	auckland = geo.Location{Country: "NZ", Latitude: -36.85, Longitude: 174.76, Radius: 10, HasPoint: true, ASN: 64501}
)

// home is the origin of the user's sign-ins in these tests.
func home() Origin {
	return Origin{
		DeviceID: "d1", Fingerprint: "f1", Agent: "Firefox, Linux", Address: netip.MustParseAddr("192.0.2.10"),
		Client: "c1", ASN: 64500, Country: "PT",
	}
}

var salt = []byte("salt of the pool")

func attemptFrom(o Origin) *Attempt {
	return &Attempt{Time: noon, Keys: NewKeys(salt, o), Place: lisbon, Context: contextdata.Valid}
}

// regular returns the history of a user with 30 sign-ins from home, at noon, the last one yesterday.
func regular() *History {
	h := &History{}
	for i := 30; i > 0; i-- {
		a := attemptFrom(home())
		a.Time = noon.AddDate(0, 0, -i)
		h.Learn(a, Outcome{Success: true})
	}
	return h
}

var yesterday = Previous{Time: noon.AddDate(0, 0, -1), Place: lisbon}

func TestSignals(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		origin   func(o *Origin)
		attempt  func(a *Attempt)
		history  func(h *History)
		previous func(p *Previous)
		want     map[Signal]int
	}{
		"nothing unusual":        {},
		"device":                 {origin: func(o *Origin) { o.DeviceID, o.Fingerprint = "d2", "f2" }, want: map[Signal]int{UnknownDevice: 20}},
		"known fingerprint":      {origin: func(o *Origin) { o.DeviceID = "d2" }},
		"known device id":        {origin: func(o *Origin) { o.Fingerprint = "f2" }},
		"agent":                  {origin: func(o *Origin) { o.Agent = "Chrome, Windows" }, want: map[Signal]int{UnknownAgent: 8}},
		"address":                {origin: func(o *Origin) { o.Address = netip.MustParseAddr("192.0.2.11") }, want: map[Signal]int{NewAddress: 2}},
		"mapped address":         {origin: func(o *Origin) { o.Address = netip.MustParseAddr("::ffff:192.0.2.10") }},
		"network":                {origin: func(o *Origin) { o.Address = netip.MustParseAddr("198.51.100.1") }, want: map[Signal]int{NewNetwork: 5}},
		"no system database":     {origin: func(o *Origin) { o.Address, o.ASN = netip.MustParseAddr("198.51.100.1"), 0 }, want: map[Signal]int{NewNetwork: 5}},
		"system":                 {origin: func(o *Origin) { o.Address, o.ASN = netip.MustParseAddr("198.51.100.1"), 64501 }, want: map[Signal]int{NewASN: 10}},
		"country":                {origin: func(o *Origin) { o.Country = "NZ" }, want: map[Signal]int{NewCountry: 20}},
		"hosting":                {attempt: func(a *Attempt) { a.Hosting = true }, want: map[Signal]int{HostingNetwork: 12}},
		"Tor":                    {attempt: func(a *Attempt) { a.Tor = true }, want: map[Signal]int{TorExit: 30}},
		"reputation":             {attempt: func(a *Attempt) { a.Reputation = true }, want: map[Signal]int{Reputation: 35}},
		"bad signature":          {attempt: func(a *Attempt) { a.Context = contextdata.BadSignature }, want: map[Signal]int{BadContext: 12}},
		"stale":                  {attempt: func(a *Attempt) { a.Context = contextdata.Stale }, want: map[Signal]int{BadContext: 12}},
		"foreign":                {attempt: func(a *Attempt) { a.Context = contextdata.Foreign }, want: map[Signal]int{BadContext: 12}},
		"one failure":            {attempt: func(a *Attempt) { a.UserFailures = 1 }, want: map[Signal]int{UserFailures: 4}},
		"many failures":          {attempt: func(a *Attempt) { a.UserFailures = 99 }, want: map[Signal]int{UserFailures: 24}},
		"four users":             {attempt: func(a *Attempt) { a.AddressUsers = 4 }},
		"five users":             {attempt: func(a *Attempt) { a.AddressUsers = 5 }, want: map[Signal]int{AddressFailures: 15}},
		"15 users":               {attempt: func(a *Attempt) { a.AddressUsers = 15 }, want: map[Signal]int{AddressFailures: 30}},
		"40 users":               {attempt: func(a *Attempt) { a.AddressUsers = 40 }, want: map[Signal]int{AddressFailures: 45}},
		"60 users of a network":  {attempt: func(a *Attempt) { a.NetworkUsers = 60 }, want: map[Signal]int{NetworkFailures: 15}},
		"failures of a system":   {attempt: func(a *Attempt) { a.ASNRatio = 10 }, want: map[Signal]int{NetworkFailures: 15}},
		"failures of a pool":     {attempt: func(a *Attempt) { a.PoolRatio = 5.1 }, want: map[Signal]int{PoolFailures: 8}},
		"timing":                 {attempt: func(a *Attempt) { a.MachineTiming = true }, want: map[Signal]int{MachineTiming: 10}},
		"dormant":                {previous: func(p *Previous) { p.Time = noon.AddDate(0, 0, -91) }, want: map[Signal]int{Dormant: 8}},
		"hour":                   {attempt: func(a *Attempt) { a.Time = noon.Add(9 * time.Hour) }, want: map[Signal]int{UnusualHour: 4}},
		"hour beside":            {attempt: func(a *Attempt) { a.Time = noon.Add(time.Hour) }},
		"password, known device": {attempt: func(a *Attempt) { a.PasswordChanged = noon.Add(-time.Hour) }},
		"password, new device": {
			origin:  func(o *Origin) { o.DeviceID, o.Fingerprint = "d2", "f2" },
			attempt: func(a *Attempt) { a.PasswordChanged = noon.Add(-time.Hour) },
			want:    map[Signal]int{UnknownDevice: 20, RecentPasswordChange: 10},
		},
		"context missing": {
			origin:  func(o *Origin) { o.DeviceID, o.Fingerprint = "", "" },
			attempt: func(a *Attempt) { a.Context = contextdata.Absent },
			want:    map[Signal]int{UnknownDevice: 20, MissingContext: 8},
		},
		"context missing, remembered device": {
			origin:  func(o *Origin) { o.DeviceID, o.Fingerprint = "", "" },
			attempt: func(a *Attempt) { a.Context, a.RememberedDevice = contextdata.Absent, true },
			want:    map[Signal]int{MissingContext: 8},
		},
		"context missing at a client that never sends it": {
			origin:  func(o *Origin) { o.DeviceID, o.Fingerprint, o.Client = "", "", "c2" },
			attempt: func(a *Attempt) { a.Context = contextdata.Absent },
		},
		"impossible travel": {
			previous: func(p *Previous) { p.Time, p.Place = noon.Add(-time.Hour), auckland },
			want:     map[Signal]int{ImpossibleTravel: 40},
		},
		"fast travel": {
			previous: func(p *Previous) { p.Time, p.Place = noon.Add(-30*time.Hour), auckland },
			want:     map[Signal]int{FastTravel: 15},
		},
		"travel by plane":    {previous: func(p *Previous) { p.Time, p.Place = noon.Add(-48*time.Hour), auckland }},
		"travel nearby":      {previous: func(p *Previous) { p.Time = noon.Add(-2 * time.Second); p.Place.Latitude += 2 }},
		"travel, rough data": {previous: func(p *Previous) { p.Time = noon.Add(-2 * time.Second); p.Place.Latitude += 4; p.Place.Radius = 1000 }},
		"travel within a carrier": {previous: func(p *Previous) {
			p.Time, p.Place = noon.Add(-30*time.Second), auckland
			p.Place.ASN = lisbon.ASN
		}},
		"travel by a usual VPN": {
			attempt:  func(a *Attempt) { a.Hosting = true },
			previous: func(p *Previous) { p.Time, p.Place = noon.Add(-time.Hour), auckland },
			want:     map[Signal]int{HostingNetwork: 12},
		},
		"travel by a new VPN": {
			attempt:  func(a *Attempt) { a.Hosting, a.Place.ASN = true, 64999 },
			previous: func(p *Previous) { p.Time, p.Place = noon.Add(-time.Hour), auckland },
			want:     map[Signal]int{HostingNetwork: 12, ImpossibleTravel: 40},
		},
		"success after this attempt": {
			previous: func(p *Previous) { p.Time, p.Place = noon.Add(time.Second), auckland },
			want:     map[Signal]int{ImpossibleTravel: 40},
		},
		"time zone": {
			attempt: func(a *Attempt) { a.Place.Zone, a.Offset, a.HasOffset = berlin, -7*time.Hour, true },
			want:    map[Signal]int{TimeZoneMismatch: 8},
		},
		"time zone two hours away": {attempt: func(a *Attempt) { a.Place.Zone, a.HasOffset = berlin, true }},
		"proven device": {
			origin:  func(o *Origin) { o.DeviceID, o.Fingerprint = "d2", "f2" },
			attempt: func(a *Attempt) { a.ProvenDevice = true },
			want:    map[Signal]int{ProvenDevice: -35},
		},
		"passkey": {attempt: func(a *Attempt) { a.VerifiedPasskey = true }, want: map[Signal]int{VerifiedPasskey: -40}},
		"MFA a week ago": {
			history: func(h *History) {
				a := attemptFrom(home())
				a.Time = noon.AddDate(0, 0, -7)
				h.Learn(a, Outcome{Success: true, MFA: true})
			},
			want: map[Signal]int{RecentMFA: -20},
		},
		"MFA of another network": {
			origin: func(o *Origin) { o.Address = netip.MustParseAddr("198.51.100.1") },
			history: func(h *History) {
				h.Learn(attemptFrom(home()), Outcome{Success: true, MFA: true})
			},
			want: map[Signal]int{NewNetwork: 5},
		},
		"valid feedback": {
			history: func(h *History) { h.Feedback(NewKeys(salt, home()), true, noon.AddDate(0, 0, -80)) },
			want:    map[Signal]int{ValidFeedback: -15},
		},
		"old feedback": {history: func(h *History) { h.Feedback(NewKeys(salt, home()), true, noon.AddDate(0, 0, -91)) }},
		"invalid feedback on another device": {
			history: func(h *History) {
				h.Feedback(NewKeys(salt, Origin{DeviceID: "d9", Address: netip.MustParseAddr("203.0.113.9")}), false, noon.AddDate(0, 0, -80))
			},
			origin: func(o *Origin) { o.DeviceID = "d9" },
			want:   map[Signal]int{InvalidFeedback: 50},
		},
		"invalid feedback on the address": {
			history: func(h *History) {
				h.Feedback(NewKeys(salt, Origin{Address: netip.MustParseAddr("192.0.2.77")}), false, noon.AddDate(0, 0, -80))
			},
			origin: func(o *Origin) { o.Address = netip.MustParseAddr("192.0.2.77") },
			want:   map[Signal]int{InvalidFeedback: 50, NewAddress: 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, h, p := home(), regular(), yesterday
			if test.origin != nil {
				test.origin(&o)
			}
			a := attemptFrom(o)
			if test.attempt != nil {
				test.attempt(a)
			}
			if test.history != nil {
				test.history(h)
			}
			if test.previous != nil {
				test.previous(&p)
			}
			r := Evaluate(Settings{}, h, p, a)
			sum := 0
			for s, points := range r.Parts() {
				sum += points
				if test.want[s] != points {
					t.Errorf("%v: %d points, want %d", s, points, test.want[s])
				}
			}
			for s, points := range test.want {
				if r.Points(s) != points {
					t.Errorf("%v: %d points, want %d", s, r.Points(s), points)
				}
			}
			if want := max(0, sum); r.Score != want {
				t.Errorf("score %d, want %d", r.Score, want)
			}
		})
	}
}

// everything returns an attempt with all that speaks against it.
func everything() *Attempt {
	o := Origin{DeviceID: "d9", Fingerprint: "f9", Agent: "Chrome, Windows", Address: netip.MustParseAddr("203.0.113.9"), Client: "c1", ASN: 64501, Country: "NZ"}
	a := attemptFrom(o)
	a.Place, a.Context = auckland, contextdata.BadSignature
	a.Hosting, a.Tor, a.Reputation = true, true, true
	a.UserFailures, a.AddressUsers, a.NetworkUsers, a.PoolRatio, a.MachineTiming = 9, 50, 70, 9, true
	return a
}

func TestCaps(t *testing.T) {
	t.Parallel()
	a := everything()
	r := Evaluate(Settings{}, regular(), Previous{Time: noon.Add(-time.Hour), Place: lisbon}, a)
	for s, want := range map[Signal]int{
		DeviceCap:   30 - (20 + 8 + 12),
		PlaceCap:    55 - (10 + 20 + 40),
		VelocityCap: 50 - (24 + 45 + 15 + 8 + 10),
	} {
		if r.Points(s) != want {
			t.Errorf("%v: %d, want %d", s, r.Points(s), want)
		}
	}
	if r.Score != 100 || r.Level != LevelHigh {
		t.Errorf("score %d, level %v", r.Score, r.Level)
	}
}

func TestColdStartAndLearningMode(t *testing.T) {
	t.Parallel()
	strange := Origin{DeviceID: "d9", Agent: "Chrome, Windows", Address: netip.MustParseAddr("203.0.113.9"), Client: "c1", ASN: 64501, Country: "NZ"}
	unseen := []Signal{UnknownDevice, UnknownAgent, NewASN, NewCountry}
	count := func(h *History, s Settings, tor bool) (n, score int) {
		a := attemptFrom(strange)
		a.Tor = tor
		r := Evaluate(s, h, Previous{}, a)
		for _, signal := range unseen {
			if r.Points(signal) != 0 {
				n++
			}
		}
		return n, r.Score
	}
	h := &History{}
	if n, score := count(nil, Settings{}, true); n != 0 || score != 30 {
		t.Errorf("new user: %d signals, score %d", n, score)
	}
	for i := range 3 {
		if n, score := count(h, Settings{}, false); n != 0 || score != 0 {
			t.Errorf("after %d sign-ins: %d signals, score %d", i, n, score)
		}
		h.Learn(attemptFrom(home()), Outcome{Success: true})
	}
	if n, _ := count(h, Settings{}, false); n != len(unseen) {
		t.Errorf("after 3 sign-ins: %d signals", n)
	}
	if n, score := count(h, Settings{LearningUntil: noon.Add(time.Second)}, true); n != 0 || score != 30 {
		t.Errorf("learning: %d signals, score %d", n, score)
	}
	if n, _ := count(h, Settings{LearningUntil: noon}, false); n != len(unseen) {
		t.Errorf("learning ended: %d signals", n)
	}
}

func TestLevels(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		settings Settings
		score    int
		want     Level
	}{
		{Settings{}, 24, LevelNone}, {Settings{}, 25, LevelLow}, {Settings{}, 50, LevelMedium}, {Settings{}, 74, LevelMedium}, {Settings{}, 75, LevelHigh},
		{Settings{Low: 10, Medium: 20, High: 30}, 9, LevelNone}, {Settings{Low: 10, Medium: 20, High: 30}, 29, LevelMedium},
	} {
		if got := test.settings.level(test.score); got != test.want {
			t.Errorf("%+v, %d: %v, want %v", test.settings, test.score, got, test.want)
		}
	}
	for _, bad := range []Settings{{Low: -1}, {Low: 60}, {Medium: 80}, {High: 101}, {Low: 50, Medium: 50}} {
		if bad.Validate() == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
	if err := (Settings{}).Validate(); err != nil {
		t.Error(err)
	}
}

// TestMonotonic: what lowers the risk never raises the score, what raises it never lowers the
// score, and the score is always within its limits.
func TestMonotonic(t *testing.T) {
	t.Parallel()
	histories := []*History{nil, {}, regular()}
	proven := regular()
	proven.Learn(everything(), Outcome{Success: true, MFA: true})
	histories = append(histories, proven)
	rapid.Check(t, func(t *rapid.T) {
		h := rapid.SampledFrom(histories).Draw(t, "history")
		o := home()
		if rapid.Bool().Draw(t, "strange") {
			o = Origin{DeviceID: rapid.SampledFrom([]string{"", "d1", "d8"}).Draw(t, "device"), Address: netip.MustParseAddr("203.0.113.8"), Client: "c1", ASN: 64501, Country: "NZ"}
		}
		a := attemptFrom(o)
		a.Time = noon.Add(time.Duration(rapid.Int64Range(-math.MaxInt64/2, math.MaxInt64/2).Draw(t, "shift")))
		a.Context = contextdata.Status(rapid.IntRange(0, 4).Draw(t, "context"))
		a.UserFailures = rapid.IntRange(-1, 9).Draw(t, "failures")
		a.AddressUsers = rapid.IntRange(-1, 60).Draw(t, "users")
		a.PoolRatio = rapid.Float64().Draw(t, "ratio")
		a.Hosting, a.Tor = rapid.Bool().Draw(t, "hosting"), rapid.Bool().Draw(t, "Tor")
		p := Previous{Time: noon.Add(-time.Duration(rapid.Int64Range(0, 1<<52).Draw(t, "ago"))), Place: auckland}
		rate := func(a Attempt) int {
			r := Evaluate(Settings{}, h, p, &a)
			if r.Score < 0 || r.Score > 100 {
				t.Fatalf("score %d", r.Score)
			}
			return r.Score
		}
		before := rate(*a)
		for name, change := range map[string]func(*Attempt){
			"proven device": func(a *Attempt) { a.ProvenDevice = true },
			"remembered":    func(a *Attempt) { a.RememberedDevice = true },
			"passkey":       func(a *Attempt) { a.VerifiedPasskey = true },
			"no failures":   func(a *Attempt) { a.UserFailures, a.AddressUsers = 0, 0 },
			"no Tor":        func(a *Attempt) { a.Tor = false },
		} {
			lower := *a
			change(&lower)
			if after := rate(lower); after > before {
				t.Errorf("%s: from %d to %d", name, before, after)
			}
		}
		for name, change := range map[string]func(*Attempt){
			"reputation": func(a *Attempt) { a.Reputation = true },
			"failures":   func(a *Attempt) { a.UserFailures += 3 },
			"users":      func(a *Attempt) { a.AddressUsers += 40 },
			"timing":     func(a *Attempt) { a.MachineTiming = true },
		} {
			higher := *a
			change(&higher)
			if after := rate(higher); after < before {
				t.Errorf("%s: from %d to %d", name, before, after)
			}
		}
	})
}

func TestSignalNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for s := range signalCount {
		if name := s.String(); name == "" || seen[name] {
			t.Errorf("signal %d: name %q", s, name)
		} else {
			seen[name] = true
		}
	}
}

// BenchmarkEvaluate is an ordinary sign-in: decode, rate, and learn nothing.
func BenchmarkEvaluate(b *testing.B) {
	document := regular().Append(nil)
	o := home()
	b.ReportAllocs()
	for b.Loop() {
		h, err := Decode(document)
		if err != nil {
			b.Fatal(err)
		}
		a := attemptFrom(o)
		a.Time = yesterday.Time.Add(time.Hour)
		if r := Evaluate(Settings{}, h, yesterday, a); r.Score != 0 {
			b.Fatal(r)
		}
		if h.Learn(a, Outcome{Success: true}) {
			b.Fatal("learned")
		}
	}
}
