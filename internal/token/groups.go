package token

import (
	"cmp"
	"slices"
	"strings"
)

// sortGroups orders groups as tokens list them: by precedence, then by name.
// Groups without precedence come last.
func sortGroups(groups []Group) []Group {
	sorted := slices.Clone(groups)
	slices.SortFunc(sorted, func(a, b Group) int {
		return cmp.Or(comparePrecedence(a.Precedence, b.Precedence), strings.Compare(a.Name, b.Name))
	})
	return sorted
}

func comparePrecedence(a, b *int32) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return cmp.Compare(*a, *b)
}

// rolesOf returns the roles of sorted groups and the preferred role. That is the
// role of the first group that has one, unless another group of the same
// precedence has another role.
func rolesOf(sorted []Group) (roles []string, preferred string) {
	var best *int32
	tied := false
	for _, g := range sorted {
		if g.RoleARN == "" {
			continue
		}
		switch {
		case len(roles) == 0:
			preferred, best = g.RoleARN, g.Precedence
		case comparePrecedence(g.Precedence, best) == 0 && g.RoleARN != preferred:
			tied = true
		}
		if !slices.Contains(roles, g.RoleARN) {
			roles = append(roles, g.RoleARN)
		}
	}
	if tied {
		preferred = ""
	}
	return roles, preferred
}
