package outputs

import (
	"bytes"
	"strings"
)

// awsExports are the entries of aws-exports.js of Amplify Gen 1, in the order of Amplify's own.
type awsExports struct {
	ProjectRegion      string          `json:"aws_project_region"`
	IdentityPoolID     string          `json:"aws_cognito_identity_pool_id,omitempty"`
	CognitoRegion      string          `json:"aws_cognito_region"`
	UserPoolID         string          `json:"aws_user_pools_id,omitempty"`
	ClientID           string          `json:"aws_user_pools_web_client_id,omitempty"`
	OAuth              *oauthExports   `json:"oauth,omitempty"`
	UsernameAttributes []string        `json:"aws_cognito_username_attributes"`
	SocialProviders    []string        `json:"aws_cognito_social_providers"`
	SignUpAttributes   []string        `json:"aws_cognito_signup_attributes"`
	MFA                string          `json:"aws_cognito_mfa_configuration"`
	MFATypes           []string        `json:"aws_cognito_mfa_types"`
	Password           passwordExports `json:"aws_cognito_password_protection_settings"`
	Verification       []string        `json:"aws_cognito_verification_mechanisms"`
	MandatorySignIn    string          `json:"aws_mandatory_sign_in,omitempty"`
}

type oauthExports struct {
	Domain       string   `json:"domain"`
	Scope        []string `json:"scope"`
	SignIn       string   `json:"redirectSignIn"`
	SignOut      string   `json:"redirectSignOut"`
	ResponseType string   `json:"responseType"`
}

type passwordExports struct {
	MinLength  int      `json:"passwordPolicyMinLength"`
	Characters []string `json:"passwordPolicyCharacters"`
}

// AWSExports returns aws-exports.js.
func (d *Deployment) AWSExports() ([]byte, error) {
	e := awsExports{
		ProjectRegion: d.Region, CognitoRegion: d.Region, UsernameAttributes: []string{}, SocialProviders: []string{},
		SignUpAttributes: []string{}, MFA: "OFF", MFATypes: []string{}, Verification: []string{},
		Password: passwordExports{MinLength: 8, Characters: []string{}},
	}
	if p := d.IdentityPool; p != nil {
		e.IdentityPoolID = p.ID
		if !p.Guests {
			e.MandatorySignIn = "enable"
		}
	}
	if p := d.UserPool; p != nil {
		e.UserPoolID = p.ID
		e.UsernameAttributes, e.SignUpAttributes = upper(p.UsernameAttributes), upper(p.RequiredAttributes)
		e.Verification = upper(p.VerifiedAttributes)
		if p.MFA != "" {
			e.MFA = p.MFA
		}
		e.MFATypes = orEmpty(p.MFAMethods)
		if w := p.Password; w != nil {
			e.Password = w.exports()
		}
	}
	if c := d.Client; c != nil {
		e.ClientID = c.ID
		if o := c.OAuth; o != nil {
			e.OAuth = &oauthExports{
				o.Domain, orEmpty(o.Scopes), strings.Join(o.CallbackURLs, ","), strings.Join(o.LogoutURLs, ","), o.responseType(),
			}
			for _, name := range o.Providers {
				if social, ok := socialProviders[name]; ok {
					e.SocialProviders = append(e.SocialProviders, strings.ToUpper(social[1]))
				}
			}
		}
	}
	exports, err := indented(e)
	if err != nil {
		return nil, err
	}
	auth, err := indented(d.auth())
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteString("/* eslint-disable */\n")
	out.WriteString("const exported = " + string(bytes.TrimSpace(exports)) + ";\n\n")
	out.WriteString("// The entries above have no place for the endpoint of a development server. Amplify reads it from Auth, but\n")
	out.WriteString("// only if it does not see these entries. So they are not enumerable; an application reads them by name.\n")
	out.WriteString("const awsmobile = { Auth: " + string(bytes.TrimSpace(auth)) + " };\n")
	out.WriteString("for (const [name, value] of Object.entries(exported)) Object.defineProperty(awsmobile, name, { value });\n\n")
	out.WriteString("export default awsmobile;\n")
	return out.Bytes(), nil
}

func (w *PasswordPolicy) exports() passwordExports {
	out := passwordExports{MinLength: w.MinimumLength, Characters: []string{}}
	for _, c := range []struct {
		is   bool
		name string
	}{{w.Lowercase, "LOWERCASE"}, {w.Uppercase, "UPPERCASE"}, {w.Numbers, "NUMBERS"}, {w.Symbols, "SYMBOLS"}} {
		if c.is {
			out.Characters = append(out.Characters, "REQUIRES_"+c.name)
		}
	}
	return out
}

func upper(list []string) []string {
	out := []string{}
	for _, s := range list {
		out = append(out, strings.ToUpper(s))
	}
	return out
}
