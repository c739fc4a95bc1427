package server

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
)

// RiskSettings are the data of threat protection. The server starts without files that are
// missing or broken, and reads them again when they change.
type RiskSettings struct {
	GeoCity        string `name:"geo-city" group:"Threat protection" placeholder:"FILE" help:"Database of places in the MaxMind DB format, such as GeoLite2-City.mmdb. Replace it by a rename: a changed file is opened within a minute."`
	GeoASN         string `name:"geo-asn" group:"Threat protection" placeholder:"FILE" help:"Database of autonomous systems in the MaxMind DB format, such as GeoLite2-ASN.mmdb."`
	HostingList    string `group:"Threat protection" placeholder:"FILE" help:"List of hosting companies, VPNs and proxies: an address, a network in CIDR notation or an autonomous system (AS64500) on each line. A number sign begins a comment."`
	TorList        string `group:"Threat protection" placeholder:"FILE" help:"List of the exits of Tor, in the same form."`
	ReputationList string `group:"Threat protection" placeholder:"FILE" help:"List of addresses and networks with a bad reputation, in the same form."`

	PasswordFilter   string `group:"Threat protection" placeholder:"FILE" help:"Filter of compromised passwords, which cognate passwords build makes from the list of Pwned Passwords."`
	PasswordAPI      string `name:"password-api" group:"Threat protection" placeholder:"URL" help:"Ask this range API about passwords: https://api.pwnedpasswords.com. It gets the first five of the 40 digits of a password's SHA-1. With --password-filter it is asked only about passwords that the filter has. If it does not answer within a second, the password counts as the filter says."`
	PasswordMinCount uint64 `group:"Threat protection" default:"1" placeholder:"N" help:"How often the range API must have seen a password for it to count as compromised."`
	FeedbackSignOut  bool   `group:"Threat protection" help:"Sign a user out everywhere when feedback says that a sign-in was not the user's."`
}

func (c *Config) checkRiskData(add addProblem) {
	if c.PasswordAPI == "" {
		return
	}
	u, err := url.Parse(c.PasswordAPI)
	if err != nil || u.Scheme != "https" && (u.Scheme != "http" || !IsLoopback(u.Host)) || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		add("password-api", "must be an https URL with a host, without query or fragment; http is for loopback addresses with a port")
	}
}

const (
	riskDataInterval = time.Minute
	// oldDatabase is the age from which the operator is told that a database is old. Addresses
	// move between networks all the time.
	oldDatabase = 90 * 24 * time.Hour
)

// riskData are the files and services that threat protection asks.
type riskData struct {
	places                   *geo.Database
	hosting, tor, reputation *lists.File
	passwords                *passwords.Checker
	now                      func() time.Time
	// checks counts the checks of the range API by outcome.
	checks map[string]*atomic.Int64
	log    *slog.Logger
}

func openRiskData(c *Config, log *slog.Logger) *riskData {
	checks := map[string]*atomic.Int64{passwords.OutcomeOK: {}, passwords.OutcomeFailed: {}, passwords.OutcomeSkipped: {}}
	return &riskData{
		places:     geo.Open(c.GeoCity, c.GeoASN),
		hosting:    lists.Open("hosting list", c.HostingList),
		tor:        lists.Open("Tor list", c.TorList),
		reputation: lists.Open("reputation list", c.ReputationList),
		passwords: passwords.New(passwords.Settings{
			FilterPath: c.PasswordFilter, RangeURL: c.PasswordAPI, MinCount: c.PasswordMinCount, Now: c.machineNow(),
			Observe: func(outcome string) { checks[outcome].Add(1) },
		}),
		now: c.machineNow(), checks: checks, log: log,
	}
}

// register adds a gauge for each file, and the counts of the range API.
func (d *riskData) register(m *audit.Metrics) {
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
func (d *riskData) statuses() []datafile.Status {
	all := d.places.Status()
	for _, f := range []*lists.File{d.hosting, d.tor, d.reputation} {
		if s := f.Status(); s.Path != "" {
			all = append(all, s)
		}
	}
	if s, ok := d.passwords.Status(); ok {
		all = append(all, s)
	}
	return all
}

// report logs the state of the files.
func (d *riskData) report() {
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

// refresh opens the files that changed.
func (d *riskData) refresh(context.Context) error {
	changed := d.places.Refresh()
	for _, f := range []*lists.File{d.hosting, d.tor, d.reputation} {
		changed = f.Refresh() || changed
	}
	if d.passwords.Refresh() || changed {
		d.report()
	}
	return nil
}

func (d *riskData) close() {
	d.places.Close()
	d.passwords.Close()
}

// A RiskFile is what doctor says about a file of threat protection.
type RiskFile struct {
	Name, Path string
	// Problem is the fault, or "".
	Problem string
}

// RiskFiles looks at the files of threat protection.
func (c *Config) RiskFiles() []RiskFile {
	d := openRiskData(c, slog.New(slog.DiscardHandler))
	defer d.close()
	var all []RiskFile
	for _, s := range d.statuses() {
		f := RiskFile{Name: s.Name, Path: s.Path, Problem: fileProblem(s, d.now())}
		if s.Err != nil {
			f.Problem += ": " + s.Err.Error()
		}
		all = append(all, f)
	}
	return all
}
