package outbound_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cognate/internal/outbound"
)

func TestAddress(t *testing.T) {
	for _, test := range []struct{ name, url, want string }{
		{"path and query", "https://hooks.example.com/T0/s3cret?token=s3cret", "https://hooks.example.com"},
		{"port", "http://127.0.0.1:8080/s3cret", "http://127.0.0.1:8080"},
		{"IPv6", "http://[::1]:8080/s3cret", "http://[::1]:8080"},
		{"user", "postgres://user:s3cret@db.example.com:5432/x", "postgres://db.example.com:5432"},
		{"an @ in the password", "smtp://user:s3@cret@mail.example.com", "smtp://mail.example.com"},
		{"a slash in the password", "postgres://user:12/s3cret@db.example.com/x", "postgres://[hidden]"},
		{"no host", "postgres:///x?host=/run&password=s3cret", "postgres://[hidden]"},
		{"no URL", "s3cret", "[hidden]"},
		{"blank in the host", "http://s3cret x/", "http://[hidden]"},
	} {
		if got := outbound.Address(test.url); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// TestClean makes errors as the standard library and the AWS SDK make them, and
// looks for what must not be in their texts.
func TestClean(t *testing.T) {
	refused := errors.New("connection refused")
	said := &url.Error{Op: "Post", URL: "https://user:hunter2@hooks.example.com/T0123456/s3cretpath?token=s3cretquery#s3cretfragment", Err: refused}
	const invalid = "%zz"
	_, parse := url.Parse(fmt.Sprint("https://hooks.example.com/", invalid, "/s3cretpath"))
	_, request := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://h\x7fooks/s3cretpath", nil)
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"url.Error", said, `Post "https://hooks.example.com": connection refused`},
		{"within others", fmt.Errorf("operation error Lambda: %w", errors.Join(said, refused)), "operation error Lambda: Post \"https://hooks.example.com\": connection refused\nconnection refused"},
		{"parse", parse, `parse "https://hooks.example.com": invalid URL escape "%zz"`},
		{"request", request, `parse "https://h": net/url: invalid control character in URL`},
		{"echo", fmt.Errorf("no such page: /T0123456/s3cretpath: %w", said), `no such page: /[hidden]/[hidden]: Post "https://hooks.example.com": connection refused`},
		{"plain text", errors.New("see (http://[::1]:80/s3cretpath), or http://x/s3cretpath. Then again"), "see (http://[::1]:80), or http://x. Then again"},
		{"backquotes", errors.New("cannot parse `postgres://u:p@h/s3cretpath?password=s3cretquery`"), "cannot parse `postgres://h`"},
		{"nothing", refused, "connection refused"},
	} {
		got := outbound.Clean(test.err)
		if got.Error() != test.want {
			t.Errorf("%s: %s\nwant %s", test.name, got, test.want)
		}
		if !errors.Is(got, test.err) {
			t.Errorf("%s: the cause is lost", test.name)
		}
		if again := outbound.Clean(fmt.Errorf("SMS s3cretpath: %w", got)); again.Error() != "SMS s3cretpath: "+test.want {
			t.Errorf("%s: cleaned twice: %s", test.name, again)
		}
	}
	if outbound.Clean(nil) != nil {
		t.Error("nil is an error")
	}
	known := outbound.Clean(errors.New("the gateway knows no s3cretpath"), "https://h/s3cretpath")
	if strings.Contains(known.Error(), "s3cret") {
		t.Error(known)
	}
	if !errors.Is(outbound.Clean(fmt.Errorf("%w: %w", said, context.DeadlineExceeded)), context.DeadlineExceeded) {
		t.Error("a deadline is none any more")
	}
}
