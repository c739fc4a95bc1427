// Package patterntest checks that the fast matchers of constraint patterns agree
// with the regular expressions that they stand for. Only tests import it.
package patterntest

import (
	"regexp"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"cognate/internal/api/awsjson"
)

// Case is a pattern and its form in RE2.
type Case struct {
	Pattern *awsjson.Pattern
	Expr    string
}

// Check tries each pattern with text that matches, text that nearly does and text at random.
func Check(t *testing.T, cases []Case) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.Pattern.Text, func(t *testing.T) {
			t.Parallel()
			re := regexp.MustCompile(`\A(?:` + c.Expr + `)\z`)
			agree := func(t interface{ Errorf(string, ...any) }, s string) {
				if utf8.ValidString(s) && c.Pattern.Match(s) != re.MatchString(s) {
					t.Errorf("%q: matcher %t, regular expression %t", s, c.Pattern.Match(s), re.MatchString(s))
				}
			}
			agree(t, "")
			for r := range rune(0x3000) {
				agree(t, string(r))
				agree(t, "a"+string(r))
				agree(t, "a_"+string(r)+"1")
			}
			matching := rapid.StringMatching(c.Expr)
			rapid.Check(t, func(t *rapid.T) {
				s := rapid.OneOf(matching, rapid.String()).Draw(t, "s")
				agree(t, s)
				runes := []rune(s)
				at := rapid.IntRange(0, len(runes)).Draw(t, "at")
				r := rapid.Rune().Draw(t, "r")
				agree(t, string(runes[:at])+string(r)+string(runes[at:]))
			})
		})
	}
}
