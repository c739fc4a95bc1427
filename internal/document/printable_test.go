package document_test

import (
	"errors"
	"testing"

	"cognate/internal/document"
)

// TestPrintable: no character that a terminal obeys remains, and what people read stays as it is.
func TestPrintable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"shop: größer, 店, a\u00a0b \\ '\"", "shop: größer, 店, a\u00a0b \\ '\""},
		{"\x1b[31mred\x07", `\x1b[31mred\a`},
		{"a\r\nb\tc\x00\x7f", `a\r\nb\tc\x00\x7f`},
		{"\u009b2J", `\u009b2J`},
		{"\x9b2J", "\ufffd2J"},
		{"\u202etxt\u2066 \u2028 \ufeff", `\u202etxt\u2066 \u2028 \ufeff`},
	} {
		if got := document.Printable(tt.text); got != tt.want {
			t.Errorf("%q becomes %q, want %q", tt.text, got, tt.want)
		}
	}
	problem := document.Problem{File: "a\x1b", Line: 2, Field: "b\x1b", Text: "c\nd"}
	if got, want := problem.String(), `a\x1b:2: b\x1b: c\nd`; got != want {
		t.Errorf("the problem is shown as %q, want %q", got, want)
	}
	first := errors.New("first\nsec\x1bond")
	if err := document.PrintableError(first); err.Error() != "first\nsec\\x1bond" || !errors.Is(err, first) {
		t.Errorf("the error becomes %q", err)
	}
	if err := document.PrintableError(nil); err != nil {
		t.Errorf("no error becomes %q", err)
	}
}
