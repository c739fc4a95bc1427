package clients_test

import (
	"path/filepath"
	"regexp"
	"testing"
)

// TestAmplifyRedirect signs in by Amplify and the login pages in Chromium. Amplify knows
// the domain by https alone, so Chromium trusts the server's authority by the command that
// `cognate dev --https` prints.
func TestAmplifyRedirect(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			ports := []string{freePort(t), freePort(t)}
			data, home := t.TempDir(), "HOME="+t.TempDir()
			trust := launchUntil(t, regexp.MustCompile(`^ *Chromium +(.+)$`), nil, append([]string{
				"dev", "--listen", "127.0.0.1:" + ports[0], "--private-listen", "off", "--data", data,
				"--https", "--https-listen", "127.0.0.1:" + ports[1],
			}, engine.args(t)...)...)
			run(t, data, []string{home}, "bash", "-euc", trust)
			node(t, "amplify-redirect.test.mjs", home, chromium(), "NODE_EXTRA_CA_CERTS="+filepath.Join(data, "tls-authority.pem"),
				"COGNATE_ENDPOINT=http://localhost:"+ports[0], "COGNATE_HTTPS_ENDPOINT=https://localhost:"+ports[1])
		})
	}
}
