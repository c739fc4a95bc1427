package wire

import (
	"errors"

	"cognate/internal/api"
	"cognate/internal/iam"
	"cognate/internal/iam/sigv4"
)

// Codes of the front end for signatures (AWS JSON's names; query services have others).
const (
	codeMissingToken        = "MissingAuthenticationTokenException"
	codeIncompleteSignature = "IncompleteSignatureException"
	codeInvalidSignature    = "InvalidSignatureException"
	codeUnrecognizedClient  = "UnrecognizedClientException"
	codeExpiredToken        = "ExpiredTokenException"
	codeAccessDenied        = "AccessDeniedException"
)

// authenticate returns the principal that signed the request. Unsigned operations have no
// principal, and their signature, if any, is ignored.
func (x *exchange) authenticate(body []byte) (*iam.Principal, error) {
	if x.binding.Auth != api.AuthSigV4 {
		x.request.Anonymous = true
		return nil, nil
	}
	if screen := x.config.Authority.Screen; screen != nil {
		if err := screen(x.r); err != nil {
			return nil, err
		}
	}
	sig, err := sigv4.Parse(x.r.Header)
	if err != nil {
		if failed, ok := errors.AsType[*sigv4.Error](err); ok && failed.Kind == sigv4.Missing && x.takesUnsigned() {
			return x.development(""), nil
		}
		return nil, signatureError(err)
	}
	x.request.Region = sig.Region
	if x.config.Authority.Mode == AcceptAny {
		if err := sig.CheckService(x.binding.Service.SigningName); err != nil {
			return nil, signatureError(err)
		}
		return x.development(sig.AccessKeyID), nil
	}
	return x.verify(sig, body)
}

func (x *exchange) takesUnsigned() bool {
	return x.config.Authority.Mode == AcceptAny && x.config.Authority.AllowUnsigned
}

// development returns the principal of a server that accepts any signature.
func (x *exchange) development(accessKeyID string) *iam.Principal {
	p := &iam.Principal{AccessKeyID: accessKeyID, ARN: "arn:aws:iam::" + x.config.AccountID + ":root"}
	x.request.AccessKeyID, x.request.PrincipalARN = p.AccessKeyID, p.ARN
	return p
}

// verify checks the signature in AWS's order: key, clock, scope, signature.
func (x *exchange) verify(sig *sigv4.Signature, body []byte) (*iam.Principal, error) {
	p, err := x.config.Authority.IAM.Lookup(x.r.Context(), sig.AccessKeyID, sig.SessionToken)
	if err != nil {
		return nil, lookupError(err)
	}
	if err := sig.CheckClock(x.config.Now()); err != nil {
		return nil, withReason(signatureError(err), api.ReasonClock)
	}
	if err := sig.CheckService(x.binding.Service.SigningName); err != nil {
		return nil, signatureError(err)
	}
	if err := sig.Verify(sigv4.FromHTTP(x.r, body), string(p.Secret)); err != nil {
		return nil, signatureError(err)
	}
	x.request.AccessKeyID, x.request.PrincipalARN = p.AccessKeyID, p.ARN
	return p, nil
}

func lookupError(err error) error {
	switch {
	case errors.Is(err, iam.ErrUnknownKey):
		return api.NewError(codeUnrecognizedClient, "The security token included in the request is invalid.").WithCause(err)
	case errors.Is(err, iam.ErrExpiredToken):
		return api.NewError(codeExpiredToken, "The security token included in the request is expired").WithCause(err)
	}
	return err
}

func withReason(err error, r api.Reason) error {
	if e, ok := errors.AsType[*api.Error](err); ok {
		return e.WithReason(r)
	}
	return err
}

func signatureError(err error) error {
	failed, ok := errors.AsType[*sigv4.Error](err)
	if !ok {
		return err
	}
	switch failed.Kind {
	case sigv4.Missing:
		return api.NewError(codeMissingToken, failed.Message)
	case sigv4.Incomplete:
		return api.NewError(codeIncompleteSignature, failed.Message)
	}
	return api.NewError(codeInvalidSignature, failed.Message)
}

// authorize checks the policies for signed operations, and sets the call's Region.
func (x *exchange) authorize(in any, p *iam.Principal) error {
	op := x.binding.Operation
	var resource api.Resource
	if op.Resource != nil {
		resource = op.Resource(in)
	}
	if resource.ID != "" {
		x.event.SetPool(resource.ID)
	}
	if x.request.Region == "" {
		x.request.Region = resource.Region()
	}
	if op.Auth != api.AuthSigV4 || x.config.Authority.Mode == AcceptAny {
		return nil
	}
	r := iam.Request{
		Action: op.Action(), Resource: resource.ARN(op.Service.Name, x.request.Region, x.config.AccountID), HTTP: x.request,
	}
	return denialError(x.config.Authority.IAM.Authorize(x.r.Context(), p, r), p, r)
}

// denialError returns the answer for an error of Authorize.
func denialError(err error, p *iam.Principal, r iam.Request) error {
	denied, ok := errors.AsType[*iam.Denied](err)
	if !ok {
		return err
	}
	why := "because no identity-based policy allows the " + r.Action + " action"
	if denied.Explicit {
		why = "with an explicit deny in an identity-based policy"
	}
	return api.NewError(codeAccessDenied, "User: "+p.ARN+" is not authorized to perform: "+r.Action+
		" on resource: "+r.Resource+" "+why).WithCause(err)
}
