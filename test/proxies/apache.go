package proxies

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// Party is a relying party of an issuer, in front of an application.
type Party struct {
	Port                                 string // where it listens, at localhost
	Issuer, ClientID, Secret, Passphrase string
	Application                          string // URL of the application behind it
}

// The page /signed-out is open, all others ask for sign-in.
var openIDC = template.Must(template.New("httpd.conf").Parse(`ServerName localhost
ServerRoot {{.Dir}}
DefaultRuntimeDir {{.Dir}}
PidFile {{.Dir}}/pid
ErrorLog /dev/stderr
Listen 127.0.0.1:{{.Port}}
{{range .Modules}}LoadModule {{.}}_module {{$.ModuleDir}}/mod_{{.}}.so
{{end}}{{if .Root}}User www-data
Group www-data
{{end}}
OIDCProviderMetadataURL {{.Issuer}}/.well-known/openid-configuration
OIDCClientID {{.ClientID}}
OIDCClientSecret {{.Secret}}
OIDCCryptoPassphrase {{.Passphrase}}
OIDCRedirectURI http://localhost:{{.Port}}/callback
OIDCScope "openid email"
OIDCPKCEMethod S256
# A busy machine is slow.
OIDCHTTPTimeoutShort 600
OIDCHTTPTimeoutLong 600
<Location />
AuthType openid-connect
Require valid-user
</Location>
<Location /signed-out>
AuthType None
Require all granted
</Location>
ProxyPass /callback !
ProxyPass / {{.Application}}/
`))

// Apache starts Apache with mod_auth_openidc. Its URL is http://localhost:port.
func Apache(ctx context.Context, dir string, party *Party) (*Proxy, error) {
	var b strings.Builder
	err := openIDC.Execute(&b, struct {
		*Party

		Dir, ModuleDir string
		Modules        []string
		Root           bool
	}{
		party, dir, cmp.Or(os.Getenv("COGNATE_TEST_APACHE_MODULES"), "/usr/lib/apache2/modules"),
		[]string{"mpm_event", "authn_core", "authz_core", "authz_user", "proxy", "proxy_http", "auth_openidc"}, os.Getuid() == 0,
	})
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "httpd.conf")
	if err := os.WriteFile(config, []byte(b.String()), 0o600); err != nil {
		return nil, err
	}
	p := &Proxy{URL: "http://localhost:" + party.Port}
	return p, p.Run(ctx, party.Port, "apache2", "-DFOREGROUND", "-f", config)
}
