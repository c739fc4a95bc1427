package serving

import (
	"strings"
	"testing"
)

// SCIM returns the arguments of "cognate admin scim" for a pool of the server.
func (r Rig) SCIM(pool string, args ...string) []string {
	c := r.Config.WithDefaults()
	args = append([]string{"admin", "scim"}, args...)
	args = append(args, "--data", c.Data, "--pool", pool)
	if c.Database != "" {
		args = append(args, "--database", string(c.Database), "--kek-file", c.KEKFile)
	}
	return args
}

// NewDirectory lets the directory of a provider use SCIM. It returns the URL of the directory's
// endpoints, and its token.
func NewDirectory(t *testing.T, r Rig, pool, provider string, args ...string) (base, token string) {
	t.Helper()
	out, _ := Run(t, nil, r.SCIM(pool, append([]string{"create", "--provider", provider}, args...)...)...)
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "SCIM_PATH":
			base = r.URL() + value
		case "SCIM_TOKEN":
			token = value
		}
	}
	if base == "" || token == "" {
		t.Fatalf("no token in %q", out)
	}
	return base, token
}
