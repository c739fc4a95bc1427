package contents

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"

	"cognate/internal/template/deploy"
	"cognate/internal/template/outputs"
)

// writeFiles writes the files from which applications read the ids of the template's resources.
func (c *Contents) writeFiles(made *deploy.Result) error {
	if c.settings.AmplifyOutputs == "" && c.settings.AWSExports == "" && c.settings.EnvFile == "" {
		return nil
	}
	d := describe(made, cmp.Or(c.settings.StackRegion, defaultRegion), c.endpoint, c.domains)
	return errors.Join(
		writeFile(c.settings.AmplifyOutputs, d.AmplifyOutputs),
		writeFile(c.settings.AWSExports, d.AWSExports),
		writeFile(c.settings.EnvFile, func() ([]byte, error) { return d.Env(), nil }),
	)
}

// writeFile replaces a file in one step. It does not touch a file that has the text already, because build
// tools watch it. Without a name it does nothing.
func writeFile(name string, content func() ([]byte, error)) error {
	if name == "" {
		return nil
	}
	text, err := content()
	if err != nil {
		return err
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real // A link stays one.
	}
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, text) {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(0o600), f.Close()); err == nil { // The file may have the secret of an app client.
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// describe returns the resources of a template for the writers of files. Amplify's files have the first user
// pool, the first of its app clients and the first identity pool. An app client without a secret is preferred,
// because Amplify does not send secrets.
func describe(made *deploy.Result, region, endpoint, domains string) *outputs.Deployment {
	d := &outputs.Deployment{Region: region, Endpoint: endpoint, Custom: map[string]string{}}
	var pool, client *deploy.Resource
	for i := range made.Resources {
		r := &made.Resources[i]
		suffix := ""
		switch r.Type {
		case "AWS::Cognito::UserPool":
			suffix = "ID"
			if pool == nil {
				pool = r
			}
		case "AWS::Cognito::UserPoolClient":
			suffix = "ID"
			secret, isSecret := r.Attributes["ClientSecret"].(string)
			if better := client == nil || client.Attributes["ClientSecret"] != nil && !isSecret; better && (pool == nil || r.Members["UserPoolId"] == pool.Ref) {
				client = r
			}
			if isSecret {
				d.Values = append(d.Values, outputs.Value{Name: outputs.Variable(r.Path, "SECRET"), Value: secret})
			}
		case "AWS::Cognito::IdentityPool":
			suffix = "ID"
			if d.IdentityPool == nil {
				d.IdentityPool = &outputs.IdentityPool{ID: r.Ref, Guests: r.Members["AllowUnauthenticatedIdentities"] == true}
			}
		}
		if suffix != "" {
			d.Values = append(d.Values, outputs.Value{Name: outputs.Variable(r.Path, suffix), Value: r.Ref})
		}
	}
	if pool != nil {
		d.UserPool = describePool(made, pool)
	}
	if client != nil {
		d.Client = describeClient(made, pool, client, domains)
	}
	for _, o := range made.Outputs {
		if o.Nested() {
			continue
		}
		d.Custom[o.Name] = o.Value
		d.Values = append(d.Values, outputs.Value{Name: outputs.Variable(o.Name, ""), Value: o.Value})
	}
	return d
}

func describePool(made *deploy.Result, pool *deploy.Resource) *outputs.UserPool {
	m := pool.Members
	p := &outputs.UserPool{
		ID: pool.Ref, UsernameAttributes: texts(m["UsernameAttributes"]), AliasAttributes: texts(m["AliasAttributes"]),
		VerifiedAttributes: texts(m["AutoVerifiedAttributes"]), MFA: text(m["MfaConfiguration"]),
		VerificationLink: text(object(m["VerificationMessageTemplate"])["DefaultEmailOption"]) == "CONFIRM_WITH_LINK",
	}
	for _, e := range list(m["Schema"]) {
		if a := object(e); a["Required"] == true {
			p.RequiredAttributes = append(p.RequiredAttributes, text(a["Name"]))
		}
	}
	for _, factor := range texts(m["EnabledMfas"]) {
		p.MFAMethods = append(p.MFAMethods, map[string]string{"SMS_MFA": "SMS", "SOFTWARE_TOKEN_MFA": "TOTP", "EMAIL_OTP": "EMAIL"}[factor])
	}
	policies := object(m["Policies"])
	if w := object(policies["PasswordPolicy"]); len(w) > 0 {
		length, _ := w["MinimumLength"].(float64)
		p.Password = &outputs.PasswordPolicy{
			MinimumLength: max(int(length), 6), Lowercase: w["RequireLowercase"] == true, Uppercase: w["RequireUppercase"] == true,
			Numbers: w["RequireNumbers"] == true, Symbols: w["RequireSymbols"] == true,
		}
	}
	if factors := texts(object(policies["SignInPolicy"])["AllowedFirstAuthFactors"]); len(factors) > 0 {
		p.Passwordless = &outputs.Passwordless{
			EmailOTP: slices.Contains(factors, "EMAIL_OTP"), SMSOTP: slices.Contains(factors, "SMS_OTP"), UserVerification: text(m["WebAuthnUserVerification"]),
		}
		if slices.Contains(factors, "WEB_AUTHN") {
			p.Passwordless.RelyingParty = text(m["WebAuthnRelyingPartyID"])
		}
	}
	for _, r := range made.Resources {
		if r.Type != "AWS::Cognito::UserPoolGroup" || r.Members["UserPoolId"] != pool.Ref {
			continue
		}
		g := outputs.Group{Name: r.Ref}
		if n, ok := r.Members["Precedence"].(float64); ok {
			g.Precedence = new(int(n))
		}
		p.Groups = append(p.Groups, g)
	}
	return p
}

func describeClient(made *deploy.Result, pool, client *deploy.Resource, domains string) *outputs.Client {
	m := client.Members
	c := &outputs.Client{ID: client.Ref}
	if pool == nil || m["AllowedOAuthFlowsUserPoolClient"] != true {
		return c
	}
	flows := texts(m["AllowedOAuthFlows"])
	o := &outputs.OAuth{
		Scopes: texts(m["AllowedOAuthScopes"]), CallbackURLs: texts(m["CallbackURLs"]), LogoutURLs: texts(m["LogoutURLs"]),
		Implicit: slices.Contains(flows, "implicit") && !slices.Contains(flows, "code"),
	}
	for _, name := range texts(m["SupportedIdentityProviders"]) {
		if name != "COGNITO" {
			o.Providers = append(o.Providers, name)
		}
	}
	for _, r := range made.Resources {
		if r.Type == "AWS::Cognito::UserPoolDomain" && r.Members["UserPoolId"] == pool.Ref {
			o.Domain = domainHost(r.Ref, r.Members["CustomDomainConfig"] != nil, domains)
			c.OAuth = o
			break
		}
	}
	return c
}

// domainHost returns the host of a domain on this machine.
func domainHost(domain string, custom bool, address string) string {
	_, port, err := net.SplitHostPort(address)
	if custom || err != nil {
		return domain
	}
	return fmt.Sprintf("%s.auth.localhost:%s", domain, port)
}

func object(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

func list(value any) []any {
	l, _ := value.([]any)
	return l
}

func text(value any) string {
	s, _ := value.(string)
	return s
}

func texts(value any) []string {
	var out []string
	for _, e := range list(value) {
		out = append(out, text(e))
	}
	return out
}
