package wire

import (
	"strings"

	"cognate/internal/api"
	"cognate/internal/audit/trail"
	"cognate/internal/iam"
	"cognate/internal/iam/session"
)

// record stores the record of an exchange. refusal is the error that the client may see, or nil. An
// error means that the answer must not be sent.
func (x *exchange) record(refusal *api.Error) error {
	if x.config.Trail == nil || x.binding == nil {
		return nil // A request without an operation is not recorded.
	}
	c := &trail.Call{Operation: x.binding.Operation, Input: x.in, Caller: x.caller(), TLS: x.r.TLS}
	if refusal == nil {
		c.Output = x.out
	} else {
		c.Code, c.Message = refusal.Code, refusal.Message
	}
	return x.config.Trail.RecordCall(x.r.Context(), c)
}

// caller describes the principal of an exchange.
func (x *exchange) caller() trail.Caller {
	p := x.principal
	if p == nil {
		c := trail.Caller{Type: trail.CallerUnknown}
		// The claim is a stranger's text: only one with the form of an id is recorded.
		if id := x.event.Facts().ClaimedKey; isKeyForm(id) {
			c.AccessKey = id
		}
		return c
	}
	c := trail.Caller{Type: trail.CallerUser, ID: p.ID, ARN: p.ARN, Name: p.Name, AccessKey: p.AccessKeyID}
	d := p.Session
	switch {
	case d == nil && p.IsRoot():
		c.Type = trail.CallerRoot
	case d == nil:
	case d.Kind == session.AssumedRole:
		c.Type, c.Name, c.Role, c.RoleID, c.Since = trail.CallerRole, d.Name, d.Role, d.RoleID, d.Issued
	case d.Kind == session.FederatedUser:
		c.Type, c.Name, c.Since = trail.CallerFederated, d.Name, d.Issued
	default:
		c.Since = d.Issued
		if p.IsRoot() {
			c.Type = trail.CallerRoot
		}
	}
	return c
}

// isKeyForm reports whether a text has the form of the id of an access key.
func isKeyForm(id string) bool {
	if iam.IsAccessKeyID(id) {
		return true
	}
	rest, ok := strings.CutPrefix(id, "ASIA")
	return ok && iam.IsAccessKeyID("AKIA"+rest)
}
