package policy

// A Request is an operation to decide on.
type Request struct {
	// Action is "service:Operation". It compares without case.
	Action string
	// Resource is an ARN, or "*" for operations without a resource.
	Resource string
	// Principal is the caller. Only documents that name principals look at it.
	Principal Principal
	// ResourceAccount is the account that owns the resource. "" is the principal's own
	// account. If it is another account, both sides must allow the request.
	ResourceAccount string
	Context         Context
}

// Layers are all documents that apply to a request. Documents of one layer count
// together; their order does not matter. A nil document, or one whose kind does not
// belong into its layer, denies every request: it cannot be read.
type Layers struct {
	// Identity are the policies of the role, or of the user and its groups.
	Identity []*Document
	// Boundary is the permissions boundary of the user or the role. Without one, the
	// layer is empty and limits nothing.
	Boundary []*Document
	// Session are the inline and managed policies of the session. The union of them
	// must allow the request. Without one, the layer is empty and limits nothing.
	Session []*Document
	// Resource is the policy of the resource.
	Resource []*Document
	// Trust is the trust policy of the role that the request assumes. Unlike other
	// resources, a role is closed to every principal that its policy does not allow.
	Trust []*Document
}

// A Layer is one of the [Layers].
type Layer uint8

// The layers, in the order in which denials are looked for.
const (
	IdentityLayer Layer = iota
	BoundaryLayer
	SessionLayer
	ResourceLayer
	TrustLayer
)

// accepts reports whether documents of a kind belong into the layer.
func (l Layer) accepts(k Kind) bool {
	switch l {
	case ResourceLayer:
		return k == Resource
	case TrustLayer:
		return k == Trust
	}
	return !k.namesPrincipal()
}

// A Decision is the outcome, with the kind of a denial.
type Decision uint8

const (
	// ImplicitDeny is the default: no statement allows the request.
	ImplicitDeny Decision = iota
	// ExplicitDeny means that a statement denies the request, whatever others allow.
	ExplicitDeny
	// Allow means that the layers allow the request, and no statement denies it.
	Allow
)

// String returns the name that the policy simulator uses (IAM API: EvaluationResult).
func (d Decision) String() string {
	switch d {
	case Allow:
		return "allowed"
	case ExplicitDeny:
		return "explicitDeny"
	}
	return "implicitDeny"
}

// A Result is a decision and what decided it.
type Result struct {
	Decision Decision
	// Layer is the layer with the deciding statement, or the first layer that lacks an
	// Allow.
	Layer Layer
	// Document and Index are the deciding statement. Document is nil after an implicit
	// denial, for the root user, and if a nil document denied.
	Document *Document
	// Index counts from 0. It is -1 without a deciding statement.
	Index int
}

// Reason returns the end of AWS's message for a denial, such as "because no
// identity-based policy allows the s3:GetObject action" (IAM User Guide: "Troubleshoot
// access denied error messages"). It is "" for Allow.
func (r Result) Reason(action string) string {
	type phrases struct{ explicit, implicit string }
	p := [...]phrases{
		IdentityLayer: {"an identity-based policy", "identity-based policy"},
		BoundaryLayer: {"a permissions boundary", "permissions boundary"},
		SessionLayer:  {"a session policy", "session policy"},
		ResourceLayer: {"a resource-based policy", "resource-based policy"},
		TrustLayer:    {"the role trust policy", "role trust policy"},
	}[r.Layer]
	switch r.Decision {
	case Allow:
		return ""
	case ExplicitDeny:
		return "with an explicit deny in " + p.explicit
	}
	return "because no " + p.implicit + " allows the " + action + " action"
}

// evaluation is a request in the form that statements compare with.
type evaluation struct {
	*Request
	resource arn
	// limited is true if the principal has a permissions boundary.
	limited bool
}

// outcome is what one layer says.
type outcome struct {
	layer    Layer
	decision Decision
	grant    grant // of a layer that names principals
	document *Document
	index    int
}

func (o outcome) result() Result {
	return Result{Decision: o.decision, Layer: o.layer, Document: o.document, Index: o.index}
}

// layer decides by the documents of one layer. It stops at the first Deny.
func (e *evaluation) layer(l Layer, documents []*Document) outcome {
	out := outcome{layer: l, index: -1}
	for _, d := range documents {
		if d == nil || d.unreadable || len(d.statements) > 0 && !l.accepts(d.kind) {
			return outcome{layer: l, decision: ExplicitDeny, document: d, index: -1}
		}
		for i := range d.statements {
			s := &d.statements[i]
			if !s.deny && out.decision == Allow && (s.principals == nil || out.grant == directGrant) {
				continue // it could add nothing
			}
			g, ok := s.matches(e)
			if !ok {
				continue
			}
			if s.deny {
				return outcome{layer: l, decision: ExplicitDeny, document: d, index: i}
			}
			if out.decision != Allow || g > out.grant {
				out = outcome{layer: l, decision: Allow, grant: g, document: d, index: i}
			}
		}
	}
	return out
}

// matches reports whether the statement applies to the request, and how it grants.
func (s *statement) matches(e *evaluation) (grant, bool) {
	if !s.matchesAction(e) {
		return noGrant, false
	}
	g := noGrant
	switch {
	case s.principals == nil:
	case s.notPrincipal:
		// NotPrincipal denies every principal with a boundary (IAM User Guide:
		// "Permissions boundaries for IAM entities").
		if !e.limited && s.principals.excepts(&e.Principal) {
			return noGrant, false
		}
	default:
		if g = s.principals.match(&e.Principal, s.deny); g == noGrant {
			return noGrant, false
		}
	}
	if len(s.resources) > 0 && !s.matchesResource(e) {
		return noGrant, false
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(&e.Context) {
			return noGrant, false
		}
	}
	return g, true
}

func (s *statement) matchesAction(e *evaluation) bool {
	for i := range s.actions {
		if s.actions[i].match(e.Action, nil) {
			return !s.notAction
		}
	}
	return s.notAction
}

func (s *statement) matchesResource(e *evaluation) bool {
	for i := range s.resources {
		if s.resources[i].match(&e.resource, &e.Context) {
			return !s.notResource
		}
	}
	if !s.notResource || s.deny {
		return s.notResource
	}
	// A variable without a value lists no resource. It must not make an Allow wider.
	for i := range s.resources {
		if !s.resources[i].resolvable(&e.Context) {
			return false
		}
	}
	return true
}

// Evaluate decides a request (IAM User Guide: "Policy evaluation logic"):
//
//   - A Deny in any layer denies.
//   - A role's trust policy must allow.
//   - The Allow of a role's or a resource's policy replaces other layers. It replaces
//     all of them if it names the session, or a user without a session. It replaces
//     the identity policies if it names the session's role, user or provider, or "*".
//     It replaces no layer if it names only the account.
//   - The layers that are not replaced must allow: identity policies, boundary and
//     session policies. The root user needs no identity policy.
//   - A principal of another account than the resource's needs both.
//   - An anonymous caller, a service or a login at a provider has only the policy of the
//     resource or the role.
//
// Evaluate allocates nothing, as long as no pattern has more than eight variables.
func Evaluate(l Layers, r *Request) Result {
	e := evaluation{Request: r, resource: splitARN(r.Resource), limited: len(l.Boundary) > 0}
	identity, boundary, session, resource, trust := e.layers(&l)
	for _, o := range [...]*outcome{&identity, &boundary, &session, &resource, &trust} {
		if o.decision == ExplicitDeny {
			return o.result()
		}
	}
	granted := resource
	if len(l.Trust) > 0 {
		if trust.decision != Allow {
			return trust.result()
		}
		granted = trust
	}
	return e.combine(&l, identity, boundary, session, granted).result()
}

// layers decides by every layer apart.
func (e *evaluation) layers(l *Layers) (identity, boundary, session, resource, trust outcome) {
	identity = e.layer(IdentityLayer, l.Identity)
	if identity.decision == ImplicitDeny && e.Principal.isRoot() {
		identity.decision = Allow
	}
	return identity, e.layer(BoundaryLayer, l.Boundary), e.layer(SessionLayer, l.Session),
		e.layer(ResourceLayer, l.Resource), e.layer(TrustLayer, l.Trust)
}

// combine decides when no statement denies. granted is the policy of the resource or
// the role.
func (e *evaluation) combine(l *Layers, identity, boundary, session, granted outcome) outcome {
	p := &e.Principal
	hasIdentity := p.ARN != "" || p.Session != "" || len(l.Identity) > 0
	other := e.ResourceAccount != "" && e.ResourceAccount != p.Account
	switch {
	case !hasIdentity:
		return granted
	case other && granted.decision != Allow:
		return granted
	case !other && granted.grant == directGrant:
		return granted
	case other || granted.grant < entityGrant:
		if identity.decision != Allow {
			return identity
		}
		granted = identity
	}
	if len(l.Boundary) > 0 && boundary.decision != Allow {
		return boundary
	}
	if len(l.Session) > 0 && session.decision != Allow {
		return session
	}
	return granted
}
