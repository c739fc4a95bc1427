package protection

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/keys"
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/risk/contextdata"
	"cognate/internal/risk/geo"
	"cognate/internal/risk/rates"
	"cognate/internal/risk/score"
	"cognate/internal/risk/useragent"
	"cognate/internal/store"
)

// A Source describes where a request comes from. Empty members are not known.
type Source struct {
	Address   string
	UserAgent string
	// EncodedData are the context data of the client.
	EncodedData string
}

// A SignIn is what is known of a sign-in.
type SignIn struct {
	Pool   *pool.Snapshot
	Client *pool.Client
	// EventID is the id of the event, made by [keys.NewTimeUUID] when the sign-in began.
	EventID string
	// UserID is the sub. Names are the name that was typed and those that the user has.
	UserID string
	Names  []string
	// Recipient is the user as the recipient of a notice, and Email the verified address; "" if there is none.
	Recipient mailing.Recipient
	Email     string
	// Decoy is true for a user who does not exist.
	Decoy  bool
	Source Source
	// Custom is true for sign-ins by CUSTOM_AUTH, which have a mode of their own.
	Custom bool
	// Password is the password if the client sent it and it was right.
	Password string
	// Challenges are the answers so far.
	Challenges []Challenge
	// WrongPassword is true if the password was wrong.
	WrongPassword bool
	// CanPassMFA is true if the user has a second factor that can be asked for, or has passed one.
	CanPassMFA bool
	// RememberedDevice and VerifiedPasskey are proofs that lower the risk.
	RememberedDevice, ProvenDevice, VerifiedPasskey bool
	// PasswordChanged is the time of the last change of the password.
	PasswordChanged time.Time
}

// A Challenge is an answer to a challenge.
type Challenge struct {
	Name     idp.ChallengeName     `json:"n"`
	Response idp.ChallengeResponse `json:"r"`
}

// Evaluate judges a sign-in: after the first factor was proven, or after a wrong password. It returns nil if the pool has no
// threat protection for it. The caller must write the event.
func (s *Service) Evaluate(ctx context.Context, in *SignIn) (*Event, error) {
	if !On(in.Pool, in.Custom) {
		return nil, nil
	}
	settings, err := s.deps.Settings.For(ctx, in.Pool, in.Client.ID)
	if err != nil {
		return nil, err
	}
	e := &Event{service: s, in: in, settings: settings, dirty: true}
	e.doc = document{
		Version: documentVersion, Client: in.Client.ID, Type: idp.EventTypeSignIn, Response: idp.EventResponseTypeInProgress,
		Decision: idp.RiskDecisionTypeNoRisk, Challenges: in.Challenges, Address: in.Source.Address, HasContext: in.Source.EncodedData != "",
	}
	if e.log, err = s.openLog(ctx, in.Pool, in.UserID, in.Recipient.Username); err != nil {
		return nil, err
	}
	attempt := e.describe()
	history, previous, err := e.readPast(ctx)
	if err != nil {
		return nil, err
	}
	s.count(in, attempt.Place.ASN)
	if e.scoring, err = s.scoring(ctx, in.Pool); err != nil {
		return nil, err
	}
	e.judge(ctx, attempt, history, previous)
	audit.From(ctx).SetRisk(in.EventID, e.Summary())
	return e, nil
}

// describe fills in what the sign-in comes from.
func (e *Event) describe() *score.Attempt {
	s, in := e.service, e.in
	a := &score.Attempt{
		Time: s.now(), RememberedDevice: in.RememberedDevice, ProvenDevice: in.ProvenDevice, VerifiedPasskey: in.VerifiedPasskey,
		PasswordChanged: in.PasswordChanged,
	}
	data := contextdata.Parse(in.Source.EncodedData, contextdata.Request{ClientID: in.Client.ID, UserPoolID: in.Pool.ID, Usernames: in.Names, Now: a.Time})
	a.Context, a.Offset, a.HasOffset = data.Status, data.Offset, data.HasOffset
	header := data.UserAgent
	if header == "" {
		header = in.Source.UserAgent
	}
	agent := useragent.Parse(header)
	device, family := agent.String(), agent.Family()
	if data.DeviceName != "" && data.UserAgent == "" { // a mobile app
		device = clip(data.DeviceName) + ", " + clip(data.Platform+" "+data.Release)
		family = data.Platform
	}
	address, err := netip.ParseAddr(in.Source.Address)
	if err != nil {
		address = netip.Addr{}
	}
	address = address.Unmap()
	if s.deps.Places != nil && address.IsValid() {
		a.Place = s.deps.Places.Lookup(address)
	}
	a.Keys = score.NewKeys(s.salt(in.Pool.ID), score.Origin{
		DeviceID: data.DeviceID, Fingerprint: data.Fingerprint, Agent: family, Address: address, Client: in.Client.ID,
		ASN: a.Place.ASN, Country: a.Place.Country,
	})
	hosting := s.deps.Hosting.Set()
	a.Hosting = hosting.Contains(address) || hosting.ContainsSystem(a.Place.ASN)
	a.Tor = s.deps.Tor.Set().Contains(address)
	a.Reputation = s.deps.Reputation.Set().Contains(address) || s.deps.Reputation.Set().ContainsSystem(a.Place.ASN)
	s.velocity(in, a)

	e.address, e.attempt = address, a
	e.doc.Device, e.doc.Timezone = device, clip(data.Timezone)
	e.doc.City, e.doc.Country = a.Place.City, a.Place.CountryName
	e.doc.Keys, e.doc.Context, e.doc.Hosting = a.Keys, a.Context, a.Hosting
	if a.Place.HasPoint || a.Place.ASN != 0 {
		e.doc.Place = &place{a.Place.Latitude, a.Place.Longitude, a.Place.Radius, a.Place.HasPoint, a.Place.ASN}
	}
	return a
}

// clip bounds a text that a client chose.
func clip(text string) string {
	const limit = 64
	runes := 0
	for i := range text {
		if runes++; runes > limit {
			return text[:i]
		}
	}
	return text
}

// velocity reads the failures of the last minutes.
func (s *Service) velocity(in *SignIn, a *score.Attempt) {
	r := s.deps.Rates
	if r == nil {
		return
	}
	const userWindow = 15 * time.Minute
	a.UserFailures = r.Count(r.Key(rates.Failures, in.Pool.ID, in.UserID), userWindow)
	if network, ok := api.NetworkOf(in.Source.Address); ok {
		a.AddressUsers = r.Distinct(r.Key(rates.FailedUsers, in.Pool.ID, network))
		a.MachineTiming = r.EvenSteps(r.Key(rates.Failures, in.Pool.ID, network))
	}
	if block, ok := api.BlockOf(in.Source.Address); ok {
		a.NetworkUsers = r.Distinct(r.Key(rates.FailedUsers, in.Pool.ID, block))
	}
	a.PoolRatio = r.FailureRatio(r.Key(rates.Outcomes, in.Pool.ID))
	if a.Place.ASN != 0 {
		a.ASNRatio = r.FailureRatio(r.Key(rates.Outcomes, in.Pool.ID, asnName(a.Place.ASN)))
	}
}

func asnName(asn uint32) string { return "AS" + strconv.FormatUint(uint64(asn), 10) }

// count counts the sign-in for later ones. asn is the autonomous system that it comes from, 0 if that is not known.
func (s *Service) count(in *SignIn, asn uint32) {
	r := s.deps.Rates
	if r == nil {
		return
	}
	r.AddOutcome(r.Key(rates.Outcomes, in.Pool.ID), in.WrongPassword)
	if asn != 0 {
		r.AddOutcome(r.Key(rates.Outcomes, in.Pool.ID, asnName(asn)), in.WrongPassword)
	}
	if !in.WrongPassword {
		return
	}
	r.Add(r.Key(rates.Failures, in.Pool.ID, in.UserID))
	if network, ok := api.NetworkOf(in.Source.Address); ok {
		r.AddDistinct(r.Key(rates.FailedUsers, in.Pool.ID, network), in.UserID)
		r.AddStep(r.Key(rates.Failures, in.Pool.ID, network))
	}
	if block, ok := api.BlockOf(in.Source.Address); ok {
		r.AddDistinct(r.Key(rates.FailedUsers, in.Pool.ID, block), in.UserID)
	}
}

// readPast reads the history of the user, and the last sign-in that ended well.
func (e *Event) readPast(ctx context.Context) (*score.History, score.Previous, error) {
	row, last, err := e.service.deps.Store.PastSignIns(ctx, e.in.Pool.ID, e.in.UserID)
	if err != nil {
		return nil, score.Previous{}, err
	}
	history := e.decodeHistory(ctx, row)
	if last.ID == "" {
		return history, score.Previous{}, nil
	}
	doc, err := parseDocument(last.Doc)
	if err != nil {
		return nil, score.Previous{}, err
	}
	p := score.Previous{Time: keys.TimeOfUUID(last.ID), Hosting: doc.Hosting}
	if l := doc.Place; l != nil {
		p.Place = geo.Location{Latitude: l.Latitude, Longitude: l.Longitude, Radius: l.Radius, HasPoint: l.HasPoint, ASN: l.ASN}
	}
	return history, p, nil
}

// readHistory reads the history of the user.
func (e *Event) readHistory(ctx context.Context) error {
	row, err := e.service.deps.Store.SignInHistory(ctx, e.in.Pool.ID, e.in.UserID)
	if errors.Is(err, store.ErrNotFound) {
		row, err = store.SignInHistory{PoolID: e.in.Pool.ID, UserID: e.in.UserID}, nil
	}
	if err == nil {
		e.decodeHistory(ctx, row)
	}
	return err
}

// decodeHistory makes row the history of the event. A history of a later version of the server counts as none, and is not
// written over.
func (e *Event) decodeHistory(ctx context.Context, row store.SignInHistory) *score.History {
	h, err := score.Decode(row.Doc)
	if err != nil {
		e.service.deps.Log.WarnContext(ctx, "history of sign-ins not read", "user", e.in.UserID, "error", err)
		return &score.History{}
	}
	e.historyRow, e.history = &row, h
	return h
}

// judge decides what follows.
func (e *Event) judge(ctx context.Context, a *score.Attempt, h *score.History, previous score.Previous) {
	f := findings{mode: e.settings.Mode, canPassMFA: e.in.CanPassMFA, wrongPassword: e.in.WrongPassword}
	if e.in.Custom {
		f.mode = e.settings.CustomMode
	}
	f.blocked = e.settings.Blocked.Contains(e.address)
	f.skipped = !f.blocked && e.settings.Skipped.Contains(e.address)
	if p := e.service.deps.Passwords; p != nil && e.in.Password != "" && !f.blocked && e.settings.Compromised.Checks(idp.EventFilterTypeSignIn) {
		known, source := p.Compromised(ctx, e.in.Password)
		f.compromised = known && source.Certain()
	}
	if !f.blocked && !f.skipped {
		e.rating = score.Evaluate(e.scoring, h, previous, a)
		f.level = e.rating.Level
	}
	e.Verdict = decide(e.settings, f)
	e.doc.Score, e.doc.Level = e.rating.Score, idp.RiskLevelType(f.level.String())
	e.doc.Decision, e.doc.Compromised = e.Verdict.decision, f.compromised
	e.countResult(f)
	if e.Verdict.Refuse || e.Verdict.ResetPassword || e.in.WrongPassword {
		e.doc.Response = idp.EventResponseTypeFail
	}
}

// countResult counts what was found for the metrics (Cognito: metrics of threat protection).
func (e *Event) countResult(f findings) {
	count := func(metric, level string) {
		e.service.deps.Count(metric, "SignIn", strings.ToLower(level), e.in.Pool.ID)
	}
	if e.Verdict.decision == idp.RiskDecisionTypeNoRisk && !f.compromised {
		count(audit.NoRisk, "")
		return
	}
	count(audit.AnyRisk, "")
	if f.level != score.LevelNone {
		count(audit.AccountTakeoverRisk, f.level.String())
	}
	if f.compromised {
		count(audit.CompromisedCredentialRisk, "high")
	}
	if e.Verdict.Refuse || e.Verdict.ResetPassword {
		level := f.level.String()
		if level == "" { // an address or a password of the lists
			level = "high"
		}
		count(audit.OverrideBlock, level)
	}
}
