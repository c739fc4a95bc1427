package strictxml

import (
	"cmp"
	"errors"
	"slices"
	"strings"
)

// Form is a canonical form of XML. The forms with comments are equal to those without: parsed
// documents contain no comments.
type Form struct {
	// Inclusive chooses Canonical XML 1.0 or 1.1, not Exclusive XML Canonicalization 1.0.
	Inclusive bool
	// Prefixes are the InclusiveNamespaces PrefixList of the exclusive form.
	Prefixes []string
}

// MaxCanonical bounds a canonical form: it repeats namespaces that the document declares once.
const MaxCanonical = 400_000

var errLong = errors.New("XML: the canonical form is too large")

var errXMLAttribute = errors.New("XML: an xml: attribute is outside of what is canonicalized")

// Canonical returns the canonical form of the element with all that is in it, except for
// one child element.
func (e *Element) Canonical(form Form, except *Element) ([]byte, error) {
	w := &canonicalizer{form: form, except: except, out: make([]byte, 0, 4096)}
	if form.Inclusive {
		// The two inclusive forms inherit these attributes by different rules.
		for at := e.Parent; at != nil; at = at.Parent {
			for _, a := range at.Attributes {
				if a.Space == xmlSpace {
					return nil, errXMLAttribute
				}
			}
		}
	}
	w.element(e, true)
	if len(w.out) > MaxCanonical {
		return nil, errLong
	}
	return w.out, nil
}

type canonicalizer struct {
	form     Form
	except   *Element
	out      []byte
	rendered []Namespace
}

// element writes an element. The depth of documents is bounded by the parser.
func (w *canonicalizer) element(e *Element, apex bool) {
	if len(w.out) > MaxCanonical {
		return
	}
	scope := len(w.rendered)
	w.startTag(e, apex)
	for i := range e.Content {
		switch n := &e.Content[i]; {
		case n.Element == nil:
			w.out = AppendText(w.out, n.Text)
		case n.Element != w.except:
			w.element(n.Element, false)
		}
	}
	w.out = append(w.out, "</"...)
	w.name(e.Prefix, e.Local)
	w.out = append(w.out, '>')
	w.rendered = w.rendered[:scope]
}

func (w *canonicalizer) startTag(e *Element, apex bool) {
	w.out = append(w.out, '<')
	w.name(e.Prefix, e.Local)
	first := len(w.rendered)
	w.namespaces(e, apex)
	for _, n := range w.rendered[first:] {
		w.out = append(w.out, " xmlns"...)
		if n.Prefix != "" {
			w.out = append(append(w.out, ':'), n.Prefix...)
		}
		w.value(n.URI)
	}
	attributes := e.Attributes
	if len(attributes) > 1 {
		attributes = slices.SortedFunc(slices.Values(attributes), func(a, b Attribute) int {
			return cmp.Or(strings.Compare(a.Space, b.Space), strings.Compare(a.Local, b.Local))
		})
	}
	for _, a := range attributes {
		w.out = append(w.out, ' ')
		w.name(a.Prefix, a.Local)
		w.value(a.Value)
	}
	w.out = append(w.out, '>')
}

// namespaces adds to w.rendered what the element has to declare, sorted.
func (w *canonicalizer) namespaces(e *Element, apex bool) {
	first := len(w.rendered)
	switch {
	case w.form.Inclusive && apex:
		for _, n := range e.InScope() {
			w.render(n.Prefix, n.URI)
		}
	case w.form.Inclusive:
		for _, n := range e.Declared {
			w.render(n.Prefix, n.URI)
		}
	default:
		w.render(e.Prefix, e.Space)
		for i := range e.Attributes {
			if a := &e.Attributes[i]; a.Prefix != "" {
				w.render(a.Prefix, a.Space)
			}
		}
		for _, prefix := range w.form.Prefixes {
			if uri, ok := e.resolve(prefix); ok {
				w.render(prefix, uri)
			}
		}
	}
	slices.SortFunc(w.rendered[first:], func(a, b Namespace) int { return strings.Compare(a.Prefix, b.Prefix) })
}

// render adds a namespace unless the output's nearest declaration of the prefix is the same.
func (w *canonicalizer) render(prefix, uri string) {
	if prefix == "xml" {
		return
	}
	if nearest, _ := bound(w.rendered, prefix); nearest != uri {
		w.rendered = append(w.rendered, Namespace{prefix, uri})
	}
}

func (w *canonicalizer) name(prefix, local string) {
	if prefix != "" {
		w.out = append(append(w.out, prefix...), ':')
	}
	w.out = append(w.out, local...)
}

func (w *canonicalizer) value(s string) {
	w.out = append(AppendValue(append(w.out, `="`...), s), '"')
}

// AppendValue appends a text as the value of an attribute between quotation marks.
func AppendValue(b []byte, s string) []byte { return appendEscaped(b, s, "&<\"\t\n\r") }

// AppendText appends a text as character data.
func AppendText(b []byte, s string) []byte { return appendEscaped(b, s, "&<>\r") }

func appendEscaped(b []byte, s, special string) []byte {
	for {
		i := strings.IndexAny(s, special)
		if i < 0 {
			return append(b, s...)
		}
		b = append(b, s[:i]...)
		switch s[i] {
		case '&':
			b = append(b, "&amp;"...)
		case '<':
			b = append(b, "&lt;"...)
		case '>':
			b = append(b, "&gt;"...)
		case '"':
			b = append(b, "&quot;"...)
		case '\t':
			b = append(b, "&#x9;"...)
		case '\n':
			b = append(b, "&#xA;"...)
		case '\r':
			b = append(b, "&#xD;"...)
		}
		s = s[i+1:]
	}
}
