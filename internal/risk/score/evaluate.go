package score

import (
	"time"

	"cognate/internal/risk/contextdata"
	"cognate/internal/risk/geo"
)

const (
	// coldStart is the number of successes below which unknown devices and places count nothing.
	coldStart = 3
	// usualHours is the number of successes from which hours of the day count.
	usualHours = 20
	// expectContext is the number of successes at an app client from which missing context data count.
	expectContext = 5

	feedbackDays = 90
	proofDays    = 30
	dormantAfter = 90 * 24 * time.Hour
	freshChange  = 24 * time.Hour

	fastSpeed       = 500.0 // km/h
	impossibleSpeed = 900.0
	minDistance     = 300.0 // km beyond both radii
	sameCarrier     = time.Minute

	maxZoneDifference = 2 * time.Hour
)

// Attempt is what is known of a sign-in.
type Attempt struct {
	Time time.Time
	Keys Keys
	// Place is where the address is; the zero value means that it is not known.
	Place geo.Location
	// Context says what the client's context data are worth.
	Context contextdata.Status
	// Offset is the client's difference to UTC by its context data. It counts if HasOffset.
	Offset    time.Duration
	HasOffset bool

	// RememberedDevice means that the client sent the key of a remembered device of the user,
	// ProvenDevice that it also proved to have the device's secret.
	RememberedDevice, ProvenDevice bool
	// VerifiedPasskey means that the first factor is a passkey with user verification.
	VerifiedPasskey bool

	// Hosting, Tor and Reputation say that the address is on such a list.
	Hosting, Tor, Reputation bool

	// UserFailures is the number of the user's failures in the last 15 minutes.
	UserFailures int
	// AddressUsers and NetworkUsers are the distinct user names that failed in the last 10
	// minutes from the address, and from its /24 or /48.
	AddressUsers, NetworkUsers int
	// ASNRatio and PoolRatio compare the failures of now with the usual ones, for the
	// autonomous system and for the pool; 0 means that it is not known.
	ASNRatio, PoolRatio float64
	// MachineTiming means that attempts come in steps more regular than those of a person.
	MachineTiming bool

	// PasswordChanged is the time of the last change or reset; zero means that it is not known.
	PasswordChanged time.Time
}

// Previous is the last successful sign-in of the user, from the newest successful event. The zero
// value means that there was no sign-in.
type Previous struct {
	Time  time.Time
	Place geo.Location
	// Hosting says that the address was on the list of hosting networks.
	Hosting bool
}

// Evaluate rates an attempt. History may be nil: then the user is new.
func Evaluate(settings Settings, h *History, previous Previous, a *Attempt) Result {
	var r Result
	if h == nil {
		h = &emptyHistory
	}
	e := evaluation{result: &r, h: h, previous: previous, a: a, today: dayOf(a.Time)}
	e.unseenCounts = h.Successes >= coldStart && !a.Time.Before(settings.LearningUntil)
	e.device()
	e.place()
	e.travel()
	e.lists()
	e.velocity()
	e.habits()
	e.feedback()
	e.proofs()
	r.finish(settings)
	return r
}

// emptyHistory is never written.
var emptyHistory History

type evaluation struct {
	result   *Result
	h        *History
	previous Previous
	a        *Attempt
	today    day
	// unseenCounts is false while too little is known of the user or the pool for the unknown
	// to mean anything.
	unseenCounts bool
	// strange means that the device is not known.
	strange bool
}

// device judges device, user agent and context data. A client that never sends context data has
// no known device, and that must not count against each of its sign-ins. So without context data
// a device is unknown only if the user's sign-ins at this app client usually have them.
func (e *evaluation) device() {
	k := &e.a.Keys
	missing := e.a.Context == contextdata.Absent && e.h.expectsContext(k.Client, e.today)
	named := k.Device != 0 || k.Fingerprint != 0
	known := e.a.RememberedDevice || e.a.ProvenDevice
	for _, key := range k.deviceKeys() {
		known = known || e.h.devices.has(key, e.today)
	}
	e.strange = e.unseenCounts && !known && (named || missing)
	if e.strange {
		e.result.add(UnknownDevice, 20)
	}
	if e.unseenCounts && k.Agent != 0 && !e.h.agents.has(k.Agent, e.today) {
		e.result.add(UnknownAgent, 8)
	}
	if missing {
		e.result.add(MissingContext, 8)
	}
	switch e.a.Context {
	case contextdata.BadSignature, contextdata.Stale, contextdata.Foreign:
		e.result.add(BadContext, 12)
	}
}

// place judges address, network and country. Without a database of autonomous systems a new
// network counts as if its system were known.
func (e *evaluation) place() {
	k := &e.a.Keys
	if !e.unseenCounts || k.Address == 0 {
		return
	}
	switch {
	case e.h.addresses.has(k.Address, e.today):
	case e.h.networks.has(k.Network, e.today):
		e.result.add(NewAddress, 2)
	case k.ASN == 0 || e.h.systems.has(k.ASN, e.today):
		e.result.add(NewNetwork, 5)
	default:
		e.result.add(NewASN, 10)
	}
	if k.Country != 0 && !e.h.countries.has(k.Country, e.today) {
		e.result.add(NewCountry, 20)
	}
}

// travel judges the speed since the last success. Two kinds of moves are no travel: a change of
// address within a carrier's network in a minute, and a hosting network that the user is known
// to use, as a VPN is one.
func (e *evaluation) travel() {
	from, to := &e.previous.Place, &e.a.Place
	if e.previous.Time.IsZero() || !from.HasPoint || !to.HasPoint {
		return
	}
	elapsed := e.a.Time.Sub(e.previous.Time)
	if elapsed < sameCarrier && from.ASN != 0 && from.ASN == to.ASN {
		return
	}
	if e.knownVPN(e.previous.Hosting, from) || e.knownVPN(e.a.Hosting, to) {
		return
	}
	distance := geo.Distance(from, to) - from.RadiusKM() - to.RadiusKM()
	if distance <= minDistance {
		return
	}
	// Clocks of nodes differ: a success may seem to be later than this attempt.
	speed := distance / max(elapsed, time.Second).Hours()
	switch {
	case speed > impossibleSpeed:
		e.result.add(ImpossibleTravel, 40)
	case speed >= fastSpeed:
		e.result.add(FastTravel, 15)
	}
}

func (e *evaluation) knownVPN(hosting bool, place *geo.Location) bool {
	// The previous success itself has taught its system. Two days make it a habit.
	return hosting && e.h.systems.days(uint64(place.ASN), e.today) >= 2
}

func (e *evaluation) lists() {
	if e.a.Hosting {
		e.result.add(HostingNetwork, 12)
	}
	if e.a.Tor {
		e.result.add(TorExit, 30)
	}
	if e.a.Reputation {
		e.result.add(Reputation, 35)
	}
	if zone := e.a.Place.Zone; zone != nil && e.a.HasOffset {
		_, seconds := e.a.Time.In(zone).Zone()
		// An offset names no day: -12:00 and +12:00 are the same hour.
		difference := (time.Duration(seconds)*time.Second - e.a.Offset).Abs()
		if min(difference, (24*time.Hour-difference).Abs()) > maxZoneDifference {
			e.result.add(TimeZoneMismatch, 8)
		}
	}
}

func (e *evaluation) velocity() {
	e.result.add(UserFailures, 4*max(0, min(e.a.UserFailures, 6)))
	switch n := e.a.AddressUsers; {
	case n >= 40:
		e.result.add(AddressFailures, 45)
	case n >= 15:
		e.result.add(AddressFailures, 30)
	case n >= 5:
		e.result.add(AddressFailures, 15)
	}
	if e.a.NetworkUsers >= 60 || e.a.ASNRatio >= 10 {
		e.result.add(NetworkFailures, 15)
	}
	if e.a.PoolRatio > 5 {
		e.result.add(PoolFailures, 8)
	}
	if e.a.MachineTiming {
		e.result.add(MachineTiming, 10)
	}
}

func (e *evaluation) habits() {
	if !e.previous.Time.IsZero() && e.a.Time.Sub(e.previous.Time) > dormantAfter {
		e.result.add(Dormant, 8)
	}
	changed := e.a.PasswordChanged
	if e.strange && !changed.IsZero() && e.a.Time.Sub(changed) < freshChange {
		e.result.add(RecentPasswordChange, 10)
	}
	if e.h.Successes >= usualHours && e.h.unusualHour(hourOf(e.a.Time)) {
		e.result.add(UnusualHour, 4)
	}
}

func (e *evaluation) feedback() {
	k := &e.a.Keys
	for _, key := range [...]uint64{k.Device, k.Fingerprint, k.Address} {
		if e.h.invalid.within(key, e.today, feedbackDays) {
			e.result.add(InvalidFeedback, 50)
		}
	}
	for _, key := range [...]uint64{k.Device, k.Fingerprint, k.ASN} {
		if e.h.valid.within(key, e.today, feedbackDays) {
			e.result.add(ValidFeedback, -15)
		}
	}
}

func (e *evaluation) proofs() {
	if e.a.ProvenDevice {
		e.result.add(ProvenDevice, -35)
	}
	if e.a.VerifiedPasskey {
		e.result.add(VerifiedPasskey, -40)
	}
	if e.h.proofs.within(e.a.Keys.proof(), e.today, proofDays) {
		e.result.add(RecentMFA, -20)
	}
}
