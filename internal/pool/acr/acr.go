// Package acr has the names of a pool's authentication levels, as pure functions.
package acr

import (
	"slices"
	"strconv"

	"cognate/internal/api/idp"
)

// Every pool has four levels of authentication, which its tokens name in acr. A pool can
// rename them, but the factors that reach a level are fixed (Cognito: authentication
// levels with ACR and AMR claims).

// Levels is the number of levels.
const Levels = 4

// Key returns the name of a level in the API.
func Key(level int) string { return "Level" + strconv.Itoa(level) }

func defaultName(level int) string { return "urn:cognito:loa:" + strconv.Itoa(level) }

// Renamed returns the levels whose name is not the default, nil if there are none.
// Infrastructure tools send back all four levels, as DescribeUserPool shows them.
func Renamed(c map[string]idp.AcrLevelConfigType) map[string]idp.AcrLevelConfigType {
	var renamed map[string]idp.AcrLevelConfigType
	for level := 1; level <= Levels; level++ {
		key := Key(level)
		if v, ok := c[key]; ok && v.AcrValue != defaultName(level) {
			if renamed == nil {
				renamed = map[string]idp.AcrLevelConfigType{}
			}
			renamed[key] = v
		}
	}
	return renamed
}

// Effective returns the names of all levels. Levels that the pool did not rename have
// the default name.
func Effective(renamed map[string]idp.AcrLevelConfigType) map[string]idp.AcrLevelConfigType {
	all := make(map[string]idp.AcrLevelConfigType, Levels)
	for level := 1; level <= Levels; level++ {
		key := Key(level)
		v, ok := renamed[key]
		if !ok {
			v.AcrValue = defaultName(level)
		}
		all[key] = v
	}
	return all
}

// Check rejects two levels with the same name.
func Check(renamed map[string]idp.AcrLevelConfigType) error {
	var names []string
	for _, v := range Effective(renamed) {
		if slices.Contains(names, v.AcrValue) {
			return idp.InvalidParameterException("AcrValue must be unique across all levels in AcrConfiguration, with the default names of the levels that it leaves out.")
		}
		names = append(names, v.AcrValue)
	}
	return nil
}
