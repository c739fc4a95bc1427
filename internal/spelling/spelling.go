// Package spelling finds the nearest known name, for messages about an unknown name. It
// decides nothing: a wrong name stays refused.
package spelling

import "strings"

// Nearest returns the known name that differs least from a name, ignoring case. It returns
// "" if more than a third of the letters would have to change.
func Nearest(name string, known []string) string {
	best, least := "", max(len(name)/3, 1)+1
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k), least); d < least {
			best, least = k, d
		}
	}
	return best
}

// Meant returns a hint to the nearest known name, to be added to a message. It returns "" if
// no name is near.
func Meant(name string, known []string) string {
	if near := Nearest(name, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// maxLength limits the work for one name. No known name is longer.
const maxLength = 128

// distance counts the letters to insert, delete, replace or exchange with their
// neighbour (Damerau and Levenshtein, restricted). It stops counting at most.
func distance(a, b string, most int) int {
	if len(a)-len(b) >= most || len(b)-len(a) >= most || len(a) > maxLength || len(b) > maxLength {
		return most
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], most)
}
