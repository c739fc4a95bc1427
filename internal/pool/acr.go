package pool

import (
	"slices"
	"strconv"
	"strings"

	"cognate/internal/api/idp"
)

// Every pool has four levels of authentication, which its tokens name in acr. A pool can
// rename them, but the factors that reach a level are fixed (Cognito: authentication
// levels with ACR and AMR claims).

// acrLevels is the number of levels.
const acrLevels = 4

func acrKey(level int) string { return "Level" + strconv.Itoa(level) }

func defaultACR(level int) string { return "urn:cognito:loa:" + strconv.Itoa(level) }

// renamedLevels returns the levels whose name is not the default, nil if there are none.
// Infrastructure tools send back all four levels, as DescribeUserPool shows them.
func renamedLevels(c map[string]idp.AcrLevelConfigType) map[string]idp.AcrLevelConfigType {
	var renamed map[string]idp.AcrLevelConfigType
	for level := 1; level <= acrLevels; level++ {
		key := acrKey(level)
		if v, ok := c[key]; ok && v.AcrValue != defaultACR(level) {
			if renamed == nil {
				renamed = map[string]idp.AcrLevelConfigType{}
			}
			renamed[key] = v
		}
	}
	return renamed
}

// effectiveLevels returns the names of all levels. Levels that the pool did not rename have
// the default name.
func effectiveLevels(renamed map[string]idp.AcrLevelConfigType) map[string]idp.AcrLevelConfigType {
	all := make(map[string]idp.AcrLevelConfigType, acrLevels)
	for level := 1; level <= acrLevels; level++ {
		key := acrKey(level)
		v, ok := renamed[key]
		if !ok {
			v.AcrValue = defaultACR(level)
		}
		all[key] = v
	}
	return all
}

// checkLevels rejects two levels with the same name.
func checkLevels(renamed map[string]idp.AcrLevelConfigType) error {
	var names []string
	for _, v := range effectiveLevels(renamed) {
		if slices.Contains(names, v.AcrValue) {
			return invalid("AcrValue must be unique across all levels in AcrConfiguration, with the default names of the levels that it leaves out.")
		}
		names = append(names, v.AcrValue)
	}
	return nil
}

// ACR returns the pool's name of an authentication level; "" if there is no such level.
func (sn *Snapshot) ACR(level int) string { return sn.Config.AcrConfiguration[acrKey(level)].AcrValue }

// LevelOf returns the authentication level with this name; 0 if the pool has no such level. No
// level has the empty name.
func (sn *Snapshot) LevelOf(acr string) int {
	if acr == "" {
		return 0
	}
	for level := 1; level <= acrLevels; level++ {
		if sn.ACR(level) == acr {
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
