package pool

import (
	"net"
	"net/url"
	"strings"
	"testing"
)

func FuzzIsRedirectURL(f *testing.F) {
	for _, s := range []string{"https://a.example.com/cb", "http://localhost", "myapp://cb", "com.example.app:/cb", "javascript:alert(1)", "http://[::1]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !isRedirectURL(s) {
			return
		}
		u, err := url.Parse(s)
		if err != nil || u.Scheme == "" || u.Fragment != "" || u.Scheme == "javascript" || u.Scheme == "data" ||
			u.Scheme == "http" && !strings.Contains("localhost 127.0.0.1 ::1 0:0:0:0:0:0:0:1", u.Hostname()) && net.ParseIP(u.Hostname()) == nil {
			t.Errorf("%q: %+v, %v", s, u, err)
		}
	})
}
