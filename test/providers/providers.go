// Package providers runs identity providers that are independent of this project, and signs
// people in at their pages: Dex, and oidc-provider of npm.
package providers

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"text/template"

	"golang.org/x/crypto/bcrypt"

	"cognate/test/proxies"
)

// ClientID and the secret are those of the providers' client. Email and Password are the person's.
const (
	ClientID     = "RS256" // oidc-provider's clients are named after the algorithms of ID tokens
	ClientSecret = "a-client-secret-of-32-characters"
	Callback     = "https://login.example.com/oauth2/idpresponse" // of tests without a server
	Email        = "ann@example.com"
	Password     = "password"
)

// Issuer is a running provider.
type Issuer struct {
	*proxies.Proxy

	// Issuer is the provider's URL.
	Issuer string
}

// BuildDex builds Dex into a folder, from its own module file below the folder tools, and
// returns the program's path. Dex needs a C compiler for SQLite, which it does not use here.
func BuildDex(ctx context.Context, tools, dir string) (string, error) {
	program := filepath.Join(dir, "dex")
	build := exec.CommandContext(ctx, "go", "build", "-C", filepath.Join(tools, "dex"), "-ldflags=-s -w", "-o", program, "github.com/dexidp/dex/cmd/dex")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build Dex: %w\n%s", err, out)
	}
	return program, nil
}

// dexConfig has one person.
var dexConfig = template.Must(template.New("dex.yaml").Parse(`issuer: http://127.0.0.1:{{.Port}}/dex
storage: {type: memory}
web: {http: 127.0.0.1:{{.Port}}}
logger: {level: error}
oauth2: {skipApprovalScreen: true}
enablePasswordDB: true
staticPasswords:
- email: {{.Email}}
  hash: {{.Hash}}
  username: Ann Lee
  userID: 08a8684b-db88-4b73-90a9-3cd1661f5466
staticClients:
- {id: {{.ClientID}}, secret: {{.ClientSecret}}, name: Cognate, redirectURIs: [{{printf "%q" .Callback}}]}
`))

// Dex starts Dex with a folder of its own, for a client with the callback.
func Dex(ctx context.Context, program, dir, callback string) (*Issuer, error) {
	port, err := proxies.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(Password), bcrypt.DefaultCost)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "dex.yaml")
	f, err := os.OpenFile(config, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	err = dexConfig.Execute(f, struct{ Port, Hash, Email, ClientID, ClientSecret, Callback string }{port, string(hash), Email, ClientID, ClientSecret, callback})
	if err != nil {
		return nil, err
	}
	p := &Issuer{Proxy: &proxies.Proxy{URL: "http://127.0.0.1:" + port}, Issuer: "http://127.0.0.1:" + port + "/dex"}
	return p, p.Run(ctx, port, program, "serve", config)
}

// NodeProvider starts oidc-provider by a script of the folder test/js, for clients with the
// callback.
func NodeProvider(ctx context.Context, js, callback string) (*Issuer, error) {
	port, err := proxies.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	issuer := "http://127.0.0.1:" + port
	settings, err := json.Marshal(map[string]string{"issuer": issuer, "port": port, "callback": callback, "secret": ClientSecret})
	if err != nil {
		return nil, err
	}
	p := &Issuer{Proxy: &proxies.Proxy{URL: issuer, Env: []string{"OIDC_PROVIDER=" + string(settings)}}, Issuer: issuer}
	return p, p.Run(ctx, port, "node", filepath.Join(js, "oidc-provider.mjs"))
}
