package wire_test

import (
	"context"
	"testing"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/wire"
)

// fullLimits refuses what its methods count.
type fullLimits struct{ arrived, failed, called bool }

func (l fullLimits) refuse(now bool) error {
	if now {
		return idp.TooManyRequestsException("Rate exceeded").WithReason(api.ReasonRateLimited)
	}
	return nil
}

func (l fullLimits) Arrived(context.Context, *api.Operation) error { return l.refuse(l.arrived) }

func (l fullLimits) Failed(_ context.Context, err error) error {
	if l.failed {
		return l.refuse(true)
	}
	return err
}

func (l fullLimits) Called(context.Context, *api.Operation, any, api.Resource) error {
	return l.refuse(l.called)
}

// TestLimits: a request beyond a limit gets the exception of its model, or the front end's
// if the model does not list it. The log has the reason.
func TestLimits(t *testing.T) {
	t.Parallel()
	const (
		tooMany    = `{"__type":"TooManyRequestsException","message":"Rate exceeded"}`
		throttling = `{"__type":"ThrottlingException","message":"Rate exceeded"}`
	)
	for _, tt := range []struct {
		name      string
		limits    fullLimits
		operation string
		body      string
		header    []string
		want      string
	}{
		{"arrived", fullLimits{arrived: true}, "GetUser", `no JSON`, nil, tooMany},
		{"called", fullLimits{called: true}, "GetUser", `{"AccessToken":"x"}`, nil, tooMany},
		{"not in the model", fullLimits{called: true}, "SetUserSettings", `{"AccessToken":"x","MFAOptions":[]}`, nil, throttling},
		{"no signature", fullLimits{failed: true, called: true}, "AdminGetUser", `{"UserPoolId":"us-east-1_x","Username":"x"}`, nil, tooMany},
		{"a wrong token", fullLimits{failed: true}, "GetUser", `{"AccessToken":"wrong"}`, nil, tooMany},
		{"a revoked token", fullLimits{failed: true}, "GetUser", `{"AccessToken":"revoked"}`, nil, `{"__type":"NotAuthorizedException","message":"Access Token has been revoked"}`},
		{"signed", fullLimits{failed: true}, "AdminDeleteUser", `{"UserPoolId":"us-east-1_x","Username":"x"}`, []string{"Authorization", anySignature}, ""},
	} {
		observed := make(chan audit.Facts, 1)
		url := serveObserved(t, func(c *wire.Config) { c.Limits = tt.limits }, func(_ *api.Request, f audit.Facts) { observed <- f })
		res, body := do(t, request(t, url, tt.operation, tt.body, tt.header...))
		if body != tt.want {
			t.Errorf("%s: %d %s, want %s", tt.name, res.StatusCode, body, tt.want)
		}
		facts := <-observed
		if limited := tt.want == tooMany || tt.want == throttling; limited != (facts.Reason == api.ReasonRateLimited) {
			t.Errorf("%s: reason %q", tt.name, facts.Reason)
		}
	}
}
