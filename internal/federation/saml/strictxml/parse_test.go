package strictxml_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"cognate/internal/federation/saml/strictxml"
)

func TestParseRejects(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }
	attributes := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(" a" + strings.Repeat("x", i) + `=""`)
		}
		return "<a" + b.String() + "/>"
	}
	tests := []struct{ name, document string }{
		{"nothing", ""},
		{"text", "a"},
		{"two roots", "<a/><a/>"},
		{"text behind the root", "<a/>b"},
		{"no end tag", "<a><b></b>"},
		{"crossed tags", "<a><b></a></b>"},
		{"end tag with another prefix", `<x:a xmlns:x="u" xmlns:y="u"></y:a>`},
		{"space before a name", "< a/>"},
		{"attributes without a space", `<a b="1"c="2"/>`},
		{"attribute without quotes", "<a b=1/>"},
		{"attribute without a value", "<a b/>"},
		{"repeated attribute", `<a b="1" b="2"/>`},
		{"repeated attribute by namespace", `<a xmlns:x="u" xmlns:y="u" x:b="1" y:b="2"/>`},
		{"tag in an attribute", `<a b="<"/>`},
		{"bare ampersand", "<a>&</a>"},
		{"unknown entity", "<a>&nbsp;</a>"},
		{"entity without an end", "<a>&amp</a>"},
		{"reference to NUL", "<a>&#0;</a>"},
		{"reference to a surrogate", "<a>&#xD800;</a>"},
		{"reference beyond Unicode", "<a>&#x110000;</a>"},
		{"reference to a noncharacter", "<a>&#xFFFF;</a>"},
		{"reference with a sign", "<a>&#+65;</a>"},
		{"reference with an upper-case X", "<a>&#X41;</a>"},
		{"reference with an underscore", "<a>&#6_5;</a>"},
		{"control character", "<a>\x01</a>"},
		{"not UTF-8", "<a>\xff</a>"},
		{"overlong UTF-8", "<a>\xc0\xbc</a>"},
		{"noncharacter", "<a>\uFFFE</a>"},
		{"end of a CDATA section in a text", "<a>]]></a>"},
		{"CDATA without an end", "<a><![CDATA[</a>"},
		{"CDATA outside of the root", "<![CDATA[x]]><a/>"},
		{"comment", "<a><!-- c --></a>"},
		{"comment before the root", "<!-- c --><a/>"},
		{"processing instruction", "<a><?p x?></a>"},
		{"second declaration", `<?xml version="1.0"?><?xml version="1.0"?><a/>`},
		{"declaration behind a space", ` <?xml version="1.0"?><a/>`},
		{"XML 1.1", `<?xml version="1.1"?><a/>`},
		{"other encoding", `<?xml version="1.0" encoding="UTF-7"?><a/>`},
		{"UTF-16", "\xff\xfe<\x00a\x00/\x00>\x00"},
		{"DOCTYPE", "<!DOCTYPE a><a/>"},
		{"internal entity", `<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>`},
		{"external entity", `<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>`},
		{"parameter entity", `<!DOCTYPE a [<!ENTITY % e SYSTEM "http://example.com/e"> %e;]><a/>`},
		{"declaration in an element", "<a><!ENTITY e ''></a>"},
		{"undeclared prefix", "<x:a/>"},
		{"undeclared prefix of an attribute", `<a x:b="1"/>`},
		{"prefix that is declared beside", `<a><b xmlns:x="u"/><x:c/></a>`},
		{"prefix bound to nothing", `<a xmlns:x=""/>`},
		{"prefix xmlns declared", `<a xmlns:xmlns="u"/>`},
		{"prefix xml bound to another namespace", `<a xmlns:xml="u"/>`},
		{"another prefix bound to xml's namespace", `<a xmlns:x="http://www.w3.org/XML/1998/namespace"/>`},
		{"the namespace of xmlns", `<a xmlns="http://www.w3.org/2000/xmlns/"/>`},
		{"element with the prefix xmlns", "<xmlns:a/>"},
		{"namespace with white space", "<a xmlns='\tu'/>"},
		{"prefix bound to a namespace with white space", `<x:a xmlns:x="u&#10;v"/>`},
		{"namespace declared twice", `<a xmlns:x="u" xmlns:x="v"/>`},
		{"two colons in a name (CVE-2020-29511)", `<a xmlns:x="u"><x::b/></a>`},
		{"three parts in a name", `<a xmlns:x="u"><x:y:b/></a>`},
		{"empty prefix (CVE-2020-29509)", `<a :b="1"/>`},
		{"empty local name (CVE-2020-29509)", `<a xmlns:x="u" x:="1"/>`},
		{"directive with a comment (CVE-2020-29510)", "<!x<!-- -->><a/>"},
		{"name that is not ASCII", "<\u00e9/>"},
		{"name with a digit first", "<1/>"},
		{"too deep", deep(65)},
		{"too many attributes", attributes(65)},
		{"too many elements", "<a>" + strings.Repeat("<b/>", 20_000) + "</a>"},
		{"too large", "<a>" + strings.Repeat(" ", 100_000) + "</a>"},
	}
	for _, test := range tests {
		if e, err := strictxml.Parse([]byte(test.document), strictxml.Message); err == nil {
			t.Errorf("%s: accepted as %s", test.name, e.Local)
		}
	}
	for _, document := range []string{deep(64), attributes(64), "<a>" + strings.Repeat("<b/>", 19_999) + "</a>"} {
		if _, err := strictxml.Parse([]byte(document), strictxml.Message); err != nil {
			t.Errorf("%.20s…: %v", document, err)
		}
	}
}

func TestParseText(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, document, want string }{
		{"references", "<a>&lt;&#65;&#x1F600;&amp;lt;</a>", "<A\U0001F600&lt;"},
		{"CDATA", "<a>x<![CDATA[<&amp;]]>y</a>", "x<&amp;y"},
		{"line ends", "<a>1\r\n2\r3\n4&#13;5</a>", "1\n2\n3\n4\r5"},
		{"empty", "<a/>", ""},
		{"spaces", "<a> x </a>", " x "},
	}
	for _, test := range tests {
		if got, err := parse(t, test.document).Text(); err != nil || got != test.want {
			t.Errorf("%s: %q, %v, want %q", test.name, got, err, test.want)
		}
	}
	if _, err := parse(t, "<a>x<b/>y</a>").Text(); err == nil {
		t.Error("a text with elements in it is accepted")
	}
}

func TestRemarksInMetadata(t *testing.T) {
	t.Parallel()
	e, err := strictxml.Parse([]byte("<?xml version='1.0'?><!-- a --><?p ?><a>x<!-- y -->z<?p q?></a><!-- b -->"), strictxml.Metadata)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := e.Text(); err != nil || text != "xz" {
		t.Errorf("text %q, %v, want xz", text, err)
	}
	for _, document := range []string{"<a><!-- -- --></a>", "<a><!-- --->x</a>", "<a><!-- </a>", "<a><?xml ?></a>", "<a><?p </a>"} {
		if _, err := strictxml.Parse([]byte(document), strictxml.Metadata); err == nil {
			t.Errorf("%s is accepted", document)
		}
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	outer := parse(t, `<r xmlns="urn:d" xmlns:x="urn:x"><s xmlns:x="urn:y"/></r>`)
	e, err := strictxml.Parse([]byte("<x:a><b/></x:a>"), strictxml.Message, find(outer, "s").InScope()...)
	if err != nil || !e.Is("urn:y", "a") || !find(e, "b").Is("urn:d", "b") {
		t.Fatalf("%+v, %v", e, err)
	}
	got, err := e.Canonical(strictxml.Form{}, nil)
	if want := `<x:a xmlns:x="urn:y"><b xmlns="urn:d"></b></x:a>`; err != nil || string(got) != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}

func TestCheckIDs(t *testing.T) {
	t.Parallel()
	for _, document := range []string{
		`<a ID="1"><b ID="1"/></a>`, `<a ID="1"><b Id="1"/></a>`, `<a ID="1"><b id="1"/></a>`,
		`<a ID="1"><b xml:id="1"/></a>`, `<a ID="1" id="1"/>`,
	} {
		if parse(t, document).CheckIDs() == nil {
			t.Errorf("%s is accepted", document)
		}
	}
	if err := parse(t, `<a ID="1"><b ID="2" InResponseTo="1"/></a>`).CheckIDs(); err != nil {
		t.Error(err)
	}
}

// TestCanonicalSize has a document whose canonical form would repeat a long namespace for
// each of many elements.
func TestCanonicalSize(t *testing.T) {
	t.Parallel()
	document := `<a xmlns:x="` + strings.Repeat("u", 10_000) + `">` + strings.Repeat("<x:b/>", 5_000) + "</a>"
	if got, err := parse(t, document).Canonical(strictxml.Form{}, nil); err == nil {
		t.Errorf("a canonical form of %d bytes is accepted", len(got))
	}
}

// FuzzParse wants the parser to accept no document that encoding/xml reads in another way,
// and canonical forms to be stable.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`<?xml version="1.0"?><a b="1" xmlns:x="u"><x:c>t&amp;<![CDATA[<]]></x:c></a>`,
		"<a>\r\n&#13;</a>", `<a xmlns="u"><b xmlns=""/></a>`, "<a:b xmlns:a='u' a:c='\td'/>", "<a xmlns='\tu'/>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		root, err := strictxml.Parse(document, strictxml.Message)
		if err != nil {
			return
		}
		canonical, err := root.Canonical(strictxml.Form{}, nil)
		if err != nil {
			return
		}
		again, err := strictxml.Parse(canonical, strictxml.Message)
		if err != nil {
			if len(canonical) <= strictxml.Message.Bytes {
				t.Fatalf("the canonical form %q of %q is rejected: %v", canonical, document, err)
			}
			return
		}
		twice, err := again.Canonical(strictxml.Form{}, nil)
		if err != nil || !bytes.Equal(canonical, twice) {
			t.Fatalf("the canonical form of %q is not stable: %q, %q, %v", document, canonical, twice, err)
		}
		if want, got := tokens(t, document), tokens(t, canonical); want != got {
			t.Fatalf("encoding/xml reads %q as\n%s\nand its canonical form %q as\n%s", document, want, canonical, got)
		}
	})
}

// tokens returns what encoding/xml reads: names, attributes and texts.
func tokens(t *testing.T, document []byte) string {
	t.Helper()
	var b strings.Builder
	// encoding/xml does not normalize the line ends and white space of attributes; and it
	// knows one encoding.
	decoder := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(document, []byte("\uFEFF"))))
	decoder.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return strings.TrimSpace(b.String())
		}
		if err != nil {
			t.Fatalf("encoding/xml rejects %q: %v", document, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			b.WriteString("\n<" + token.Name.Space + "|" + token.Name.Local)
			n := 0
			for _, a := range token.Attr {
				if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
					n += len(a.Name.Space) + len(a.Name.Local)
				}
			}
			b.WriteString(strings.Repeat("@", n) + ">\n")
		case xml.EndElement:
			b.WriteString("\n</" + token.Name.Local + ">\n")
		case xml.CharData:
			b.Write(bytes.ReplaceAll(token, []byte("\n"), []byte("\r")))
		}
	}
}
