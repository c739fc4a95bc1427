package edge

import "testing"

func TestLoginHost(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"aws":                        "auth.eu-west-1.amazoncognito.com",
		"https://id.example.com":     "auth.id.example.com",
		"https://ID.example.com:444": "auth.id.example.com",
		"http://localhost:9229":      "auth.localhost",
		"http://127.0.0.1:9229":      "",
		"http://[::1]:9229":          "",
		"":                           "",
	} {
		if got := LoginHost(setting, false)("eu-west-1"); got != want {
			t.Errorf("%s: %q, want %q", setting, got, want)
		}
		if want == "" {
			want = "auth.localhost"
		}
		if got := LoginHost(setting, true)("eu-west-1"); got != want {
			t.Errorf("%s in development: %q, want %q", setting, got, want)
		}
	}
}
