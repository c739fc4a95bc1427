package policy

// A Match is a statement that applies to a request.
type Match struct {
	Layer    Layer
	Document *Document
	// Index is the statement's place in the document, from 0.
	Index int
	Sid   string
	Deny  bool
	// Start and End are the statement's place in the document's text. End is the
	// position after the statement's last character.
	Start, End Position
}

// An Explanation is a result with its grounds.
type Explanation struct {
	Result
	// Decisions are what the layers say apart. A layer without documents is absent.
	Decisions map[Layer]Decision
	// Matches are the statements that applied. After an explicit denial they are the
	// denying statements alone, else the allowing ones.
	Matches []Match
	// Missing are the condition keys that statements about the request's action and
	// principal name, and that the request does not carry. A variable with a default
	// needs no key. The list is sorted.
	Missing []string
}

// Explain decides as [Evaluate] does, and says by which statements.
func Explain(l Layers, r *Request) Explanation {
	x := Explanation{Result: Evaluate(l, r), Decisions: map[Layer]Decision{}}
	e := evaluation{Request: r, resource: splitARN(r.Resource), limited: len(l.Boundary) > 0}
	missing := keyList{}
	for layer, documents := range [...][]*Document{
		IdentityLayer: l.Identity, BoundaryLayer: l.Boundary, SessionLayer: l.Session, ResourceLayer: l.Resource, TrustLayer: l.Trust,
	} {
		if len(documents) == 0 {
			continue
		}
		x.Decisions[Layer(layer)] = e.layer(Layer(layer), documents).decision
		for _, d := range documents {
			if d == nil || !Layer(layer).accepts(d.kind) {
				continue
			}
			for i := range d.statements {
				s := &d.statements[i]
				if s.concerns(&e) {
					s.each(func(key string, required bool) {
						if required && len(r.Context.Get(key)) == 0 {
							missing.add(key)
						}
					})
				}
				if _, ok := s.matches(&e); ok && s.deny == (x.Decision == ExplicitDeny) {
					x.Matches = append(x.Matches, d.found(Layer(layer), i))
				}
			}
		}
	}
	x.Missing = missing.sorted()
	return x
}

func (d *Document) found(l Layer, i int) Match {
	s := &d.statements[i]
	_, start, end := d.Statement(i)
	return Match{Layer: l, Document: d, Index: i, Sid: s.sid, Deny: s.deny, Start: start, End: end}
}

// concerns reports whether the statement is about the request's action and principal.
func (s *statement) concerns(e *evaluation) bool {
	if !s.matchesAction(e) {
		return false
	}
	return s.principals == nil || s.notPrincipal || s.principals.match(&e.Principal, s.deny) != noGrant
}

// each calls f for every condition key that the statement names, as written. A variable
// with a default does not require its key.
func (s *statement) each(f func(key string, required bool)) {
	variable := func(v *piece) { f(v.name, !v.hasDefault) }
	for i := range s.resources {
		s.resources[i].each(variable)
	}
	for i := range s.conditions {
		f(s.conditions[i].name, true)
		for j := range s.conditions[i].operands {
			s.conditions[i].operands[j].each(variable)
		}
	}
}
