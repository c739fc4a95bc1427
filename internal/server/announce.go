package server

import (
	"fmt"
	"log/slog"
	"net"
)

// announce prints where the server listens. The first line is for programs that wait
// for it.
func (s *Server) announce() {
	out := s.config.Out
	fmt.Fprintf(out, "listening on %s\n", s.URL())
	s.log.Info("listening", slog.String("main", s.Addr()), slog.String("private", s.PrivateAddr()), slog.String("health", s.HealthAddr()), slog.String("gateway", s.GatewayAddr()),
		slog.String("engine", s.store.Engine()), slog.String("version", s.config.Version))
	if s.config.Mode != Dev {
		return
	}
	url := s.URL()
	_, port, _ := net.SplitHostPort(s.Addr())
	fmt.Fprintf(out, `
Point a client here. Any access key and secret will do (%s).

  environment     export AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER=%[2]s AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=dev AWS_SECRET_ACCESS_KEY=dev
                  (AWS CLI 2.13+, and current SDKs for Go, Java, JavaScript, Python, .NET, Rust)
  AWS CLI         aws --endpoint-url %[2]s cognito-idp list-user-pools --max-results 10
  boto3           boto3.client("cognito-idp", endpoint_url="%[2]s")
  JavaScript v3   new CognitoIdentityProviderClient({ endpoint: "%[2]s" })
  Go              cognitoidentityprovider.New(…{ BaseEndpoint: aws.String("%[2]s") })
  identity-js     new CognitoUserPool({ UserPoolId, ClientId, endpoint: "%[2]s" })
  Amplify         Auth: { Cognito: { userPoolId, userPoolClientId, userPoolEndpoint: "%[2]s" } }
  Terraform       provider "aws" { endpoints { cognitoidp = "%[2]s" } }

  issuer          %[3]s/<pool id>
  login pages     http://<domain>.auth.localhost:%[4]s/login, or %[2]s/_domain/<domain>/login
  their preview   %[2]s/_cognate/preview
  mail and SMS    %[2]s/_cognate/inbox
  clock           %[2]s/_cognate/clock

`, "unsigned calls: "+map[bool]string{true: "accepted", false: "refused as by Cognito; --allow-unsigned lets them in"}[s.config.AllowUnsigned],
		url, s.services.issuerBase("<region>"), port)
	if addr := s.HTTPSAddr(); addr != "" {
		_, port, _ := net.SplitHostPort(addr)
		fmt.Fprintf(out, `  TLS             https://localhost:%s, and https://<domain>.auth.localhost:%[1]s for login pages
  authority       %[2]s
    Node.js       export NODE_EXTRA_CA_CERTS=%[2]s
    curl          curl --cacert %[2]s
    Chromium      mkdir -p $HOME/.pki/nssdb && certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n cognate -i %[2]s

`, port, s.authorityFile)
	}
	if addr := s.GatewayAddr(); addr != "" {
		fmt.Fprintf(out, "  gateway         aws --endpoint-url http://%s s3 ls, with an access key that IAM has made (docs/gateway.md)\n\n", addr)
	}
	if f := s.services.triggers.folder; f != nil {
		for _, name := range f.Names() {
			fmt.Fprintf(out, "  function        arn:aws:lambda:us-east-1:%s:function:%s\n", s.config.AccountID, name)
		}
		fmt.Fprintln(out)
	}
}
