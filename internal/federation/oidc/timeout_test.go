package oidc_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"

	"cognate/internal/federation"
	"cognate/internal/federation/oidc"
	"cognate/test/fakeidp"
)

// expiring is a context whose deadline passes when the test says so.
type expiring struct {
	context.Context

	over chan struct{}
}

func (e expiring) Done() <-chan struct{} { return e.over }

func (e expiring) Err() error {
	select {
	case <-e.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// TestTimeouts has endpoints that do not answer. The deadline passes when they are asked.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	for path, text := range map[string]string{
		"/token":                            "Timeout occurred in calling IdP token endpoint",
		"/keys":                             "Timeout in calling jwks uri",
		"/userinfo":                         "Read timed out",
		"/.well-known/openid-configuration": "Read timed out",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			fake := newFake(t)
			p := newProvider(t, settings(t, oidc.OIDC, fake, nil))
			ctx := expiring{t.Context(), make(chan struct{})}
			pass := sync.OnceFunc(func() { close(ctx.over) })
			fake.Behave(fakeidp.Behaviour{Serve: func(_ http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == path {
					pass()
					<-r.Context().Done()
				}
				return r.URL.Path == path
			}})
			_, err := fakeidp.SignIn(ctx, p, federation.Wish{})
			var refusal *federation.Error
			if !errors.As(err, &refusal) || refusal.Code != "invalid_request" || refusal.Text != text {
				t.Errorf("%v, want %q", err, text)
			}
		})
	}
}
