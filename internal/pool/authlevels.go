package pool

import (
	"slices"
	"strings"

	"cognate/internal/pool/acr"
)

// ACR returns the pool's name of an authentication level; "" if there is no such level.
func (sn *Snapshot) ACR(level int) string { return sn.Config.AcrConfiguration[acr.Key(level)].AcrValue }

// LevelOf returns the authentication level with this name; 0 if the pool has no such level. No
// level has the empty name.
func (sn *Snapshot) LevelOf(name string) int {
	if name == "" {
		return 0
	}
	for level := 1; level <= acr.Levels; level++ {
		if sn.ACR(level) == name {
			return level
		}
	}
	return 0
}

// LevelsOf returns the levels of a space-separated list of names, each once and in the
// order of the list. Names that the pool does not have are left out.
func (sn *Snapshot) LevelsOf(acrValues string) []int {
	var levels []int
	for name := range strings.SplitSeq(acrValues, " ") {
		if level := sn.LevelOf(name); level > 0 && !slices.Contains(levels, level) {
			levels = append(levels, level)
		}
	}
	return levels
}

// AllowsStepUp reports whether clients of the pool's plan may ask for a level.
func (sn *Snapshot) AllowsStepUp() bool { return includes(sn.Tier, featureStepUp) }

// CheckStepUp rejects a request for a level that the pool's plan does not include.
func (sn *Snapshot) CheckStepUp() error {
	if !sn.AllowsStepUp() {
		return unavailable(featureStepUp)
	}
	return nil
}
