package wire

import (
	"errors"
	"net/http"

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
	codeThrottling          = "ThrottlingException"
)

// codeTooManyRequests is the code of requests beyond a limit of the request rate. The front
// end answers codeThrottling for operations whose model does not list it.
const codeTooManyRequests = "TooManyRequestsException"

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
	parse := func() (*sigv4.Signature, error) { return sigv4.Parse(x.r.Header) }
	if x.query && x.r.Method == http.MethodGet {
		// Some clients prove who they are by a presigned address of GetCallerIdentity.
		parse = func() (*sigv4.Signature, error) { return sigv4.ParseHTTP(x.r) }
	}
	sig, err := parse()
	if err != nil {
		if failed, ok := errors.AsType[*sigv4.Error](err); ok && failed.Kind == sigv4.Missing && x.takesUnsigned() {
			return x.accept(iam.Root(x.config.AccountID, "")), nil
		}
		return nil, signatureError(err)
	}
	x.request.Region = sig.Region
	if x.binding.Service.Name == serviceIAM {
		x.request.Region = api.GlobalRegion(sig.Region)
	}
	return x.verify(sig, body)
}

func (x *exchange) takesUnsigned() bool {
	return x.config.Authority.Mode == AcceptAny && x.config.Authority.AllowUnsigned
}

// accept notes the caller of a signed operation.
func (x *exchange) accept(p *iam.Principal) *iam.Principal {
	x.request.AccessKeyID, x.request.PrincipalARN = p.AccessKeyID, p.ARN
	return p
}

// verify checks the signature in AWS's order: key, clock, scope, signature. A development
// server accepts any signature by a key that it did not make.
func (x *exchange) verify(sig *sigv4.Signature, body []byte) (*iam.Principal, error) {
	p, err := x.lookup(sig)
	if err != nil {
		return nil, lookupError(err)
	}
	if p == nil {
		if err := sig.CheckService(x.binding.Service.SigningName); err != nil {
			return nil, signatureError(err)
		}
		return x.accept(iam.Root(x.config.AccountID, sig.AccessKeyID)), nil
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
	return x.accept(p), nil
}

// lookup returns the principal of a key. On a development server it is nil for a key that the
// server did not make.
func (x *exchange) lookup(sig *sigv4.Signature) (*iam.Principal, error) {
	any := x.config.Authority.Mode == AcceptAny
	if any && x.config.Authority.IAM == nil {
		return nil, nil
	}
	p, err := x.config.Authority.IAM.Lookup(x.r.Context(), sig.AccessKeyID, sig.SessionToken)
	if any && errors.Is(err, iam.ErrForeignKey) {
		return nil, nil
	}
	return p, err
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

// countFailure counts a request whose signature is not valid. Faults of the server do not
// count.
func (x *exchange) countFailure(err error) error {
	if _, ok := errors.AsType[*api.Error](err); !ok {
		return err
	}
	return x.config.Limits.Failed(x.r.Context(), err)
}

// authorize checks the policies for signed operations, and sets the call's Region.
func (x *exchange) authorize(in any, p *iam.Principal) error {
	op := x.binding.Operation
	if op.Resource != nil {
		x.resource = op.Resource(in)
	}
	resource := x.resource
	if resource.ID != "" && op.Service.Name != serviceIAM {
		x.event.SetPool(resource.ID)
	}
	if x.request.Region == "" {
		x.request.Region = resource.Region()
	}
	if op.Auth != api.AuthSigV4 || decidesItself[op.Action()] || p.IsRoot() {
		return nil
	}
	requests, err := x.permissions(in, p, resource)
	if err != nil {
		return err
	}
	for _, r := range requests {
		if err := x.config.Authority.IAM.Authorize(x.r.Context(), p, r); err != nil {
			return denialError(err, p, r)
		}
	}
	return nil
}

// permissions returns what the principal must be allowed: the operation on its resource, the
// same on the name that an entity gets, and to pass the roles that the input names.
func (x *exchange) permissions(in any, p *iam.Principal, resource api.Resource) ([]iam.Request, error) {
	op := x.binding.Operation
	var conditions map[string][]string
	if op.Conditions != nil {
		conditions = op.Conditions(in)
	}
	resources := []api.Resource{resource}
	if op.Target != nil {
		resources = append(resources, op.Target(in))
	}
	var list []iam.Request
	for _, r := range resources {
		arn := r.ARN(op.Service.Name, x.request.Region, x.config.AccountID)
		if op.Service.Name == serviceIAM {
			var err error
			if arn, err = x.config.Authority.IAM.EntityARN(x.r.Context(), r, x.request.Region, p); err != nil {
				return nil, err
			}
		}
		list = append(list, iam.Request{Action: op.Action(), Resource: arn, Conditions: conditions, HTTP: x.request})
	}
	if op.Roles != nil {
		for _, role := range op.Roles(in) {
			list = append(list, iam.PassRole(role, op.Service.Name+".amazonaws.com", x.request))
		}
	}
	return list, nil
}

// serviceIAM is the service that is the same in every Region of a partition.
const serviceIAM = "iam"

// decidesItself has the operations of STS that need no permission, or whose permission depends on
// more than the caller's policies, such as a role's trust policy.
var decidesItself = map[string]bool{
	"sts:AssumeRole": true, "sts:GetCallerIdentity": true, "sts:GetFederationToken": true, "sts:GetSessionToken": true,
	"sts:GetWebIdentityToken": true,
}

// denialError returns the answer for an error of Authorize.
func denialError(err error, p *iam.Principal, r iam.Request) error {
	denied, ok := errors.AsType[*iam.Denied](err)
	if !ok {
		return err
	}
	return api.NewError(codeAccessDenied, denied.Message(p, r.Action, r.Resource)).WithCause(err)
}
