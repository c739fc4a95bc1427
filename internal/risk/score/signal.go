package score

import (
	"iter"
	"math"
)

// Signal is one reason for a score.
type Signal uint8

// The signals, in the order of reports.
const (
	UnknownDevice Signal = iota
	UnknownAgent
	MissingContext
	BadContext
	NewAddress
	NewNetwork
	NewASN
	NewCountry
	ImpossibleTravel
	FastTravel
	HostingNetwork
	TorExit
	Reputation
	TimeZoneMismatch
	UserFailures
	AddressFailures
	NetworkFailures
	PoolFailures
	MachineTiming
	Dormant
	RecentPasswordChange
	UnusualHour
	InvalidFeedback
	ProvenDevice
	VerifiedPasskey
	RecentMFA
	ValidFeedback
	// The caps take away what a group's signals have beyond the cap.
	DeviceCap
	PlaceCap
	VelocityCap

	signalCount
)

var signalNames = [signalCount]string{
	UnknownDevice:        "unknownDevice",
	UnknownAgent:         "unknownAgent",
	MissingContext:       "missingContext",
	BadContext:           "badContext",
	NewAddress:           "newAddress",
	NewNetwork:           "newNetwork",
	NewASN:               "newASN",
	NewCountry:           "newCountry",
	ImpossibleTravel:     "impossibleTravel",
	FastTravel:           "fastTravel",
	HostingNetwork:       "hostingNetwork",
	TorExit:              "torExit",
	Reputation:           "reputation",
	TimeZoneMismatch:     "timeZoneMismatch",
	UserFailures:         "userFailures",
	AddressFailures:      "addressFailures",
	NetworkFailures:      "networkFailures",
	PoolFailures:         "poolFailures",
	MachineTiming:        "machineTiming",
	Dormant:              "dormant",
	RecentPasswordChange: "recentPasswordChange",
	UnusualHour:          "unusualHour",
	InvalidFeedback:      "invalidFeedback",
	ProvenDevice:         "provenDevice",
	VerifiedPasskey:      "verifiedPasskey",
	RecentMFA:            "recentMFA",
	ValidFeedback:        "validFeedback",
	DeviceCap:            "deviceCap",
	PlaceCap:             "placeCap",
	VelocityCap:          "velocityCap",
}

// String returns the signal's name for logs.
func (s Signal) String() string {
	if s < signalCount {
		return signalNames[s]
	}
	return "unknown"
}

// groups are the signals that say the same thing. Together they count no more than the cap.
var groups = [...]struct {
	limit       int
	cap         Signal
	first, last Signal // a run of the constants
}{
	{30, DeviceCap, UnknownDevice, BadContext},
	{55, PlaceCap, NewAddress, FastTravel},
	{50, VelocityCap, UserFailures, MachineTiming},
}

// Result is the rating of an attempt.
type Result struct {
	// Score is 0 to 100.
	Score int
	// Level is the score's level by the thresholds of the pool.
	Level  Level
	points [signalCount]int8
}

// Points returns what a signal adds to the score; it is negative for a signal that lowers it.
func (r *Result) Points(s Signal) int { return int(r.points[s]) }

// Parts returns the signals that were found, with their points. The points add up to the score,
// unless the sum is below 0 or above 100. Only the operator may see them: they would teach
// an attacker.
func (r *Result) Parts() iter.Seq2[Signal, int] {
	return func(yield func(Signal, int) bool) {
		for s, points := range r.points {
			if points != 0 && !yield(Signal(s), int(points)) {
				return
			}
		}
	}
}

func (r *Result) add(s Signal, points int) {
	r.points[s] = int8(max(math.MinInt8, min(math.MaxInt8, points)))
}

// finish applies the caps and computes score and level.
func (r *Result) finish(settings Settings) {
	for _, g := range groups {
		sum := 0
		for s := g.first; s <= g.last; s++ {
			sum += int(r.points[s])
		}
		r.add(g.cap, min(0, g.limit-sum))
	}
	sum := 0
	for _, points := range r.points {
		sum += int(points)
	}
	r.Score = max(0, min(100, sum))
	r.Level = settings.level(r.Score)
}
