package gateway

import (
	"errors"
	"io"
	"net/http"
	"time"

	"cognate/internal/iam/gateway/operation"
	"cognate/internal/iam/policy"
	"cognate/internal/iam/sigv4"
)

// signed is a short request whose signature was verified, with its caller and its body. Requests
// to the S3 store are verified while they stream: see exchange.
type signed struct {
	signature *sigv4.Signature
	caller    *Caller
	body      []byte
}

// readSigned verifies a request, and notes who sent it. It finds the caller before it reads the
// body, so that strangers cannot fill the memory. checkService rejects a signature for a service
// that is not there.
func readSigned(w http.ResponseWriter, r *http.Request, authority Authority, now time.Time, maxBody int64, event *Event, checkService func(*sigv4.Signature) error) (*signed, error) {
	s, err := sigv4.Parse(r.Header)
	if err != nil {
		return nil, err
	}
	event.ClaimedKey = s.AccessKeyID
	caller, err := authority.Caller(r.Context(), s.AccessKeyID, s.SessionToken)
	if err != nil {
		return nil, err
	}
	if caller == nil {
		return nil, ErrUnknownKey
	}
	if err := s.CheckClock(now); err != nil {
		return nil, err
	}
	if err := checkService(s); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
			return nil, &serviceError{http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "Request Too Long", nil}
		}
		return nil, &serviceError{http.StatusBadRequest, "RequestTimeout", "The request was interrupted.", err}
	}
	if err := s.Verify(sigv4.FromHTTP(r, body), string(caller.Secret)); err != nil {
		return nil, err
	}
	event.AccessKeyID, event.Principal = s.AccessKeyID, caller.arn()
	return &signed{s, caller, body}, nil
}

// authorize asks the policies about every check, notes their answers, and returns the error of
// the first check that they deny. The status is that of the denial.
func (s *signed) authorize(checks []operation.Check, conditions policy.Context, event *Event, status int) error {
	for _, k := range s.caller.Keys {
		conditions.Set(k.Name, k.Values...)
	}
	for _, check := range checks {
		result := policy.Evaluate(s.caller.Layers, &policy.Request{
			Action: check.Action, Resource: check.Resource, Principal: s.caller.Principal, Context: conditions,
		})
		event.Decisions = append(event.Decisions, Decision{check.Action, check.Resource, result})
		if result.Decision != policy.Allow {
			return &serviceError{status, "AccessDeniedException", "User: " + s.caller.arn() + " is not authorized to perform: " +
				check.Action + " on resource: " + check.Resource + " " + result.Reason(check.Action), nil}
		}
	}
	return nil
}
