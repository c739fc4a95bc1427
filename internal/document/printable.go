package document

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable returns a text as a terminal can show it. A terminal obeys control characters, and other
// characters reorder or hide letters. Printable writes such a character as an escape sequence of Go, such as
// \x1b or \n.
func Printable(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, isHidden) {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if isHidden(r) {
			quoted := strconv.QuoteRuneToASCII(r)
			out.WriteString(quoted[1 : len(quoted)-1])
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

func isHidden(r rune) bool { return !unicode.IsGraphic(r) }

// PrintableError returns an error whose text a terminal can show: as with Printable, but with its lines. The
// error wraps err.
func PrintableError(err error) error {
	if err == nil {
		return nil
	}
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		lines[i] = Printable(line)
	}
	if text := strings.Join(lines, "\n"); text != err.Error() {
		return &printableError{text, err}
	}
	return err
}

// A printableError is an error with another text.
type printableError struct {
	text string
	err  error
}

// Error implements error.
func (e *printableError) Error() string { return e.text }

// Unwrap returns the error as it was.
func (e *printableError) Unwrap() error { return e.err }
