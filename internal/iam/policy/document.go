package policy

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxBytes is the longest document that is read. It is IAM's bound of the parameter;
// the quotas for each kind of policy are lower, and the caller's to check: see
// [Document.Size].
const MaxBytes = 128 << 10

// The versions of the language. The older version is the default and has no variables.
const (
	version2008 = "2008-10-17"
	version2012 = "2012-10-17"
)

// A Kind is a kind of document. It decides which elements a statement must have.
type Kind uint8

const (
	// Identity is a policy of a user, a group or a role. Its statements have Resource
	// and no Principal.
	Identity Kind = iota
	// Session is a policy that limits a session. It has the form of Identity.
	Session
	// Boundary is a permissions boundary. It has the form of Identity.
	Boundary
	// Trust is a role's trust policy. Its statements have Principal and no Resource.
	// NotPrincipal is not available, and only actions of STS are.
	Trust
	// Resource is a policy of a resource other than a role, such as a bucket. Its
	// statements have Resource, and Principal or NotPrincipal.
	Resource
)

// namesPrincipal reports whether statements of this kind have a Principal.
func (k Kind) namesPrincipal() bool { return k == Trust || k == Resource }

// Options are a document's name and the checks that not every caller wants. The zero
// value makes no further check.
type Options struct {
	// Name identifies the document in results, such as its policy's name or ARN.
	Name string
	// SupportedKey, if it is not nil, reports whether requests carry a condition key.
	// Parse then rejects a document that names another key, since its Deny would
	// silently never deny. The key is in lower case. With nil, every key is accepted.
	SupportedKey func(key string) bool
	// Require2012 rejects a document whose Version is not "2012-10-17", as IAM does
	// for managed policies.
	Require2012 bool
}

// A Document is a valid policy. It is immutable, so that requests may share it.
type Document struct {
	kind       Kind
	name       string
	text       string
	unreadable bool
	statements []statement
	principals []PrincipalRef
}

// Kind returns the kind that the document was parsed as.
func (d *Document) Kind() Kind { return d.kind }

// Name returns the name from the options.
func (d *Document) Name() string { return d.name }

// Text returns the document as it was written.
func (d *Document) Text() string { return d.text }

// Len returns the number of statements.
func (d *Document) Len() int { return len(d.statements) }

// Size returns the document's size as IAM's quotas count it: see [Size].
func (d *Document) Size() int { return Size(d.text) }

// Size returns the number of characters of a policy without white space, which IAM
// does not count (IAM User Guide: "IAM and AWS STS quotas").
func Size(text string) int {
	n := utf8.RuneCountInString(text)
	for _, space := range []string{" ", "\t", "\r", "\n"} {
		n -= strings.Count(text, space)
	}
	return n
}

// Principals returns the elements of Principal and NotPrincipal in the order written.
// The package checks their form; whether they exist is the caller's to check, see
// [InvalidPrincipal].
func (d *Document) Principals() []PrincipalRef { return slices.Clone(d.principals) }

// Statement returns the text of the statement with the index i, from 0, and its place.
// The end is the position after the statement's last character.
func (d *Document) Statement(i int) (text string, start, end Position) {
	s := &d.statements[i]
	return d.text[s.start:s.end], position(d.text, s.start), position(d.text, s.end)
}

// ContextKeys returns the condition keys that the document names in its conditions and
// variables. Keys that differ only in case are one. The list is sorted.
func (d *Document) ContextKeys() []string {
	k := keyList{}
	for i := range d.statements {
		d.statements[i].each(func(key string, _ bool) { k.add(key) })
	}
	return k.sorted()
}

// Unmatched returns the first action of the document that matches no known action, or
// "". Such an action is a mistake.
func (d *Document) Unmatched(known []string) string {
	for i := range d.statements {
		s := &d.statements[i]
		for j := range s.actions {
			means := func(name string) bool { return s.actions[j].match(name, nil) }
			if !slices.ContainsFunc(known, means) {
				return s.names[j]
			}
		}
	}
	return ""
}

// Requiring returns the document without the Allow statements that accept every value of a
// condition key. What is left allows only requests whose value a condition names.
func (d *Document) Requiring(key string) *Document {
	narrow := *d
	narrow.statements = nil
	lower := strings.ToLower(key)
	limits := func(c condition) bool {
		return c.key == lower && !c.ifExists && !c.operator.negated && c.operator.family != nullFamily && c.set != forAllValues
	}
	for _, s := range d.statements {
		if s.deny || slices.ContainsFunc(s.conditions, limits) {
			narrow.statements = append(narrow.statements, s)
		}
	}
	return &narrow
}

// Unreadable returns a document that stands for a stored one that can no longer be
// read. It denies every request explicitly, in every layer: the stored document could
// have denied it.
func Unreadable(name string) *Document { return &Document{name: name, unreadable: true} }

// Empty returns a document without statements, which no text can have. It allows
// nothing and denies nothing. It is the session layer of a federated user whose
// session has no policy.
func Empty(name string) *Document { return &Document{name: name} }

// keyList collects condition keys.
type keyList map[string]string // by the key in lower case, the key as first written

func (k keyList) add(name string) {
	lower := strings.ToLower(name)
	if _, ok := k[lower]; !ok {
		k[lower] = name
	}
}

// sorted returns the keys as written, in the order of the keys in lower case.
func (k keyList) sorted() []string {
	names := make([]string, 0, len(k))
	for _, lower := range slices.Sorted(maps.Keys(k)) {
		names = append(names, k[lower])
	}
	return names
}
