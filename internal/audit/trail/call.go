package trail

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/awsjson"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/store"
)

// The types of callers.
const (
	CallerRoot      = "Root"
	CallerUser      = "IAMUser"
	CallerRole      = "AssumedRole"
	CallerFederated = "FederatedUser"
	// CallerUnknown is a caller of a public operation, or one whose signature was refused.
	CallerUnknown = "Unknown"
)

// A Caller is the identity that a request was signed by.
type Caller struct {
	Type string
	// ID is aws:userid, and ARN is that of the user or of the session.
	ID, ARN string
	// Name is the name of a user, or of a session.
	Name string
	// AccessKey is the key of the signature. It is a mere claim if Type is CallerUnknown.
	AccessKey string
	// Role and RoleID are the role of a session, or "".
	Role, RoleID string
	// Since is when the session began.
	Since time.Time
}

// A Call is an operation that was answered or refused.
type Call struct {
	Operation *api.Operation
	// Input and Output are the generated structures. Input is nil if it could not be read or
	// the caller was refused before, Output is nil after a refusal.
	Input, Output any
	Caller        Caller
	// Code and Message are those of the refusal, or "".
	Code, Message string
	TLS           *tls.ConnectionState
}

// RecordCall stores the record of a call. It returns an error only if the answer of the call must
// not be sent without the record.
func (t *Trail) RecordCall(ctx context.Context, c *Call) error {
	if t == nil {
		return nil
	}
	r, facts, op := api.RequestFrom(ctx), audit.From(ctx).Facts(), c.Operation
	if c.Caller.Type == CallerUnknown && facts.Reason == api.ReasonRateLimited {
		return nil // A flood of strangers must not cause writes. The log has these requests.
	}
	e := &store.AuditEvent{
		At: r.Time, Kind: KindCall, Source: op.Service.Name + ".amazonaws.com", Name: op.Name, ReadOnly: isReadOnly(op),
		Region: clip(r.Region), PoolID: clip(facts.Pool), AccessKey: clip(c.Caller.AccessKey), Error: c.Code, RequestID: r.ID,
		Sub: subjectOf(facts),
	}
	if made, ok := c.Output.(*idp.CreateUserPoolResponse); ok && made != nil && made.UserPool != nil && c.Code == "" {
		e.PoolID = clip(api.Val(made.UserPool.Id)) // The input of a new pool has no id.
	}
	if e.Region == "" { // of an operation without a signature
		e.Region = api.Resource{ID: e.PoolID}.Region()
	}
	if c.Caller.Type != CallerUnknown {
		e.Username = clip(c.Caller.Name)
	}
	var x redactor
	d := &details{Account: t.deps.AccountID, TLS: tlsDetails(c.TLS, clip(r.Host)), Data: isData(op), Additional: withRisk(nil, facts)}
	p := &personal{SourceIP: r.SourceIP, UserAgent: clip(r.UserAgent)}
	request := x.redact(c.Input, "requestParameters")
	var response json.RawMessage
	if c.Code == "" && (!e.ReadOnly || op.Service.Name == "sts") {
		response = x.redact(c.Output, "responseElements")
	}
	identity := t.identity(&c.Caller)
	if isPersonal(op) {
		p.Request, p.Response = request, response
		p.Resources = t.identityPool(d.Data, e)
	} else {
		d.Request, d.Response = request, response
		e.Resource = resourceOf(op, c.Input)
	}
	if c.Caller.Since.IsZero() {
		d.Identity = identity
	} else {
		p.Identity = identity // It has the name of the session.
		x.hidden = append(x.hidden, c.Caller.Name)
	}
	if c.Code != "" {
		d.ErrorMessage = x.message(c.Message, c.Input != nil)
	}
	seal(e, d, p)
	return t.write(ctx, e, mustRecord(op))
}

// subjectOf returns the sub of the user that a request is about, or "".
func subjectOf(f audit.Facts) string {
	for _, sub := range []string{f.Target, f.User} {
		if sub != "" && sub != audit.NoUser {
			return validText(sub)
		}
	}
	return ""
}

// identity renders userIdentity.
func (t *Trail) identity(c *Caller) json.RawMessage {
	b := awsjson.String(append(make([]byte, 0, 256), `{"type":`...), c.Type)
	if c.Type == CallerUnknown {
		b = appendText(b, `"principalId":`, "Anonymous")
		return append(appendText(b, `"accessKeyId":`, c.AccessKey), '}')
	}
	b = appendText(b, `"principalId":`, c.ID)
	b = appendText(b, `"arn":`, c.ARN)
	b = appendText(b, `"accountId":`, t.deps.AccountID)
	b = appendText(b, `"accessKeyId":`, c.AccessKey)
	if c.Type == CallerUser {
		b = appendText(b, `"userName":`, c.Name)
	}
	if !c.Since.IsZero() {
		b = append(awsjson.Name(b, `"sessionContext":`), '{')
		if c.Role != "" {
			b = appendText(append(b, `"sessionIssuer":{`...), `"type":`, "Role")
			b = appendText(b, `"principalId":`, c.RoleID)
			b = appendText(b, `"arn":`, c.Role)
			b = appendText(b, `"accountId":`, t.deps.AccountID)
			b = append(appendText(b, `"userName":`, c.Role[strings.LastIndexByte(c.Role, '/')+1:]), '}')
		}
		b = append(awsjson.Name(b, `"attributes":`), '{')
		b = appendText(b, `"creationDate":`, c.Since.UTC().Format(time.RFC3339))
		b = append(appendText(b, `"mfaAuthenticated":`, "false"), "}}"...)
	}
	return append(b, '}')
}

// identityPool renders the resource of a data event.
func (t *Trail) identityPool(data bool, e *store.AuditEvent) json.RawMessage {
	if !data || e.PoolID == "" {
		return nil
	}
	b := append(make([]byte, 0, 256), '[', '{')
	b = appendText(b, `"accountId":`, t.deps.AccountID)
	b = appendText(b, `"type":`, "AWS::Cognito::IdentityPool")
	arn := api.Resource{Type: "identitypool", ID: e.PoolID}.ARN("cognito-identity", e.Region, t.deps.AccountID)
	return append(appendText(b, `"ARN":`, arn), '}', ']')
}

// dataEvents are the data events of identity pools (Cognito: "Logging Amazon Cognito API calls
// with AWS CloudTrail").
var dataEvents = []string{"GetCredentialsForIdentity", "GetId", "GetOpenIdToken", "GetOpenIdTokenForDeveloperIdentity", "UnlinkIdentity"}

func isData(op *api.Operation) bool {
	return op.Service.Name == "cognito-identity" && slices.Contains(dataEvents, op.Name)
}

// isPersonal reports whether input and output can name a person beside the sub: by an identity of
// an identity pool, or by the name of a session.
func isPersonal(op *api.Operation) bool {
	return op.Service.Name == "cognito-identity" || op.Service.Name == "sts"
}

// readOnlyPrefixes begin the names of operations that change nothing.
var readOnlyPrefixes = []string{"Describe", "Get", "List", "Lookup", "Simulate", "Search", "Decode"}

// notReadOnly are the operations that change something, or issue or send something, in spite of
// their name.
var notReadOnly = map[string]bool{
	"cognito-identity:GetCredentialsForIdentity": true, "cognito-identity:GetId": true, "cognito-identity:GetOpenIdToken": true,
	"cognito-identity:GetOpenIdTokenForDeveloperIdentity": true,
	"cognito-idp:GetClientToken":                          true, "cognito-idp:GetTokensFromRefreshToken": true,
	"cognito-idp:GetUserAttributeVerificationCode": true,
}

func isReadOnly(op *api.Operation) bool {
	if notReadOnly[op.Action()] {
		return false
	}
	if op.Service.Name == "sts" {
		return true // As CloudTrail has it: STS changes nothing.
	}
	name := strings.TrimPrefix(op.Name, "Admin")
	return slices.ContainsFunc(readOnlyPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// signIns are the operations of administrators that sign people in.
var signIns = []string{"AdminInitiateAuth", "AdminRespondToAuthChallenge", "GetOpenIdTokenForDeveloperIdentity"}

// mustRecord reports whether an operation must not succeed without its record: an administrator's
// change.
func mustRecord(op *api.Operation) bool {
	return op.Auth == api.AuthSigV4 && !isReadOnly(op) && !slices.Contains(signIns, op.Name)
}

// resourceOf returns the name of the entity of IAM that an input names.
func resourceOf(op *api.Operation, in any) string {
	if op.Service.Name != "iam" || op.Resource == nil || in == nil || reflect.ValueOf(in).IsNil() {
		return ""
	}
	r := op.Resource(in)
	if r.Name != "" {
		return clip(r.Name)
	}
	return clip(r.ID)
}

// maxText bounds texts that a client chooses freely.
const maxText = 512

func clip(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	return validText(s)
}
