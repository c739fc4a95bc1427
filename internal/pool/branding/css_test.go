package branding

import (
	"strings"
	"testing"
)

func TestSafeCSS(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want, fault string }{
		{"empty", "", "", ""},
		{"space and comments", " /* a < b */\n\t", "", ""},
		{"empty rule", ".logo-customizable{}", ".logo-customizable{}\n", ""},
		{"last semicolon left out", ".label-customizable { font-weight : 400 ; color: #Fff }", ".label-customizable{font-weight:400;color:#Fff;}\n", ""},
		{"several rules and selectors", ".submitButton-customizable:hover,\n.idpButton-customizable:hover {color:RED}.logo-customizable{max-width:60%;;}",
			".submitButton-customizable:hover,.idpButton-customizable:hover{color:RED;}\n.logo-customizable{max-width:60%;}\n", ""},
		{"comment in a value", ".label-customizable{margin:1px/**/2px}", ".label-customizable{margin:1px 2px;}\n", ""},
		{"signs and fractions", ".label-customizable{margin: -.5em +2px 0 1.25e3px !IMPORTANT}", ".label-customizable{margin:-.5em +2px 0 1.25e3px !IMPORTANT;}\n", ""},
		{"strings", `.label-customizable{font-family: "Größe; }", 'a b', sans-serif}`, `.label-customizable{font-family:"Größe; }", 'a b', sans-serif;}` + "\n", ""},
		{"functions", ".background-customizable{background: linear-gradient(to right, RGB(1 2 3 / 50%), hsl(120, 10%, 20%)); width: calc((100% - 2px)*3)}",
			".background-customizable{background:linear-gradient(to right, RGB(1 2 3 / 50%), hsl(120, 10%, 20%));width:calc((100% - 2px)*3);}\n", ""},
		{"vendor property", ".label-customizable{-webkit-box-sizing:border-box}", ".label-customizable{-webkit-box-sizing:border-box;}\n", ""},

		{"unknown class", ".other-customizable{}", "", `line 1: ".other-customizable" is not one of the classes that can be customized`},
		{"unknown state", ".label-customizable:hover{}", "", `line 1: ".label-customizable:hover" is not one of the classes that can be customized`},
		{"case of a class", ".Label-customizable{}", "", `line 1: ".Label-customizable" is not one of the classes that can be customized`},
		{"element", "body{}", "", `line 1: "body" is not one of the classes that can be customized`},
		{"any element", "*{}", "", `line 1: a class expected instead of '*'`},
		{"descendant", ".label-customizable .logo-customizable{}", "", `line 1: { expected instead of '.'`},
		{"attribute", ".label-customizable[a]{}", "", `line 1: { expected instead of '['`},
		{"import", "/* x */\n@import 'a.css';", "", "line 2: at-rules are not allowed"},
		{"media", "@media print{.label-customizable{}}", "", "line 1: at-rules are not allowed"},
		{"at-rule in a block", ".label-customizable{@media print{}}", "", "line 1: a property expected instead of '@'"},
		{"nested rule", ".label-customizable{.logo-customizable{}}", "", "line 1: a property expected instead of '.'"},
		{"no block", ".label-customizable", "", "line 1: { expected at the end"},
		{"open block", ".label-customizable{color:red", "", "line 1: a value expected at the end"},
		{"too many blocks", ".label-customizable{}}", "", "line 1: a class expected instead of '}'"},
		{"no value", ".label-customizable{color:;}", "", "line 1: a value expected instead of ';'"},
		{"no colon", ".label-customizable{color red}", "", "line 1: : expected instead of 'r'"},
		{"custom property", ".label-customizable{--a:red}", "", "line 1: a property expected instead of '-'"},
		{"url", ".label-customizable{background: url(https://a.example/x)}", "", "line 1: the function url() is not allowed"},
		{"URL with a string", `.label-customizable{background: URL("a")}`, "", "line 1: the function URL() is not allowed"},
		{"image-set", `.label-customizable{background: image-set("a" 1x)}`, "", "line 1: the function image-set() is not allowed"},
		{"expression", ".label-customizable{width: expression(alert(1))}", "", "line 1: the function expression() is not allowed"},
		{"attr", ".label-customizable{width: attr(value)}", "", "line 1: the function attr() is not allowed"},
		{"script address", ".label-customizable{background: javascript:alert(1)}", "", "line 1: a value expected instead of ':'"},
		{"escape", `.label-customizable{background: u\72l(a)}`, "", `line 1: a value expected instead of '\\'`},
		{"escape in a selector", `.label\2d customizable{}`, "", `line 1: ".label" is not one of the classes that can be customized`},
		{"escape in a string", `.label-customizable{content: "\""}`, "", `line 1: a string must end on its line, and must not have \ or <`},
		{"end of the element", ".label-customizable{}</style><script>", "", "line 1: a class expected instead of '<'"},
		{"end of the element in a string", `.label-customizable{content: "</style>"}`, "", `line 1: a string must end on its line, and must not have \ or <`},
		{"end of the element in a comment", "/*</style>*/", "", "line 1: a comment must not have </"},
		{"comment of HTML", "<!-- .label-customizable{} -->", "", "line 1: a class expected instead of '<'"},
		{"open comment", ".label-customizable{} /* a", "", "line 1: a comment does not end"},
		{"open string", ".label-customizable{content: 'a\n}", "", `line 1: a string must end on its line, and must not have \ or <`},
		{"open function", ".label-customizable{width: calc(1px; color: red)}", "", "line 1: ) expected instead of ';'"},
		{"bracket", ".label-customizable{width: (1px)}", "", "line 1: a value expected instead of '('"},
		{"short colour", ".label-customizable{color: #ff}", "", "line 1: a colour must have 3, 4, 6 or 8 hexadecimal digits"},
		{"long colour", ".label-customizable{color: #fffffg}", "", "line 1: a colour must have 3, 4, 6 or 8 hexadecimal digits"},
		{"other mark", ".label-customizable{color: red !default}", "", "line 1: a value expected instead of '!'"},
		{"nul", ".label-customizable{}\x00", "", "line 1: it has characters that are not text"},
		{"broken text", ".label-customizable{content:'\xff'}", "", "line 1: it has characters that are not text"},
		{"second line", ".label-customizable{}\n.x{}\n.banner-customizable{color:red}", "", `line 2: ".x" is not one of the classes that can be customized`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := SafeCSS(tt.text)
			fault := ""
			if err != nil {
				fault = err.Error()
			}
			if got != tt.want || fault != tt.fault {
				t.Errorf("%q, %q\nwant %q, %q", got, fault, tt.want, tt.fault)
			}
		})
	}
}

// FuzzSafeCSS: the safe form loads nothing, ends no element, and is its own safe form.
func FuzzSafeCSS(f *testing.F) {
	for _, seed := range []string{
		cssA, cssB, ".submitButton-customizable:hover , .logo-customizable{a:calc(1px*(2 + -3%))/x,\"y\";;b:#fff!important}", "/* a */.x{}",
		".label-customizable{width:+1--2}", ".label-customizable{a:1/**/b}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		safe, err := SafeCSS(text)
		if err != nil {
			return
		}
		if again, err := SafeCSS(safe); err != nil || again != safe {
			t.Fatalf("%q becomes %q, then %q, %v", text, safe, again, err)
		}
		lower := strings.ToLower(safe)
		for _, bad := range []string{"<", "@", "\\", "url(", "expression(", "/*", "\x00"} {
			outside := withoutStrings(lower)
			if strings.Contains(outside, bad) || bad != "@" && bad != "url(" && bad != "expression(" && bad != "/*" && strings.Contains(lower, bad) {
				t.Fatalf("%q becomes %q, which has %q", text, safe, bad)
			}
		}
		if outside := withoutStrings(safe); strings.Count(outside, "{") != strings.Count(outside, "}") {
			t.Fatalf("%q becomes %q", text, safe)
		}
	})
}

// withoutStrings removes the strings of a stylesheet that has no escapes.
func withoutStrings(css string) string {
	var out strings.Builder
	for css != "" {
		i := strings.IndexAny(css, `"'`)
		if i < 0 {
			break
		}
		out.WriteString(css[:i])
		end := strings.IndexByte(css[i+1:], css[i])
		css = css[i+1+end+1:]
	}
	out.WriteString(css)
	return out.String()
}
