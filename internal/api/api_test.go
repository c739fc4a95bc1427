package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

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

func TestPageTokens(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	pages := api.NewPageTokens(func() [32]byte { return [32]byte{1} })
	rapid.Check(t, func(t *rapid.T) {
		op := rapid.SampledFrom([]string{"ListUsers", "ListGroups"}).Draw(t, "op")
		bind := rapid.SliceOf(rapid.String()).Draw(t, "bind")
		cursor := rapid.SliceOf(rapid.Byte()).Draw(t, "cursor")
		token := pages.Encode(op, bind, cursor, now.Add(time.Hour))
		if strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Fatalf("%s is not safe in a URL", token)
		}
		got, err := pages.Decode(op, bind, token, now)
		if err != nil || !bytes.Equal(got, cursor) {
			t.Fatalf("Decode = %x, %v", got, err)
		}
		for _, refused := range []struct {
			name  string
			pages *api.PageTokens
			op    string
			bind  []string
			token string
			now   time.Time
			err   error
		}{
			{"late", pages, op, bind, token, now.Add(time.Hour), api.ErrPageTokenExpired},
			{"other operation", pages, op + "x", bind, token, now, api.ErrPageToken},
			{"more bound", pages, op, append(slices.Clip(bind), ""), token, now, api.ErrPageToken},
			{"bound otherwise", pages, op, append([]string{"x"}, bind...), token, now, api.ErrPageToken},
			{"other key", api.NewPageTokens(func() [32]byte { return [32]byte{2} }), op, bind, token, now, api.ErrPageToken},
			{"cut", pages, op, bind, token[:len(token)-1], now, api.ErrPageToken},
			{"longer", pages, op, bind, token + "AAAA", now, api.ErrPageToken},
			{"short", pages, op, bind, "AAAA", now, api.ErrPageToken},
			{"none", pages, op, bind, "", now, api.ErrPageToken},
		} {
			if _, err := refused.pages.Decode(refused.op, refused.bind, refused.token, refused.now); !errors.Is(err, refused.err) {
				t.Fatalf("%s: %v", refused.name, err)
			}
		}
		at := rapid.IntRange(0, len(token)-1).Draw(t, "at")
		changed := []byte(token)
		changed[at] = rapid.SampledFrom([]byte("ABwxyz012-_")).Draw(t, "c")
		if string(changed) != token {
			if _, err := pages.Decode(op, bind, string(changed), now); err == nil {
				t.Fatal("a changed token was opened")
			}
		}
	})
}

func FuzzPageToken(f *testing.F) {
	pages := api.NewPageTokens(func() [32]byte { return [32]byte{1} })
	f.Add(pages.Encode("ListUsers", nil, []byte("x"), time.Unix(1, 0)))
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := pages.Decode("ListUsers", []string{"other"}, token, time.Unix(0, 0)); err == nil {
			t.Error("a token for another request was opened")
		}
	})
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
