package development

import (
	"fmt"
	"io"
	"net"
	"strings"
)

// An Announcement is what a starting server tells a developer.
type Announcement struct {
	// URL is the base URL of the server, and Issuer the form of its issuers.
	URL, Issuer   string
	AllowUnsigned bool
	// HTTPSAddr and GatewayAddr are the addresses of the listeners for TLS and of the gateway, or "".
	// AuthorityFile is the certificate that clients of the TLS listener must trust.
	HTTPSAddr, AuthorityFile, GatewayAddr string
	// Functions are the ARNs of the functions that the server runs.
	Functions []string
}

// Write prints how to point clients at the server.
func (a *Announcement) Write(out io.Writer) {
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(strings.TrimPrefix(a.URL, "http://"), "https://"))
	fmt.Fprintf(out, `
Point a client here. Any access key and secret will do (%s).

%[5]s
  issuer          %[3]s
  login pages     http://<domain>.auth.localhost:%[4]s/login, or %[2]s/_domain/<domain>/login
  their preview   %[2]s/_cognate/preview
  mail and SMS    %[2]s/_cognate/inbox
  clock           %[2]s/_cognate/clock
  reset           curl -X POST %[2]s/_cognate/reset

`, "unsigned calls: "+map[bool]string{true: "accepted", false: "refused as by Cognito; --allow-unsigned lets them in"}[a.AllowUnsigned],
		a.URL, a.Issuer, port, clientLines(a.URL))
	if a.HTTPSAddr != "" {
		_, port, _ := net.SplitHostPort(a.HTTPSAddr)
		fmt.Fprintf(out, `  TLS             https://localhost:%s, and https://<domain>.auth.localhost:%[1]s for login pages
  authority       %[2]s
    Node.js       export NODE_EXTRA_CA_CERTS=%[2]s
    curl          curl --cacert %[2]s
    Chromium      mkdir -p $HOME/.pki/nssdb && certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n cognate -i %[2]s

`, port, a.AuthorityFile)
	}
	if a.GatewayAddr != "" {
		fmt.Fprintf(out, "  gateway         aws --endpoint-url http://%s s3 ls, with an access key that IAM has made (docs/gateway.md)\n\n", a.GatewayAddr)
	}
	for _, arn := range a.Functions {
		fmt.Fprintf(out, "  function        %s\n", arn)
	}
	if len(a.Functions) > 0 {
		fmt.Fprintln(out)
	}
}

// clientLines returns a line for each client that says how to point it at the server.
func clientLines(url string) string {
	var b strings.Builder
	for _, c := range ClientSettings(url) {
		fmt.Fprintf(&b, "  %-15s %s\n", c.Client, c.Text)
		if c.Client == "environment" {
			fmt.Fprintf(&b, "  %-15s (AWS CLI 2.13+, and current SDKs for Go, Java, JavaScript, Python, .NET, Rust)\n", "")
		}
	}
	return b.String()
}
