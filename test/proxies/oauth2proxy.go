package proxies

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// BuildOAuth2Proxy builds oauth2-proxy into a folder, from its own module file below the
// folder tools, and returns the program's path.
func BuildOAuth2Proxy(ctx context.Context, tools, dir string) (string, error) {
	program := filepath.Join(dir, "oauth2-proxy")
	build := exec.CommandContext(ctx, "go", "build", "-C", filepath.Join(tools, "oauth2-proxy"), "-ldflags=-s -w", "-o", program, "github.com/oauth2-proxy/oauth2-proxy/v7")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build oauth2-proxy: %w\n%s", err, out)
	}
	return program, nil
}

// OAuth2Proxy starts oauth2-proxy at http://localhost:port. The page /signed-out is open, all
// other pages need a sign-in or a bearer token. The proxy refreshes the tokens of a session
// that is a second old, and may redirect to the hosts.
func OAuth2Proxy(ctx context.Context, program string, party *Party, hosts ...string) (*Proxy, error) {
	p := &Proxy{URL: "http://localhost:" + party.Port}
	args := []string{
		"--http-address=127.0.0.1:" + party.Port, "--upstream=" + party.Application, "--redirect-url=" + p.URL + "/oauth2/callback",
		"--provider=oidc", "--oidc-issuer-url=" + party.Issuer, "--client-id=" + party.ClientID, "--client-secret=" + party.Secret,
		"--scope=openid email", "--code-challenge-method=S256", "--skip-provider-button", "--email-domain=*",
		"--cookie-secret=" + party.Passphrase, "--cookie-secure=false", "--cookie-refresh=1ns",
		"--pass-access-token", "--pass-authorization-header", "--skip-auth-route=^/signed-out",
		"--skip-jwt-bearer-tokens", "--bearer-token-login-fallback=false",
	}
	for _, host := range hosts {
		args = append(args, "--whitelist-domain="+host)
	}
	return p, p.Run(ctx, party.Port, program, args...)
}
