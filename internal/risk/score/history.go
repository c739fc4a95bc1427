package score

import (
	"math"
	"time"

	"cognate/internal/risk/contextdata"
)

// Limits of a history.
const (
	maxDevices   = 20
	maxAgents    = 20
	maxNetworks  = 20
	maxAddresses = 20
	maxSystems   = 10
	maxCountries = 10
	maxClients   = 8
	maxProofs    = 10
	maxFeedback  = 20
	// decayDays is how long a thing stays known after it was last seen.
	decayDays = 180
	// maxHourTotal is the sum at which the histogram of hours is halved.
	maxHourTotal = 1000
	// maxCount bounds all counts.
	maxCount = 1<<14 - 1
)

// History is what is known of a user's earlier sign-ins. The zero value is a new user's. It must
// not be used by two goroutines at a time.
type History struct {
	// Successes is the number of successful sign-ins. After the twentieth it counts days with
	// a success, because the history is then written once a day.
	Successes int
	lastDay   day // of the last success that was learned

	devices   memory // device ids and fingerprints
	agents    memory
	networks  memory
	addresses memory
	systems   memory
	countries memory
	clients   memory // app clients: count is sign-ins, extra those with context data
	proofs    memory // devices in networks that succeeded with MFA
	valid     memory // what the user said about earlier attempts
	invalid   memory
	hours     [24]uint16 // successes by hour of the day, UTC
}

// lists returns the memories with their limits, in the order of the encoding.
func (h *History) lists() [10]struct {
	m     *memory
	limit int
} {
	return [...]struct {
		m     *memory
		limit int
	}{
		{&h.devices, maxDevices}, {&h.agents, maxAgents}, {&h.networks, maxNetworks}, {&h.addresses, maxAddresses},
		{&h.systems, maxSystems}, {&h.countries, maxCountries}, {&h.clients, maxClients}, {&h.proofs, maxProofs},
		{&h.valid, maxFeedback}, {&h.invalid, maxFeedback},
	}
}

// Outcome is how an attempt ended.
type Outcome struct {
	// Success means that the user has signed in: all challenges are answered, and no rule of
	// the pool refused it. Other attempts teach nothing, so that a stranger cannot fill
	// the history.
	Success bool
	// MFA means that the user answered a second factor.
	MFA bool
}

// Learn adds an attempt to the history. It reports whether the history must be written.
func (h *History) Learn(a *Attempt, outcome Outcome) bool {
	if !outcome.Success {
		return false
	}
	today, k := dayOf(a.Time), &a.Keys
	changed := today > h.lastDay || h.Successes < usualHours
	// Nodes differ in their clocks. A day that went by does not come back.
	today = max(today, h.lastDay)
	if changed {
		h.Successes = min(h.Successes+1, maxCount)
		h.lastDay = today
		for _, l := range h.lists() {
			l.m.expire(today)
		}
	}
	for _, key := range k.deviceKeys() {
		changed = h.devices.see(key, today, maxDevices) || changed
	}
	changed = h.agents.see(k.Agent, today, maxAgents) || changed
	changed = h.networks.see(k.Network, today, maxNetworks) || changed
	changed = h.addresses.see(k.Address, today, maxAddresses) || changed
	changed = h.systems.see(k.ASN, today, maxSystems) || changed
	changed = h.countries.see(k.Country, today, maxCountries) || changed
	if outcome.MFA {
		changed = h.proofs.see(k.proof(), today, maxProofs) || changed
	}
	changed = h.learnClient(a, today) || changed
	return h.learnHour(hourOf(a.Time), changed) || changed
}

// learnClient counts how often an app client's sign-ins have context data: once a day, and
// exactly until the number is expected to mean something.
func (h *History) learnClient(a *Attempt, today day) bool {
	e := h.clients.find(a.Keys.Client)
	if e != nil && e.last == today && e.count >= expectContext {
		return false
	}
	if e == nil || e.last != today {
		h.clients.see(a.Keys.Client, today, maxClients)
	} else {
		e.count = min(e.count+1, maxCount)
	}
	if e = h.clients.find(a.Keys.Client); e == nil {
		return false
	}
	if a.Context != contextdata.Absent {
		e.extra = min(e.extra+1, e.count)
	}
	return true
}

// expectsContext reports whether more than 80 % of the user's sign-ins at the client had
// context data.
func (h *History) expectsContext(client uint64, today day) bool {
	e := h.clients.find(client)
	return e != nil && today-e.last <= decayDays && e.count >= expectContext && e.extra*5 > e.count*4
}

// learnHour counts the hour if the history is written anyway, or if the hour is unusual:
// otherwise the histogram would have only the first hour of each day.
func (h *History) learnHour(hour int, written bool) bool {
	if !written && !h.unusualHour(hour) {
		return false
	}
	h.hours[hour]++
	total := 0
	for _, n := range h.hours {
		total += int(n)
	}
	if total > maxHourTotal {
		for i := range h.hours {
			h.hours[i] /= 2
		}
	}
	return true
}

// unusualHour reports whether the hour is outside those that together have 95 % of the successes.
// The neighbours of an hour count for it, because people do not keep time to the minute.
func (h *History) unusualHour(hour int) bool {
	total, rarer := 0, 0
	own := h.around(hour)
	for i, n := range h.hours {
		total += int(n)
		if h.around(i) <= own {
			rarer += int(n)
		}
	}
	return rarer*20 < total
}

func (h *History) around(hour int) int {
	return int(h.hours[(hour+23)%24]) + int(h.hours[hour]) + int(h.hours[(hour+1)%24])
}

// Feedback records what the user, or an administrator, said about an earlier attempt with these
// keys: valid means that it was the user. It reports whether the history must be written. An
// invalid attempt is also forgotten, as far as the history knows it from that attempt only.
func (h *History) Feedback(k Keys, valid bool, at time.Time) bool {
	today := dayOf(at)
	changed := false
	if valid {
		for _, key := range [...]uint64{k.Device, k.Fingerprint, k.ASN} {
			changed = h.valid.see(key, today, maxFeedback) || changed
		}
		for _, key := range [...]uint64{k.Device, k.Fingerprint, k.Address} {
			changed = h.invalid.forget(key, math.MaxInt32) || changed
		}
		return changed
	}
	for _, key := range [...]uint64{k.Device, k.Fingerprint, k.Address} {
		changed = h.invalid.see(key, today, maxFeedback) || changed
	}
	for _, key := range [...]uint64{k.Device, k.Fingerprint, k.ASN} {
		changed = h.valid.forget(key, math.MaxInt32) || changed
	}
	changed = h.proofs.forget(k.proof(), math.MaxInt32) || changed
	for _, key := range k.deviceKeys() {
		changed = h.devices.forget(key, math.MaxInt32) || changed
	}
	changed = h.addresses.forget(k.Address, math.MaxInt32) || changed
	// What was seen on other days, too, is the user's own.
	changed = h.networks.forget(k.Network, 1) || changed
	changed = h.systems.forget(k.ASN, 1) || changed
	return h.countries.forget(k.Country, 1) || changed
}
