// Package customflow keeps the history of a custom sign-in, of which the pool's functions are told.
package customflow

import (
	"slices"

	"cognate/internal/api/idp"
	"cognate/internal/trigger"
)

// RoundSRP names the first round of a sign-in that begins with SRP.
const RoundSRP = "SRP_A"

// maxRounds is how many rounds a sign-in may have.
const maxRounds = 20

// State is what a custom sign-in remembers. The secret answers are in it, sealed with the rest of the state of the
// sign-in. Its JSON names must not change.
type State struct {
	Rounds []Round `json:"r,omitempty"`
	// Told is how many of the sign-in's passed factors are among the rounds.
	Told     int               `json:"t,omitempty"`
	Private  map[string]string `json:"p,omitempty"`
	Metadata *string           `json:"m,omitempty"`
	// Granted: DefineAuthChallenge said that tokens may be issued.
	Granted bool `json:"g,omitempty"`
}

// Round is one challenge that was answered.
type Round struct {
	Name     string  `json:"n"`
	Passed   bool    `json:"p,omitempty"`
	Metadata *string `json:"m,omitempty"`
}

// Full reports whether there are more rounds than a sign-in may have.
func (s *State) Full() bool { return len(s.Rounds) > maxRounds }

// Session returns the history in the form of events. It adds the factors that passed since.
func (s *State) Session(passed []idp.ChallengeNameType) []trigger.ChallengeResult {
	for _, name := range passed[s.Told:] {
		s.Rounds = append(s.Rounds, Round{Name: string(name), Passed: true})
	}
	s.Told = len(passed)
	list := make([]trigger.ChallengeResult, len(s.Rounds))
	for i, r := range s.Rounds {
		list[i] = trigger.ChallengeResult{ChallengeName: r.Name, ChallengeResult: r.Passed, ChallengeMetadata: r.Metadata}
	}
	return list
}

// Answered returns the state after an answer to the custom challenge.
func (s *State) Answered(correct bool) *State {
	next := *s
	next.Rounds = append(slices.Clip(s.Rounds), Round{trigger.CustomChallenge, correct, s.Metadata})
	next.Private, next.Metadata = nil, nil
	return &next
}
