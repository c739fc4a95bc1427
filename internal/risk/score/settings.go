package score

import (
	"fmt"
	"time"
)

// Level is the risk level of an attempt.
type Level uint8

// The levels. LevelNone means that no risk was found.
const (
	LevelNone Level = iota
	LevelLow
	LevelMedium
	LevelHigh
)

// String returns the level's name on the wire, and "" for no risk.
func (l Level) String() string {
	switch l {
	case LevelLow:
		return "Low"
	case LevelMedium:
		return "Medium"
	case LevelHigh:
		return "High"
	}
	return ""
}

// Default thresholds of the levels.
const (
	DefaultLow    = 25
	DefaultMedium = 50
	DefaultHigh   = 75
)

// Settings are those of a pool. The zero value has the default thresholds and no learning mode.
type Settings struct {
	// Low, Medium and High are the lowest scores of the levels; 0 means the default.
	Low, Medium, High int
	// LearningUntil is the end of the pool's learning mode: until then, unknown devices and
	// places count nothing, for every user.
	LearningUntil time.Time
}

// thresholds returns the settings' thresholds with the defaults filled in.
func (s Settings) thresholds() (low, medium, high int) {
	low, medium, high = s.Low, s.Medium, s.High
	if low == 0 {
		low = DefaultLow
	}
	if medium == 0 {
		medium = DefaultMedium
	}
	if high == 0 {
		high = DefaultHigh
	}
	return low, medium, high
}

// Validate returns an error unless the thresholds rise from 1 to 100.
func (s Settings) Validate() error {
	low, medium, high := s.thresholds()
	if low < 1 || medium <= low || high <= medium || high > 100 {
		return fmt.Errorf("risk: thresholds %d, %d, %d: want rising numbers from 1 to 100", low, medium, high)
	}
	return nil
}

// level returns the level of a score.
func (s Settings) level(score int) Level {
	low, medium, high := s.thresholds()
	switch {
	case score >= high:
		return LevelHigh
	case score >= medium:
		return LevelMedium
	case score >= low:
		return LevelLow
	}
	return LevelNone
}
