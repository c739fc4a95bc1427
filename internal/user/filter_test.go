package user

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const (
	sayBadFilter = "InvalidParameterException: Error while parsing filter."
	sayBadAttr   = "InvalidParameterException: Invalid search attribute: "
)

func TestParseFilter(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, in string
		want     filter
		says     string
	}{
		{name: "empty"},
		{name: "blank", in: " \t\r\n"},
		{name: "equal", in: `email = "a@example.com"`, want: filter{"email", "=", "a@example.com"}},
		{name: "prefix", in: `email ^= "a@"`, want: filter{"email", "^=", "a@"}},
		{name: "without spaces", in: `name="Alice"`, want: filter{"name", "=", "Alice"}},
		{name: "prefix without spaces", in: `name^="Al"`, want: filter{"name", "^=", "Al"}},
		{name: "spaces around", in: "  sub\t= \n\"x\"  ", want: filter{"sub", "=", "x"}},
		{name: "spaces within the value stay", in: `name = " Alice B "`, want: filter{"name", "=", " Alice B "}},
		{name: "empty value", in: `given_name ^= ""`, want: filter{"given_name", "^=", ""}},
		{name: "attribute with a colon", in: `cognito:user_status = "Confirmed"`, want: filter{"cognito:user_status", "=", "Confirmed"}},
		{name: "escaped quote", in: `name = "a\"b"`, want: filter{"name", "=", `a"b`}},
		{name: "escaped backslash", in: `name = "a\\b"`, want: filter{"name", "=", `a\b`}},
		{name: "escaped backslash at the end", in: `name = "a\\"`, want: filter{"name", "=", `a\`}},
		{name: "operators within the value", in: `name = "a ^= b = c"`, want: filter{"name", "=", "a ^= b = c"}},
		{name: "not ASCII", in: `family_name = "Łukasz 김"`, want: filter{"family_name", "=", "Łukasz 김"}},

		{name: "no operator", in: `email`, says: sayBadFilter},
		{name: "no value", in: `email =`, says: sayBadFilter},
		{name: "no attribute", in: `= "a"`, says: sayBadFilter},
		{name: "value without quotes", in: `email = a`, says: sayBadFilter},
		{name: "single quotes", in: `email = 'a'`, says: sayBadFilter},
		{name: "one quote", in: `email = "`, says: sayBadFilter},
		{name: "not closed", in: `email = "a`, says: sayBadFilter},
		{name: "close is escaped", in: `email = "a\"`, says: sayBadFilter},
		{name: "unescaped quote", in: `name = "a"b"`, says: sayBadFilter},
		{name: "unknown escape", in: `name = "a\nb"`, says: sayBadFilter},
		{name: "other operator", in: `name != "a"`, says: sayBadFilter},
		{name: "operator in two", in: `name ^ = "a"`, says: sayBadFilter},
		{name: "operator twice", in: `name == "a"`, says: sayBadFilter},
		{name: "greater", in: `name > "a"`, says: sayBadFilter},
		{name: "two conditions", in: `name = "a" and email = "b"`, says: sayBadFilter},
		{name: "more after the value", in: `name = "a" x`, says: sayBadFilter},
		{name: "quoted attribute", in: `"name" = "a"`, says: sayBadFilter},
		{name: "two words before the operator", in: `given name = "a"`, says: sayBadFilter},

		{name: "custom attribute", in: `custom:plan = "gold"`, says: sayBadAttr + "custom:plan"},
		{name: "unknown attribute", in: `shoe_size = "43"`, says: sayBadAttr + "shoe_size"},
		{name: "case of the attribute", in: `Email = "a"`, says: sayBadAttr + "Email"},
		{name: "syntax comes before the attribute", in: `shoe_size = 43`, says: sayBadFilter},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseFilter(row.in)
			wantSays(t, err, row.says)
			if got != row.want {
				t.Errorf("got %+v, want %+v", got, row.want)
			}
		})
	}
}

// filterText writes a filter as a client would.
func filterText(f filter, spaces ...string) string {
	value := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(f.value)
	return spaces[0] + f.attr + spaces[1] + f.op + spaces[2] + `"` + value + `"` + spaces[3]
}

// TestFilterRoundTrip holds that every value can be asked for.
func TestFilterRoundTrip(t *testing.T) {
	t.Parallel()
	attrs := slices.Sorted(maps.Keys(searchable))
	rapid.Check(t, func(t *rapid.T) {
		f := filter{
			attr:  rapid.SampledFrom(attrs).Draw(t, "attr"),
			op:    rapid.SampledFrom([]string{"=", "^="}).Draw(t, "op"),
			value: rapid.OneOf(rapid.String(), rapid.StringMatching(`["\\ =^a]*`)).Draw(t, "value"),
		}
		space := rapid.StringMatching(`[ \t\r\n]{0,2}`)
		text := filterText(f, space.Draw(t, "0"), space.Draw(t, "1"), space.Draw(t, "2"), space.Draw(t, "3"))
		got, err := parseFilter(text)
		if err != nil || got != f {
			t.Errorf("%q: got %+v, %v, want %+v", text, got, err, f)
		}
	})
}

func FuzzParseFilter(f *testing.F) {
	for _, s := range []string{``, `email = "a"`, `name^="a\"\\"`, `x`, `= "`, `cognito:user_status = "x"`, "sub\x00=\"\xff\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseFilter(s)
		switch {
		case err != nil:
			if got != (filter{}) {
				t.Errorf("%q: %+v beside %v", s, got, err)
			}
			if says := err.Error(); says != sayBadFilter && !strings.HasPrefix(says, sayBadAttr) {
				t.Errorf("%q: %v", s, err)
			}
		case got == filter{}:
			if strings.Trim(s, filterSpace) != "" {
				t.Errorf("%q lets everybody through", s)
			}
		default:
			if !searchable[got.attr] || got.op != "=" && got.op != "^=" {
				t.Errorf("%q: %+v", s, got)
			}
			if again, err := parseFilter(filterText(got, "", "", "", "")); err != nil || again != got {
				t.Errorf("%q: %+v, then %+v, %v", s, got, again, err)
			}
		}
	})
}
