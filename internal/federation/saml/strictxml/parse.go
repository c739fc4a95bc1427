package strictxml

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	space    = " \t\r\n"
	xmlSpace = "http://www.w3.org/XML/1998/namespace"
	xmlnsURI = "http://www.w3.org/2000/xmlns/"
)

// Limits bound a document.
type Limits struct {
	Bytes, Depth, Nodes, Attributes int
	// Remarks accepts comments and processing instructions, and drops them.
	Remarks bool
}

// Message bounds what strangers send. It rejects comments, which have hidden the end of a
// name from other service providers (CVE-2017-11427 and its kind).
var Message = Limits{Bytes: 100_000, Depth: 64, Nodes: 20_000, Attributes: 64}

// Metadata bounds what administrators configure.
var Metadata = Limits{Bytes: 1 << 20, Depth: 64, Nodes: 20_000, Attributes: 64, Remarks: true}

// Parse returns the root element of a document. The context has the namespaces that are in
// scope around the document, if it was cut from another one.
func Parse(document []byte, limits Limits, context ...Namespace) (*Element, error) {
	if len(document) > limits.Bytes {
		return nil, errors.New("XML: the document is too large")
	}
	p := &parser{text: string(document), limits: limits, context: context}
	if err := p.checkCharacters(); err != nil {
		return nil, p.fail(err)
	}
	root, err := p.document()
	if err != nil {
		return nil, p.fail(err)
	}
	return root, nil
}

type parser struct {
	text    string
	at      int
	limits  Limits
	nodes   int
	context []Namespace
}

func (p *parser) fail(err error) error { return fmt.Errorf("XML: %w (byte %d)", err, p.at) }

// checkCharacters accepts UTF-8 and the characters of XML 1.0 §2.2.
func (p *parser) checkCharacters() error {
	if !utf8.ValidString(p.text) {
		return errors.New("the document is not UTF-8")
	}
	for i := range len(p.text) {
		c := p.text[i]
		if c < 0x20 && c != '\t' && c != '\n' && c != '\r' || c == 0xEF && isNoncharacter(p.text[i:]) {
			p.at = i
			return errors.New("forbidden character")
		}
	}
	return nil
}

// isNoncharacter reports whether a text begins with U+FFFE or U+FFFF.
func isNoncharacter(s string) bool { return s[1] == 0xBF && (s[2] == 0xBE || s[2] == 0xBF) }

func (p *parser) rest() string { return p.text[p.at:] }

func (p *parser) skipSpace() bool {
	start := p.at
	for p.at < len(p.text) && isSpace(p.text[p.at]) {
		p.at++
	}
	return p.at > start
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// skip moves behind a literal, if that comes next.
func (p *parser) skip(literal string) bool {
	if !strings.HasPrefix(p.rest(), literal) {
		return false
	}
	p.at += len(literal)
	return true
}

func (p *parser) document() (*Element, error) {
	p.skip("\uFEFF")
	if err := p.declaration(); err != nil {
		return nil, err
	}
	if err := p.between(); err != nil {
		return nil, err
	}
	root, err := p.tree()
	if err != nil {
		return nil, err
	}
	if err := p.between(); err != nil {
		return nil, err
	}
	if p.at < len(p.text) {
		return nil, errors.New("something follows the root element")
	}
	return root, nil
}

// declaration reads the XML declaration (XML 1.0 §2.8), which may be absent.
func (p *parser) declaration() error {
	const start = "<?xml"
	if !strings.HasPrefix(p.rest(), start) || len(p.rest()) == len(start) || !isSpace(p.rest()[len(start)]) {
		return nil
	}
	p.at += len(start)
	for i, name := range []string{"version", "encoding", "standalone"} {
		begin := p.at
		separated := p.skipSpace()
		if !separated || !p.skip(name) {
			if i == 0 {
				return errors.New("the XML declaration has no version")
			}
			p.at = begin
			continue
		}
		p.skipSpace()
		if !p.skip("=") {
			return errors.New("malformed XML declaration")
		}
		p.skipSpace()
		value, err := p.quoted()
		if err != nil {
			return err
		}
		switch {
		case name == "version" && value != "1.0":
			return errors.New("only XML 1.0 is supported")
		case name == "encoding" && !strings.EqualFold(value, "UTF-8") && !strings.EqualFold(value, "US-ASCII"):
			return errors.New("only the encoding UTF-8 is supported")
		case name == "standalone" && value != "yes" && value != "no":
			return errors.New("malformed XML declaration")
		}
	}
	p.skipSpace()
	if !p.skip("?>") {
		return errors.New("malformed XML declaration")
	}
	return nil
}

// between reads white space, and remarks where they are accepted.
func (p *parser) between() error {
	for {
		p.skipSpace()
		if !strings.HasPrefix(p.rest(), "<!") && !strings.HasPrefix(p.rest(), "<?") {
			return nil
		}
		if err := p.remark(); err != nil {
			return err
		}
	}
}

// remark drops a comment or a processing instruction.
func (p *parser) remark() error {
	switch {
	case p.skip("<!--"):
		if !p.limits.Remarks {
			return errors.New("comments are not accepted")
		}
		end := strings.Index(p.rest(), "--")
		if end < 0 || !strings.HasPrefix(p.rest()[end:], "-->") {
			return errors.New("malformed comment")
		}
		p.at += end + len("-->")
	case p.skip("<?"):
		if !p.limits.Remarks {
			return errors.New("processing instructions are not accepted")
		}
		target, err := p.name()
		if err != nil {
			return err
		}
		end := strings.Index(p.rest(), "?>")
		if end < 0 || strings.EqualFold(target, "xml") || end > 0 && !isSpace(p.rest()[0]) {
			return errors.New("malformed processing instruction")
		}
		p.at += end + len("?>")
	default:
		return errors.New("a DOCTYPE or another declaration is not accepted")
	}
	return nil
}

// tree reads the root element with all that is in it. It keeps its own stack, so that a
// document cannot exhaust the goroutine's.
func (p *parser) tree() (*Element, error) {
	root, empty, err := p.startTag(nil)
	if err != nil || empty {
		return root, err
	}
	current, depth := root, 1
	for current != nil {
		rest := p.rest()
		switch {
		case rest == "":
			return nil, errors.New("the document ends within an element")
		case rest[0] != '<':
			err = p.characters(current)
		case strings.HasPrefix(rest, "</"):
			if err = p.endTag(current); err == nil {
				current, depth = current.Parent, depth-1
			}
		case strings.HasPrefix(rest, "<![CDATA["):
			err = p.cdata(current)
		case strings.HasPrefix(rest, "<!"), strings.HasPrefix(rest, "<?"):
			err = p.remark()
		default:
			if depth >= p.limits.Depth {
				return nil, errors.New("the elements are too deep")
			}
			var child *Element
			if child, empty, err = p.startTag(current); err == nil && !empty {
				current, depth = child, depth+1
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return root, nil
}

func (p *parser) count() error {
	p.nodes++
	if p.nodes > p.limits.Nodes {
		return errors.New("too many elements")
	}
	return nil
}

// startTag reads a start tag, or an empty element, and appends it to its parent.
func (p *parser) startTag(parent *Element) (e *Element, empty bool, err error) {
	if err := p.count(); err != nil {
		return nil, false, err
	}
	if !p.skip("<") {
		return nil, false, errors.New("no element")
	}
	e = &Element{Parent: parent}
	if parent == nil {
		e.context = p.context
	} else {
		parent.Content = append(parent.Content, Node{Element: e})
	}
	if e.Prefix, e.Local, err = p.qualifiedName(); err != nil {
		return nil, false, err
	}
	for {
		separated := p.skipSpace()
		switch {
		case p.skip("/>"):
			return e, true, e.bindNames()
		case p.skip(">"):
			return e, false, e.bindNames()
		case !separated:
			return nil, false, errors.New("malformed start tag")
		}
		if err := p.attribute(e); err != nil {
			return nil, false, err
		}
		if len(e.Attributes)+len(e.Declared) > p.limits.Attributes {
			return nil, false, errors.New("too many attributes")
		}
	}
}

func (p *parser) endTag(e *Element) error {
	p.at += len("</")
	prefix, local, err := p.qualifiedName()
	if err != nil {
		return err
	}
	p.skipSpace()
	if !p.skip(">") || prefix != e.Prefix || local != e.Local {
		return fmt.Errorf("the end tag of %s is missing", e.Local)
	}
	return nil
}

func (p *parser) attribute(e *Element) error {
	prefix, local, err := p.qualifiedName()
	if err != nil {
		return err
	}
	p.skipSpace()
	if !p.skip("=") {
		return errors.New("an attribute has no value")
	}
	p.skipSpace()
	raw, err := p.quoted()
	if err != nil {
		return err
	}
	if strings.Contains(raw, "<") {
		return errors.New("an attribute contains <")
	}
	value, err := expand(raw, true)
	if err != nil {
		return err
	}
	switch {
	case prefix == "xmlns":
		return e.declare(local, value)
	case prefix == "" && local == "xmlns":
		return e.declare("", value)
	}
	e.Attributes = append(e.Attributes, Attribute{Prefix: prefix, Local: local, Value: value})
	return nil
}

// declare adds a namespace (Namespaces in XML 1.0 §3 and §5).
func (e *Element) declare(prefix, uri string) error {
	switch {
	case prefix == "xmlns" || uri == xmlnsURI || (prefix == "xml") != (uri == xmlSpace):
		return errors.New("a reserved namespace is declared")
	case uri == "" && prefix != "":
		return errors.New("a prefix is bound to no namespace")
	case strings.ContainsAny(uri, " \t\r\n"): // Parsers normalize it or do not, and it is in no URI.
		return errors.New("a namespace has white space")
	case prefix == "xml":
		return nil // It is bound anyway.
	}
	if _, ok := bound(e.Declared, prefix); ok {
		return errors.New("a namespace is declared twice")
	}
	e.Declared = append(e.Declared, Namespace{prefix, uri})
	return nil
}

// bindNames finds the namespaces of an element and its attributes, and rejects an attribute
// that occurs twice (Namespaces in XML 1.0 §6.3).
func (e *Element) bindNames() error {
	var ok bool
	if e.Space, ok = e.resolve(e.Prefix); !ok || e.Prefix == "xmlns" {
		return fmt.Errorf("the prefix %s is not declared", e.Prefix)
	}
	for i := range e.Attributes {
		a := &e.Attributes[i]
		if a.Prefix != "" {
			if a.Space, ok = e.resolve(a.Prefix); !ok {
				return fmt.Errorf("the prefix %s is not declared", a.Prefix)
			}
		}
		for _, other := range e.Attributes[:i] {
			if other.Local == a.Local && other.Space == a.Space {
				return fmt.Errorf("the attribute %s is repeated", a.Local)
			}
		}
	}
	return nil
}

func (p *parser) qualifiedName() (prefix, local string, err error) {
	local, err = p.name()
	if err == nil && p.skip(":") {
		prefix = local
		local, err = p.name()
	}
	return prefix, local, err
}

// name reads an NCName of ASCII characters. Versions of XML disagree about all others.
func (p *parser) name() (string, error) {
	start := p.at
	for p.at < len(p.text) && isNameByte(p.text[p.at], p.at == start) {
		p.at++
	}
	if p.at == start {
		return "", errors.New("malformed name")
	}
	return p.text[start:p.at], nil
}

func isNameByte(c byte, first bool) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
		return true
	case '0' <= c && c <= '9', c == '-', c == '.':
		return !first
	}
	return false
}

// IsName reports whether a text is an NCName of ASCII characters, such as an xs:ID.
func IsName(s string) bool {
	for i := range len(s) {
		if !isNameByte(s[i], i == 0) {
			return false
		}
	}
	return s != ""
}

// quoted reads a text between two quotation marks, as it is written.
func (p *parser) quoted() (string, error) {
	if p.at == len(p.text) || p.text[p.at] != '"' && p.text[p.at] != '\'' {
		return "", errors.New("a value is not quoted")
	}
	quote := p.text[p.at]
	p.at++
	end := strings.IndexByte(p.rest(), quote)
	if end < 0 {
		return "", errors.New("a quotation mark is missing")
	}
	value := p.text[p.at : p.at+end]
	p.at += end + 1
	return value, nil
}

// characters reads text up to the next tag.
func (p *parser) characters(e *Element) error {
	end := strings.IndexByte(p.rest(), '<')
	if end < 0 {
		end = len(p.rest())
	}
	raw := p.text[p.at : p.at+end]
	if strings.Contains(raw, "]]>") {
		return errors.New("a text contains ]]>")
	}
	text, err := expand(raw, false)
	if err != nil {
		return err
	}
	p.at += end
	return p.appendText(e, text)
}

func (p *parser) cdata(e *Element) error {
	p.at += len("<![CDATA[")
	end := strings.Index(p.rest(), "]]>")
	if end < 0 {
		return errors.New("a CDATA section does not end")
	}
	text := newLines(p.text[p.at : p.at+end])
	p.at += end + len("]]>")
	return p.appendText(e, text)
}

// appendText adds a text to an element. It does not join texts: that would copy the first
// one again and again.
func (p *parser) appendText(e *Element, text string) error {
	if text == "" {
		return nil
	}
	e.Content = append(e.Content, Node{Text: text})
	return p.count()
}

// newLines replaces line ends by \n (XML 1.0 §2.11).
func newLines(s string) string {
	if !strings.Contains(s, "\r") {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

var whiteToSpace = strings.NewReplacer("\n", " ", "\t", " ")

// expand replaces references by characters (XML 1.0 §4.1), and normalizes line ends and the
// white space of attributes (§3.3.3).
func expand(raw string, attribute bool) (string, error) {
	raw = newLines(raw)
	if attribute && strings.ContainsAny(raw, "\n\t") {
		raw = whiteToSpace.Replace(raw)
	}
	if !strings.Contains(raw, "&") {
		return raw, nil
	}
	var b strings.Builder
	b.Grow(len(raw))
	for {
		plain, after, found := strings.Cut(raw, "&")
		b.WriteString(plain)
		if !found {
			return b.String(), nil
		}
		reference, rest, ended := strings.Cut(after, ";")
		r, ok := character(reference)
		if !ended || !ok {
			return "", errors.New("an unknown entity or a malformed reference")
		}
		b.WriteRune(r)
		raw = rest
	}
}

// character returns what a reference between & and ; stands for.
func character(reference string) (rune, bool) {
	switch reference {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	digits, base := strings.TrimPrefix(reference, "#"), 10
	if digits == reference {
		return 0, false
	}
	if hexadecimal, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hexadecimal, 16
	}
	// ParseUint takes no sign, and no underscore if the base is given.
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > utf8.MaxRune {
		return 0, false
	}
	r := rune(n)
	isControl := r < 0x20 && r != '\t' && r != '\n' && r != '\r'
	return r, utf8.ValidRune(r) && !isControl && r != 0xFFFE && r != 0xFFFF
}
