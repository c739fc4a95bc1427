package branding

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"
)

const svgHead = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">`

func TestCheckSVG(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"small", `<svg xmlns="http://www.w3.org/2000/svg"/>`, ""},
		{"declaration and byte order mark", "\ufeff<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- logo -->" + svgHead + "<g/></svg>\n", ""},
		{"drawing", svgHead + `<title>A &amp; B</title><defs><linearGradient id="a"><stop offset="0" stop-color="#fff"/></linearGradient></defs>
			<path d="M0 0h1" fill="url(#a)" style="fill:url('#a')" data-name="x"/><use xlink:href="#a" href="#a"/></svg>`, ""},
		{"style", svgHead + `<style>.a{fill:url(#a)}</style></svg>`, ""},
		{"filter", svgHead + `<filter id="f"><feGaussianBlur stdDeviation="2" in="SourceGraphic"/></filter></svg>`, ""},

		{"empty", "", "it has no svg element"},
		{"text", "logo", "it has text outside of the svg element"},
		{"cut off", svgHead + "<g>", "it is not well-formed XML"},
		{"HTML", "<html><body>", "it must be one svg element"},
		{"no namespace", "<svg/>", `the element "svg" is not allowed`},
		{"two", svgHead + "</svg>" + svgHead + "</svg>", "it must be one svg element"},
		{"document type", `<!DOCTYPE svg [<!ENTITY a "b">]>` + svgHead + "</svg>", "a document type is not allowed"},
		{"entity", svgHead + "&a;</svg>", "it is not well-formed XML"},
		{"stylesheet", `<?xml-stylesheet href="a.css"?>` + svgHead + "</svg>", "processing instructions are not allowed"},
		{"other encoding", `<?xml version="1.0" encoding="UTF-16"?>` + svgHead + "</svg>", "it is not well-formed XML"},
		{"script", svgHead + "<script>alert(1)</script></svg>", `the element "script" is not allowed`},
		{"script with a prefix", `<svg xmlns="http://www.w3.org/2000/svg" xmlns:s="http://www.w3.org/2000/svg"><s:script/></svg>`, `the element "script" is not allowed`},
		{"script of HTML", `<svg xmlns="http://www.w3.org/2000/svg"><g xmlns="http://www.w3.org/1999/xhtml"/></svg>`, `the element "g" is not allowed`},
		{"foreign object", svgHead + "<foreignObject/></svg>", `the element "foreignObject" is not allowed`},
		{"link", svgHead + `<a href="#a"/></svg>`, `the element "a" is not allowed`},
		{"image", svgHead + `<image href="#a"/></svg>`, `the element "image" is not allowed`},
		{"animation", svgHead + `<set attributeName="href" to="javascript:alert(1)"/></svg>`, `the element "set" is not allowed`},
		{"event", svgHead + `<g onclick="alert(1)"/></svg>`, `the attribute "onclick" is not allowed`},
		{"event in capitals", svgHead + `<g ONLOAD="alert(1)"/></svg>`, `the attribute "ONLOAD" is not allowed`},
		{"outer reference", svgHead + `<use href="https://a.example/b.svg#c"/></svg>`, "href must refer to the image itself"},
		{"outer reference by XLink", svgHead + `<use xlink:href="data:image/svg+xml,x"/></svg>`, "href must refer to the image itself"},
		{"base", svgHead + `<g xml:base="https://a.example/"/></svg>`, `the attribute "base" is not allowed`},
		{"foreign attribute", svgHead + `<g xmlns:o="https://a.example/" o:href="b"/></svg>`, `the attribute "href" is not allowed`},
		{"outer paint", svgHead + `<g fill="URL( 'https://a.example/')"/></svg>`, `the attribute "fill" may refer by url() to the image itself only`},
		{"second paint", svgHead + `<g style="fill:url(#a);stroke:url(//b)"/></svg>`, `the attribute "style" may refer by url() to the image itself only`},
		{"escape", svgHead + `<g style="fill:u\72l(//b)"/></svg>`, `the attribute "style" must not have "\\"`},
		{"import", svgHead + `<style>@IMPORT "a.css";</style></svg>`, `the element style must not have "@import"`},
		{"import in CDATA", svgHead + `<style><![CDATA[@import "a.css";]]></style></svg>`, `the element style must not have "@import"`},
		{"import in two sections", svgHead + `<style><![CDATA[@im]]><![CDATA[port "a.css";]]></style></svg>`, `the element style must not have "@import"`},
		{"import with a comment", svgHead + `<style>@im<!-- -->port "a.css";</style></svg>`, `the element style must have text only`},
		{"element in a style", svgHead + `<style><g/></style></svg>`, `the element style must have text only`},
		{"deep", svgHead + strings.Repeat("<g>", 100) + strings.Repeat("</g>", 100) + "</svg>", "its elements must not be nested deeper than 100"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := checkSVG([]byte(tt.text)); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// FuzzCheckSVG: what passes is XML without a document type, of elements of the list, and its references stay inside.
func FuzzCheckSVG(f *testing.F) {
	for _, seed := range []string{
		svgHead + `<defs><linearGradient id="a"><stop offset="0"/></linearGradient></defs><path d="M0" fill="url(#a)"/></svg>`,
		svgHead + `<style>.a{fill:url(#a)}</style><use xlink:href="#a"/></svg>`, `<!DOCTYPE svg>` + svgHead + `</svg>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if checkSVG(b) != nil {
			return
		}
		d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(b, []byte("\ufeff"))))
		for {
			token, err := d.Token()
			if token == nil {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			switch e := token.(type) {
			case xml.Directive:
				t.Fatalf("a directive in %q", b)
			case xml.StartElement:
				if !svgElements[e.Name.Local] {
					t.Fatalf("%s in %q", e.Name.Local, b)
				}
				for _, a := range e.Attr {
					if strings.HasPrefix(strings.ToLower(a.Name.Local), "on") || a.Name.Local == "href" && a.Name.Space != "xmlns" && !strings.HasPrefix(a.Value, "#") {
						t.Fatalf("%v in %q", a, b)
					}
				}
			}
		}
	})
}
