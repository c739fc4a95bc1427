package saml

import (
	"slices"

	"cognate/internal/federation/saml/strictxml"
)

// writer writes the XML of the service provider itself.
type writer struct{ b []byte }

func newWriter() *writer { return &writer{[]byte(`<?xml version="1.0" encoding="UTF-8"?>`)} }

func (w *writer) bytes() []byte { return w.b }

// open writes a start tag. The attributes are pairs of a name and a value.
func (w *writer) open(name string, attributes ...string) {
	w.b = append(append(w.b, '<'), name...)
	for pair := range slices.Chunk(attributes, 2) {
		w.b = append(append(append(w.b, ' '), pair[0]...), `="`...)
		w.b = append(strictxml.AppendValue(w.b, pair[1]), '"')
	}
	w.b = append(w.b, '>')
}

func (w *writer) close(name string) {
	w.b = append(append(append(w.b, "</"...), name...), '>')
}

// text writes an element that contains a text.
func (w *writer) text(name, text string, attributes ...string) {
	w.open(name, attributes...)
	w.b = strictxml.AppendText(w.b, text)
	w.close(name)
}
