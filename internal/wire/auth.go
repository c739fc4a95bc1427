package wire

import (
	"errors"

	"cognate/internal/api"
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

// authenticate finds who signed. Operations that are not signed have no
// credential, and whatever signature comes with them is not looked at.
func (x *exchange) authenticate(body []byte) (Credential, error) {
	if x.binding.Auth != api.AuthSigV4 {
		x.request.Anonymous = true
		return Credential{}, nil
	}
	if screen := x.config.Authority.Screen; screen != nil {
		if err := screen(x.r); err != nil {
			return Credential{}, err
		}
	}
	sig, err := sigv4.Parse(x.r.Header)
	if err != nil {
		if failed, ok := errors.AsType[*sigv4.Error](err); ok && failed.Kind == sigv4.Missing && x.takesUnsigned() {
			return x.development(""), nil
		}
		return Credential{}, signatureError(err)
	}
	x.request.Region = sig.Region
	if x.config.Authority.Mode == AcceptAny {
		if err := sig.CheckService(x.binding.Service.SigningName); err != nil {
			return Credential{}, signatureError(err)
		}
		return x.development(sig.AccessKeyID), nil
	}
	return x.verify(sig, body)
}

func (x *exchange) takesUnsigned() bool {
	return x.config.Authority.Mode == AcceptAny && x.config.Authority.AllowUnsigned
}

// development is the principal of a server that accepts any signature.
func (x *exchange) development(accessKeyID string) Credential {
	c := Credential{AccessKeyID: accessKeyID, PrincipalARN: "arn:aws:iam::" + x.config.AccountID + ":root"}
	x.request.AccessKeyID, x.request.PrincipalARN = c.AccessKeyID, c.PrincipalARN
	return c
}

// verify checks in AWS's order: key, clock, scope, signature.
func (x *exchange) verify(sig *sigv4.Signature, body []byte) (Credential, error) {
	c, err := x.config.Authority.Lookup(x.r.Context(), sig.AccessKeyID, sig.SessionToken)
	switch {
	case errors.Is(err, ErrUnknownKey):
		return Credential{}, api.NewError(codeUnrecognizedClient, "The security token included in the request is invalid.").WithCause(err)
	case errors.Is(err, ErrExpiredToken):
		return Credential{}, api.NewError(codeExpiredToken, "The security token included in the request is expired").WithCause(err)
	case err != nil:
		return Credential{}, err
	}
	if err := sig.CheckClock(x.config.Now()); err != nil {
		return Credential{}, withReason(signatureError(err), api.ReasonClock)
	}
	if err := sig.CheckService(x.binding.Service.SigningName); err != nil {
		return Credential{}, signatureError(err)
	}
	if err := x.verifier.Verify(sig, sigv4.FromHTTP(x.r, body), string(c.Secret)); err != nil {
		return Credential{}, signatureError(err)
	}
	c.AccessKeyID = sig.AccessKeyID
	x.request.AccessKeyID, x.request.PrincipalARN = c.AccessKeyID, c.PrincipalARN
	return c, nil
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

// authorize asks policy about signed operations, and settles the call's Region.
func (x *exchange) authorize(in any, c Credential) error {
	op := x.binding.Operation
	var resource api.Resource
	if op.Resource != nil {
		resource = op.Resource(in)
	}
	x.outcome.Resource = resource
	if x.request.Region == "" {
		x.request.Region = resource.Region()
	}
	if x.request.Region == "" && op.Auth == api.AuthSigV4 {
		x.request.Region = x.config.DefaultRegion
	}
	if op.Auth != api.AuthSigV4 || x.config.Authority.Mode == AcceptAny {
		return nil
	}
	a := Access{
		Credential: c, Action: op.Action(),
		Resource: resource.ARN(op.Service.Name, x.request.Region, x.config.AccountID),
		Region:   x.request.Region, SourceIP: x.request.SourceIP,
	}
	return denial(x.config.Authority.Authorize(x.r.Context(), a), a)
}

// denial words Authorize's no.
func denial(err error, a Access) error {
	denied, ok := errors.AsType[*Denied](err)
	if !ok {
		return err
	}
	why := "because no identity-based policy allows the " + a.Action + " action"
	if denied.Explicit {
		why = "with an explicit deny in an identity-based policy"
	}
	return api.NewError(codeAccessDenied, "User: "+a.Credential.PrincipalARN+" is not authorized to perform: "+a.Action+
		" on resource: "+a.Resource+" "+why).WithCause(err)
}
