package api_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"cognate/internal/api"
)

func TestError(t *testing.T) {
	t.Parallel()
	cause := errors.New("disk on fire")
	base := api.NewError("NotAuthorizedException", "User is disabled.")
	with := base.WithCause(cause)
	err := fmt.Errorf("sign-in: %w", with)
	if !errors.Is(err, cause) || !errors.Is(err, base) || !errors.Is(err, &api.Error{Code: "NotAuthorizedException"}) {
		t.Error("the chain is broken")
	}
	if errors.Is(err, api.NewError("NotAuthorizedException", "Other")) || errors.Is(err, &api.Error{Code: "Other"}) {
		t.Error("another error is the same")
	}
	if base.Unwrap() != nil {
		t.Error("WithCause changed its receiver")
	}
	if got := err.Error(); got != "sign-in: NotAuthorizedException: User is disabled.: disk on fire" {
		t.Error(got)
	}
	if api.CodeOf(err) != "NotAuthorizedException" || api.CodeOf(cause) != "" || api.CodeOf(nil) != "" {
		t.Error("CodeOf is wrong")
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	if r := api.RequestFrom(context.Background()); r == nil || *r != (api.Request{}) {
		t.Errorf("RequestFrom = %+v", r)
	}
	want := &api.Request{ID: "id"}
	if got := api.RequestFrom(api.WithRequest(context.Background(), want)); got != want {
		t.Errorf("RequestFrom = %+v", got)
	}
}

func TestVal(t *testing.T) {
	t.Parallel()
	if api.Val(new("a")) != "a" || api.Val[string](nil) != "" || api.Val(new(int32(7))) != 7 {
		t.Error("Val is wrong")
	}
}

func TestResource(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		r           api.Resource
		arn, region string
	}{
		{"none", api.Resource{}, "*", ""},
		{"user pool", api.Resource{Type: "userpool", ID: "us-east-1_a"}, "arn:aws:s:r:1:userpool/us-east-1_a", "us-east-1"},
		{"identity pool", api.Resource{Type: "identitypool", ID: "us-east-1:0000"}, "arn:aws:s:r:1:identitypool/us-east-1:0000", "us-east-1"},
		{"ARN", api.Resource{Name: "arn:aws:s:eu-west-1:1:x/y"}, "arn:aws:s:eu-west-1:1:x/y", "eu-west-1"},
		{"no ARN", api.Resource{Name: "x"}, "x", ""},
		{"China", api.Resource{Type: "userpool", ID: "cn-north-1_a"}, "arn:aws-cn:s:cn-north-1:1:userpool/cn-north-1_a", "cn-north-1"},
		{"government", api.Resource{Type: "userpool", ID: "us-gov-west-1_a"}, "arn:aws-us-gov:s:us-gov-west-1:1:userpool/us-gov-west-1_a", "us-gov-west-1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at := "r"
			if strings.Contains(tt.name, "China") || strings.Contains(tt.name, "government") {
				at = tt.region
			}
			if arn, region := tt.r.ARN("s", at, "1"), tt.r.Region(); arn != tt.arn || region != tt.region {
				t.Errorf("ARN = %s, Region = %s", arn, region)
			}
		})
	}
}

func TestReasonOf(t *testing.T) {
	t.Parallel()
	denied := api.NewError("NotAuthorizedException", "Incorrect username or password.")
	tests := []struct {
		name string
		err  error
		want api.Reason
	}{
		{"no error of ours", errors.New("disk on fire"), ""},
		{"nil", nil, ""},
		{"a code that says too little", denied, ""},
		{"named", denied.WithReason(api.ReasonLocked), api.ReasonLocked},
		{"wrapped", fmt.Errorf("x: %w", denied.WithReason(api.ReasonLocked)), api.ReasonLocked},
		{"of the cause", denied.WithCause(api.NewError("UserNotFoundException", "").WithReason(api.ReasonDisabled)), api.ReasonDisabled},
		{"the outermost", denied.WithReason(api.ReasonLocked).WithCause(denied.WithReason(api.ReasonClock)), api.ReasonLocked},
		{"by the code", api.NewError("UserNotConfirmedException", ""), api.ReasonUnconfirmed},
		{"by another cause", api.NewError("UserNotConfirmedException", "").WithCause(errors.New("x")), api.ReasonUnconfirmed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := api.ReasonOf(tt.err); got != tt.want {
				t.Errorf("ReasonOf = %q, want %q", got, tt.want)
			}
		})
	}
	if denied.WithReason(api.ReasonLocked); api.ReasonOf(denied) != "" {
		t.Error("WithReason changed its receiver")
	}
	if text := denied.WithReason(api.ReasonLocked).Error(); strings.Contains(text, "locked") || !errors.Is(denied.WithReason(api.ReasonLocked), denied) {
		t.Error("a reason makes another error")
	}
}

// TestNetworkOf: all addresses of an IPv6 network of 64 bits count as one, and a block has 48.
func TestNetworkOf(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][2]string{
		"192.0.2.1": {"192.0.2.1", "192.0.2.0"}, "::ffff:192.0.2.1": {"192.0.2.1", "192.0.2.0"},
		"2001:db8::1": {"2001:db8::", "2001:db8::"}, "2001:db8::ffff:1%eth0": {"2001:db8::", "2001:db8::"},
		"2001:db8:0:1::1": {"2001:db8:0:1::", "2001:db8::"}, "": {}, "host": {}, "192.0.2.1:80": {},
	} {
		network, ok := api.NetworkOf(address)
		block, found := api.BlockOf(address)
		if got := [2]string{network, block}; got != want || ok != (want[0] != "") || found != ok {
			t.Errorf("%q: %q, %t, %t, want %q", address, got, ok, found, want)
		}
	}
}
