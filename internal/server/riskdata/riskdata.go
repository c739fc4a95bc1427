// Package riskdata opens the files and services that threat protection asks, watches the files,
// and reports on their state.
package riskdata

import (
	"context"
	"log/slog"
	"net/url"
	"sync/atomic"
	"time"

	"cognate/internal/audit"
	"cognate/internal/risk/datafile"
	"cognate/internal/risk/geo"
	"cognate/internal/risk/lists"
	"cognate/internal/risk/passwords"
	"cognate/internal/risk/score"
)

// Settings are the data of threat protection. The server starts without files that are
// missing or broken, and reads them again when they change.
type Settings struct {
	GeoCity        string `name:"geo-city" group:"Threat protection" placeholder:"FILE" help:"Database of places in the MaxMind DB format, such as GeoLite2-City.mmdb. Replace it by a rename: a changed file is opened within a minute."`
	GeoASN         string `name:"geo-asn" group:"Threat protection" placeholder:"FILE" help:"Database of autonomous systems in the MaxMind DB format, such as GeoLite2-ASN.mmdb."`
	HostingList    string `group:"Threat protection" placeholder:"FILE" help:"List of hosting companies, VPNs and proxies: an address, a network in CIDR notation or an autonomous system (AS64500) on each line. A number sign begins a comment."`
	TorList        string `group:"Threat protection" placeholder:"FILE" help:"List of the exits of Tor, in the same form."`
	ReputationList string `group:"Threat protection" placeholder:"FILE" help:"List of addresses and networks with a bad reputation, in the same form."`

	PasswordFilter   string        `group:"Threat protection" placeholder:"FILE" help:"Filter of compromised passwords, which cognate passwords build makes from the list of Pwned Passwords."`
	PasswordAPI      string        `name:"password-api" group:"Threat protection" placeholder:"URL" help:"Ask this range API about passwords: https://api.pwnedpasswords.com. It gets the first five of the 40 digits of a password's SHA-1. With --password-filter it is asked only about passwords that the filter has. If it does not answer within a second, the password counts as the filter says."`
	PasswordMinCount uint64        `group:"Threat protection" default:"1" placeholder:"N" help:"How often the range API must have seen a password for it to count as compromised."`
	RiskLow          int           `group:"Threat protection" default:"25" placeholder:"SCORE" help:"The lowest score of the risk level Low."`
	RiskMedium       int           `group:"Threat protection" default:"50" placeholder:"SCORE" help:"The lowest score of the risk level Medium."`
	RiskHigh         int           `group:"Threat protection" default:"75" placeholder:"SCORE" help:"The lowest score of the risk level High, at most 100."`
	RiskLearning     time.Duration `group:"Threat protection" default:"336h" placeholder:"TIME" help:"How long unknown devices and places count nothing in a user pool, from the first sign-in that is rated. 0s means that they count at once."`
	FeedbackSignOut  bool          `group:"Threat protection" help:"Sign a user out everywhere when feedback says that a sign-in was not the user's."`
}

// Thresholds returns the lowest scores of the risk levels.
func (s *Settings) Thresholds() score.Settings {
	return score.Settings{Low: s.RiskLow, Medium: s.RiskMedium, High: s.RiskHigh}
}

// APIProblem returns the fault of the address of the range API, or "". isLoopback reports whether
// host:port is an address of this machine.
func (s *Settings) APIProblem(isLoopback func(hostport string) bool) string {
	if s.PasswordAPI == "" {
		return ""
	}
	u, err := url.Parse(s.PasswordAPI)
	if err != nil || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Host)) || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "must be an https URL with a host, without query or fragment; http is for loopback addresses with a port"
	}
	return ""
}

const (
	// Interval is how often Refresh looks whether a file has changed.
	Interval = time.Minute
	// oldDatabase is the age from which the operator is told that a database is old. Addresses
	// move between networks all the time.
	oldDatabase = 90 * 24 * time.Hour
)

// Data are the files and services that threat protection asks.
type Data struct {
	Places                   *geo.Database
	Hosting, Tor, Reputation *lists.File
	Passwords                *passwords.Checker
	now                      func() time.Time
	// checks counts the checks of the range API by outcome.
	checks map[string]*atomic.Int64
	log    *slog.Logger
}

// Open opens the files. Missing and broken files are no errors: Report names them.
func Open(c *Settings, now func() time.Time, log *slog.Logger) *Data {
	checks := map[string]*atomic.Int64{passwords.OutcomeOK: {}, passwords.OutcomeFailed: {}, passwords.OutcomeSkipped: {}}
	return &Data{
		Places:     geo.Open(c.GeoCity, c.GeoASN),
		Hosting:    lists.Open("hosting list", c.HostingList),
		Tor:        lists.Open("Tor list", c.TorList),
		Reputation: lists.Open("reputation list", c.ReputationList),
		Passwords: passwords.New(passwords.Settings{
			FilterPath: c.PasswordFilter, RangeURL: c.PasswordAPI, MinCount: c.PasswordMinCount, Now: now,
			Observe: func(outcome string) { checks[outcome].Add(1) },
		}),
		now: now, checks: checks, log: log,
	}
}

// Register adds a gauge for each file, and the counts of the range API.
func (d *Data) Register(m *audit.Metrics) {
	for i, s := range d.statuses() {
		m.LabelledGauge("cognate_risk_file_ok", "Whether the newest version of a file of threat protection is in use.", "file", s.Name, func() float64 {
			if s := d.statuses()[i]; s.Loaded && s.Err == nil {
				return 1
			}
			return 0
		})
	}
	for outcome, help := range map[string]string{
		passwords.OutcomeOK:      "Checks of passwords that the range API answered.",
		passwords.OutcomeFailed:  "Checks of passwords that the range API did not answer.",
		passwords.OutcomeSkipped: "Checks of passwords for which the range API was not asked, because it fails or is too slow.",
	} {
		m.Counter("cognate_password_api_"+outcome+"_total", help, func() float64 { return float64(d.checks[outcome].Load()) })
	}
}

// statuses describes the files that are configured, in a fixed order.
func (d *Data) statuses() []datafile.Status {
	all := d.Places.Status()
	for _, f := range []*lists.File{d.Hosting, d.Tor, d.Reputation} {
		if s := f.Status(); s.Path != "" {
			all = append(all, s)
		}
	}
	if s, ok := d.Passwords.Status(); ok {
		all = append(all, s)
	}
	return all
}

// Report logs the state of the files.
func (d *Data) Report() {
	for _, s := range d.statuses() {
		attributes := []any{slog.String("file", s.Path), slog.String("for", s.Name)}
		if !s.Built.IsZero() {
			attributes = append(attributes, slog.Time("built", s.Built))
		}
		if s.Entries > 0 {
			attributes = append(attributes, slog.Int("entries", s.Entries))
		}
		switch text := fileProblem(s, d.now()); {
		case text != "":
			d.log.Warn("threat protection: "+text, append(attributes, slog.Any("error", s.Err))...)
		default:
			d.log.Info("threat protection: the file is in use", attributes...)
		}
	}
}

// fileProblem returns the fault of a file, or "".
func fileProblem(s datafile.Status, now time.Time) string {
	switch {
	case s.Err != nil && s.Loaded:
		return "the newest version of the file cannot be used, an earlier one is in use"
	case s.Err != nil:
		return "the file cannot be used"
	case !s.Built.IsZero() && now.Sub(s.Built) > oldDatabase:
		return "the file is more than 90 days old"
	}
	return ""
}

// Refresh opens the files that changed.
func (d *Data) Refresh(context.Context) error {
	changed := d.Places.Refresh()
	for _, f := range []*lists.File{d.Hosting, d.Tor, d.Reputation} {
		changed = f.Refresh() || changed
	}
	if d.Passwords.Refresh() || changed {
		d.Report()
	}
	return nil
}

// Close closes the files.
func (d *Data) Close() {
	d.Places.Close()
	d.Passwords.Close()
}

// A File is what doctor says about a file of threat protection.
type File struct {
	Name, Path string
	// Problem is the fault, or "".
	Problem string
}

// Files looks at the files of threat protection.
func Files(c *Settings, now func() time.Time) []File {
	d := Open(c, now, slog.New(slog.DiscardHandler))
	defer d.Close()
	var all []File
	for _, s := range d.statuses() {
		f := File{Name: s.Name, Path: s.Path, Problem: fileProblem(s, d.now())}
		if s.Err != nil {
			f.Problem += ": " + s.Err.Error()
		}
		all = append(all, f)
	}
	return all
}
