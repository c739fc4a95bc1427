package passwords

import (
	_ "embed"
	"strings"
	"time"
)

//go:embed words.txt
var wordFile string

// words are the stems of the commonest passwords.
var words = func() map[string]bool {
	m := map[string]bool{}
	for word := range strings.FieldsSeq(wordFile) {
		m[word] = true
	}
	return m
}()

// walks are runs of keys that fingers find alone, on the keyboards of several languages, and other
// sequences. Each counts in both directions.
var walks = func() []string {
	forward := []string{
		"01234567890", "abcdefghijklmnopqrstuvwxyz",
		"qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn",
		"1qaz2wsx3edc4rfv5tgb6yhn7ujm", "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "qawsedrftgyhujikolp", "qazwsxedcrfvtgbyhnujm",
		"zaq12wsxcde34rfv", "147258369", "159357", "741852963", "789456123", "123qweasdzxc", "qweasdzxc",
	}
	all := forward
	for _, w := range forward {
		b := []byte(w)
		for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
		all = append(all, string(b))
	}
	return all
}()

const (
	// minWalk is the shortest part of a walk: shorter parts are in many words.
	minWalk = 3
	// maxCommon is the length from which a password counts as common only if it repeats a part.
	maxCommon = 40
	// minReal is the length below which every password is tried by an attacker.
	minReal = 6
)

// substitution maps single characters. A text keeps its length.
type substitution [256]byte

func newSubstitution(from, to string) *substitution {
	var s substitution
	for i := range s {
		s[i] = byte(i)
	}
	for i := range from {
		s[from[i]] = to[i]
	}
	return &s
}

func (s *substitution) apply(text string) string {
	b := []byte(text)
	for i, c := range b {
		b[i] = s[c]
	}
	return string(b)
}

var (
	// unshift maps the characters of the shifted digit row to the digits, for walks with the
	// shift key.
	unshift = newSubstitution("!@#$%^&*()", "1234567890")
	// plain maps digits and signs to the letters that they stand for. A one may be an i or an l.
	plain = [...]*substitution{
		newSubstitution("01!|34@5$7+89", "oiiieaassttbg"),
		newSubstitution("01!|34@5$7+89", "ollleaassttbg"),
	}
)

// Common reports whether a password is one of the first that an attacker tries: a common word with
// usual substitutes and endings, a walk on the keyboard, a date, or a part that is repeated.
func Common(password string) bool {
	p := strings.ToLower(password)
	if len(p) < minReal {
		return true
	}
	unit := period(p)
	if len(unit) <= 2 {
		return true
	}
	for _, text := range [...]string{p, unit} {
		if len(text) > maxCommon || len(text) < minWalk {
			continue
		}
		if isWord(text) || isWalk(text) || isWalk(unshift.apply(text)) || isDate(text) {
			return true
		}
	}
	return false
}

// period returns the shortest part of which the text is a repetition.
func period(text string) string {
	for n := 1; n <= len(text)/2; n++ {
		if len(text)%n == 0 && text[n:] == text[:len(text)-n] {
			return text[:n]
		}
	}
	return text
}

// isWord reports whether the text is a common word, or its repetition, between usual beginnings
// and endings.
func isWord(text string) bool {
	forms := [...]string{text, plain[0].apply(text), plain[1].apply(text)}
	for start := 0; start <= 4 && start < len(text); start++ {
		if !usualBeginning(text[:start]) {
			continue
		}
		for end := len(text); end > start+2 && len(text)-end <= 10; end-- {
			if !usualEnding(text[end:]) {
				continue
			}
			for _, form := range forms {
				if words[period(strings.Trim(form[start:end], "-_. "))] {
					return true
				}
			}
		}
	}
	return false
}

const signs = "!@#$%&*?.+-_=~"

// usualBeginning reports whether people put the text before a word.
func usualBeginning(text string) bool {
	switch text {
	case "", "1", "12", "123", "1234", "my", "the":
		return true
	}
	return len(text) == 1 && strings.ContainsAny(text, signs)
}

// usualEnding reports whether people put the text behind a word: signs, a usual number, signs.
func usualEnding(text string) bool {
	text = trimSigns(text, strings.TrimRight)
	text = trimSigns(text, strings.TrimLeft)
	switch len(text) {
	case 0, 1, 2:
		return allDigits(text)
	case 3:
		return text == "123" || text == "321" || text == "007" || text[0] == text[1] && text[1] == text[2] && allDigits(text)
	case 4:
		return text >= "1940" && text <= "2039" && allDigits(text) || text == "1234" || text == "4321" || text == "0000" || text == "1111"
	}
	return strings.HasPrefix("1234567890", text)
}

// trimSigns removes at most three signs from one end.
func trimSigns(text string, trim func(string, string) string) string {
	if shorter := trim(text, signs); len(text)-len(shorter) <= 3 {
		return shorter
	}
	return text
}

func allDigits(text string) bool { return strings.Trim(text, "0123456789") == "" }

// isWalk reports whether the text consists of walks, at most three, and signs at its end.
func isWalk(text string) bool {
	rest := trimSigns(text, strings.TrimRight)
	if len(rest) < minReal {
		rest = text
	}
	for parts := 0; rest != ""; parts++ {
		n := longestWalk(rest)
		if n < minWalk || parts == 3 {
			return false
		}
		rest = rest[n:]
	}
	return true
}

// longestWalk returns the length of the longest walk that the text begins with. One key that is
// held down counts, too.
func longestWalk(text string) int {
	longest := 1
	for longest < len(text) && text[longest] == text[0] {
		longest++
	}
	if len(text) < minWalk {
		return longest
	}
	for _, w := range walks {
		for at := strings.Index(w, text[:minWalk]); at >= 0; {
			n := minWalk
			for n < len(text) && at+n < len(w) && text[n] == w[at+n] {
				n++
			}
			longest = max(longest, n)
			next := strings.Index(w[at+1:], text[:minWalk])
			if next < 0 {
				break
			}
			at += 1 + next
		}
	}
	return longest
}

// dates are the usual orders of a date. Separators are removed first.
var dates = []string{"20060102", "02012006", "01022006", "060102", "020106", "010206"}

// isDate reports whether the text is a date of a living person's time.
func isDate(text string) bool {
	if text[0] < '0' || text[0] > '9' {
		return false
	}
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune("-./ ", r) {
			return -1
		}
		return r
	}, trimSigns(text, strings.TrimRight))
	if !allDigits(digits) {
		return false
	}
	for _, layout := range dates {
		if len(layout) != len(digits) {
			continue
		}
		if t, err := time.Parse(layout, digits); err == nil && t.Year() >= 1920 && t.Year() < 2040 {
			return true
		}
	}
	return false
}
