package outputs

import "slices"

// resources is the part Auth of Amplify's own configuration (its type ResourcesConfig). Only this form has
// entries for endpoints. The forms of amplify_outputs.json and aws-exports.js have no such entries.
type resources struct {
	Cognito cognito `json:"Cognito"`
}

type cognito struct {
	UserPoolID           string                      `json:"userPoolId,omitempty"`
	UserPoolClientID     string                      `json:"userPoolClientId,omitempty"`
	UserPoolEndpoint     string                      `json:"userPoolEndpoint,omitempty"`
	IdentityPoolID       string                      `json:"identityPoolId,omitempty"`
	IdentityPoolEndpoint string                      `json:"identityPoolEndpoint,omitempty"`
	AllowGuestAccess     *bool                       `json:"allowGuestAccess,omitempty"`
	VerificationMethod   string                      `json:"signUpVerificationMethod,omitempty"`
	LoginWith            *loginWith                  `json:"loginWith,omitempty"`
	UserAttributes       map[string]required         `json:"userAttributes,omitempty"`
	MFA                  *mfa                        `json:"mfa,omitempty"`
	PasswordFormat       *passwordFormat             `json:"passwordFormat,omitempty"`
	Groups               []map[string]map[string]int `json:"groups,omitempty"`
	Passwordless         *passwordless               `json:"passwordless,omitempty"`
}

type required struct {
	Required bool `json:"required"`
}

type loginWith struct {
	Username bool         `json:"username"`
	Email    bool         `json:"email"`
	Phone    bool         `json:"phone"`
	OAuth    *oauthConfig `json:"oauth,omitempty"`
}

type oauthConfig struct {
	Domain          string   `json:"domain"`
	Scopes          []string `json:"scopes"`
	RedirectSignIn  []string `json:"redirectSignIn"`
	RedirectSignOut []string `json:"redirectSignOut"`
	ResponseType    string   `json:"responseType"`
	Providers       []any    `json:"providers,omitempty"`
}

type mfa struct {
	Status      string `json:"status"`
	TOTPEnabled bool   `json:"totpEnabled"`
	SMSEnabled  bool   `json:"smsEnabled"`
}

type passwordFormat struct {
	MinLength                int  `json:"minLength"`
	RequireLowercase         bool `json:"requireLowercase"`
	RequireUppercase         bool `json:"requireUppercase"`
	RequireNumbers           bool `json:"requireNumbers"`
	RequireSpecialCharacters bool `json:"requireSpecialCharacters"`
}

type passwordless struct {
	EmailOTPEnabled bool      `json:"emailOtpEnabled"`
	SMSOTPEnabled   bool      `json:"smsOtpEnabled"`
	WebAuthn        *webAuthn `json:"webAuthn,omitempty"`
}

type webAuthn struct {
	RelyingPartyID   string `json:"relyingPartyId"`
	UserVerification string `json:"userVerification,omitempty"`
}

// auth returns Amplify's own configuration.
func (d *Deployment) auth() resources {
	var c cognito
	if p := d.UserPool; p != nil {
		c.UserPoolID, c.UserPoolEndpoint = p.ID, d.Endpoint
		c.VerificationMethod = "code"
		if p.VerificationLink {
			c.VerificationMethod = "link"
		}
		attributes := p.signInAttributes()
		c.LoginWith = &loginWith{
			Username: len(p.UsernameAttributes) == 0,
			Email:    slices.Contains(attributes, "email"), Phone: slices.Contains(attributes, "phone_number"),
		}
		c.UserAttributes = map[string]required{}
		for _, name := range p.RequiredAttributes {
			c.UserAttributes[name] = required{true}
		}
		c.MFA = &mfa{
			Status:      map[string]string{"ON": "on", "OPTIONAL": "optional"}[p.MFA],
			TOTPEnabled: slices.Contains(p.MFAMethods, "TOTP"), SMSEnabled: slices.Contains(p.MFAMethods, "SMS"),
		}
		if c.MFA.Status == "" {
			c.MFA.Status = "off"
		}
		if w := p.Password; w != nil {
			c.PasswordFormat = &passwordFormat{w.MinimumLength, w.Lowercase, w.Uppercase, w.Numbers, w.Symbols}
		}
		if f := p.Passwordless; f != nil {
			c.Passwordless = &passwordless{EmailOTPEnabled: f.EmailOTP, SMSOTPEnabled: f.SMSOTP}
			if f.RelyingParty != "" {
				c.Passwordless.WebAuthn = &webAuthn{f.RelyingParty, f.UserVerification}
			}
		}
		c.Groups = p.groups()
	}
	if client := d.Client; client != nil {
		c.UserPoolClientID = client.ID
		if o := client.OAuth; o != nil && c.LoginWith != nil {
			c.LoginWith.OAuth = &oauthConfig{
				Domain: o.Domain, Scopes: orEmpty(o.Scopes), RedirectSignIn: orEmpty(o.CallbackURLs),
				RedirectSignOut: orEmpty(o.LogoutURLs), ResponseType: o.responseType(),
			}
			for _, name := range o.Providers {
				var provider any = map[string]string{"custom": name}
				if social, ok := socialProviders[name]; ok {
					provider = social[1]
				}
				c.LoginWith.OAuth.Providers = append(c.LoginWith.OAuth.Providers, provider)
			}
		}
	}
	if p := d.IdentityPool; p != nil {
		c.IdentityPoolID, c.IdentityPoolEndpoint = p.ID, d.Endpoint
		c.AllowGuestAccess = &p.Guests
	}
	return resources{c}
}

// signInAttributes returns the attributes that people may sign in with.
func (p *UserPool) signInAttributes() []string {
	if len(p.UsernameAttributes) > 0 {
		return p.UsernameAttributes
	}
	return p.AliasAttributes
}

func (p *UserPool) groups() []map[string]map[string]int {
	var out []map[string]map[string]int
	for _, g := range p.Groups {
		settings := map[string]int{}
		if g.Precedence != nil {
			settings["precedence"] = *g.Precedence
		}
		out = append(out, map[string]map[string]int{g.Name: settings})
	}
	return out
}

func (o *OAuth) responseType() string {
	if o.Implicit {
		return "token"
	}
	return "code"
}

// amplifyOutputs is amplify_outputs.json of Amplify Gen 2. It has no entry "version": with a version, Amplify
// reads the entry "auth", which has no endpoints. Without a version, Amplify reads the entry "Auth".
type amplifyOutputs struct {
	Comment string            `json:"_comment"`
	Auth    resources         `json:"Auth"`
	Outputs *authOutputs      `json:"auth,omitempty"`
	Custom  map[string]string `json:"custom,omitempty"`
}

type authOutputs struct {
	Region             string                      `json:"aws_region"`
	UserPoolID         string                      `json:"user_pool_id,omitempty"`
	ClientID           string                      `json:"user_pool_client_id,omitempty"`
	IdentityPoolID     string                      `json:"identity_pool_id,omitempty"`
	MFAMethods         []string                    `json:"mfa_methods"`
	Required           []string                    `json:"standard_required_attributes"`
	UsernameAttributes []string                    `json:"username_attributes"`
	VerificationTypes  []string                    `json:"user_verification_types"`
	Groups             []map[string]map[string]int `json:"groups"`
	MFA                string                      `json:"mfa_configuration"`
	Password           *passwordOutputs            `json:"password_policy,omitempty"`
	OAuth              *oauthOutputs               `json:"oauth,omitempty"`
	Guests             bool                        `json:"unauthenticated_identities_enabled"`
	Passwordless       *passwordlessOutputs        `json:"passwordless,omitempty"`
}

type passwordOutputs struct {
	MinLength int  `json:"min_length"`
	Lowercase bool `json:"require_lowercase"`
	Numbers   bool `json:"require_numbers"`
	Symbols   bool `json:"require_symbols"`
	Uppercase bool `json:"require_uppercase"`
}

type oauthOutputs struct {
	Providers    []string `json:"identity_providers"`
	Domain       string   `json:"domain"`
	Scopes       []string `json:"scopes"`
	SignIn       []string `json:"redirect_sign_in_uri"`
	SignOut      []string `json:"redirect_sign_out_uri"`
	ResponseType string   `json:"response_type"`
}

type passwordlessOutputs struct {
	EmailOTP bool             `json:"email_otp_enabled"`
	SMSOTP   bool             `json:"sms_otp_enabled"`
	WebAuthn *webAuthnOutputs `json:"web_authn,omitempty"`
}

type webAuthnOutputs struct {
	RelyingPartyID   string `json:"relying_party_id"`
	UserVerification string `json:"user_verification,omitempty"`
}

// AmplifyOutputs returns amplify_outputs.json. Amplify.configure accepts it like the file of a deployment in AWS.
func (d *Deployment) AmplifyOutputs() ([]byte, error) {
	out := amplifyOutputs{
		Comment: "Amplify reads Auth, which names the endpoints of the development server. The file has no version: with one, Amplify would read auth and call AWS.",
		Auth:    d.auth(), Custom: d.Custom,
	}
	a := &authOutputs{Region: d.Region, Guests: d.IdentityPool != nil && d.IdentityPool.Guests, MFA: "NONE"}
	if d.IdentityPool != nil {
		a.IdentityPoolID = d.IdentityPool.ID
	}
	a.MFAMethods, a.Required, a.UsernameAttributes, a.VerificationTypes = []string{}, []string{}, []string{}, []string{}
	a.Groups = []map[string]map[string]int{}
	if p := d.UserPool; p != nil {
		a.UserPoolID = p.ID
		a.MFAMethods, a.Required = orEmpty(p.MFAMethods), orEmpty(p.RequiredAttributes)
		a.UsernameAttributes, a.VerificationTypes = orEmpty(p.signInAttributes()), orEmpty(p.VerifiedAttributes)
		if groups := p.groups(); groups != nil {
			a.Groups = groups
		}
		if mode, ok := map[string]string{"ON": "REQUIRED", "OPTIONAL": "OPTIONAL"}[p.MFA]; ok {
			a.MFA = mode
		}
		if w := p.Password; w != nil {
			a.Password = &passwordOutputs{w.MinimumLength, w.Lowercase, w.Numbers, w.Symbols, w.Uppercase}
		}
		if f := p.Passwordless; f != nil {
			a.Passwordless = &passwordlessOutputs{EmailOTP: f.EmailOTP, SMSOTP: f.SMSOTP}
			if f.RelyingParty != "" {
				a.Passwordless.WebAuthn = &webAuthnOutputs{f.RelyingParty, f.UserVerification}
			}
		}
	}
	if client := d.Client; client != nil {
		a.ClientID = client.ID
		if o := client.OAuth; o != nil {
			a.OAuth = &oauthOutputs{
				Providers: []string{}, Domain: o.Domain, Scopes: orEmpty(o.Scopes), SignIn: orEmpty(o.CallbackURLs),
				SignOut: orEmpty(o.LogoutURLs), ResponseType: o.responseType(),
			}
			for _, name := range o.Providers {
				if social, ok := socialProviders[name]; ok {
					a.OAuth.Providers = append(a.OAuth.Providers, social[0])
				}
			}
		}
	}
	out.Outputs = a
	return indented(out)
}
