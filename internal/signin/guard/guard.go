// Package guard describes sign-ins to threat protection: who signs in, from where, and what was proven. It decides nothing.
package guard

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/protection"
	"cognate/internal/signin/progress"
	"cognate/internal/token"
	"cognate/internal/user"
)

// Client is what the caller says about the user's device.
type Client struct {
	// Context is where the user is, if the caller may say so; nil: where the request comes from.
	Context *token.ClientContext
	// EncodedData are the context data of the user's device.
	EncodedData string
	// OnPage says that a page of our own gathered them: they name no user.
	OnPage bool
}

// FromPublic returns what a public client says. The address counts only from a server that has the client's secret, and
// if the client may send it (Cognito: EnablePropagateAdditionalUserContextData).
func FromPublic(client *pool.Client, d *idp.UserContextDataType) Client {
	if d == nil {
		return Client{}
	}
	c := Client{EncodedData: api.Val(d.EncodedData)}
	if !api.Val(client.Config.EnablePropagateAdditionalUserContextData) || len(client.Secrets) == 0 {
		return c
	}
	if a, err := netip.ParseAddr(strings.TrimSpace(api.Val(d.IpAddress))); err == nil {
		c.Context = &token.ClientContext{Address: a.Unmap().WithZone("").String()}
	}
	return c
}

// FromAdmin returns what an administrator says.
func FromAdmin(d *idp.ContextDataType) Client {
	if d == nil {
		return Client{}
	}
	return Client{Context: token.ClientContextOf(d), EncodedData: api.Val(d.EncodedData)}
}

// Source returns where the user is. address is that of the user, as far as it is known. ofServer is true for requests that
// come from a server of the administrator.
func (c Client) Source(ctx context.Context, address string, ofServer bool) protection.Source {
	s := protection.Source{Address: address, EncodedData: c.EncodedData}
	switch {
	case c.Context != nil:
		s.UserAgent = c.Context.UserAgent
	case !ofServer:
		s.UserAgent = api.RequestFrom(ctx).UserAgent
	}
	return s
}

// Names returns the names that the context data may have for the user.
func (c Client) Names(typed string, u *user.User) []string {
	if c.EncodedData == "" || c.OnPage {
		return nil
	}
	return []string{typed, u.Username(), u.Attributes["email"], u.Attributes["phone_number"], u.Attributes["preferred_username"]}
}

// Email returns the user's verified address, or "".
func Email(u *user.User) string {
	if !u.Verified("email") {
		return ""
	}
	return u.Attributes["email"]
}

// WrongPassword adds to a description that the password was wrong.
func WrongPassword(in *protection.SignIn) {
	in.WrongPassword = true
	in.Challenges = []protection.Challenge{{Name: idp.ChallengeNamePassword, Response: idp.ChallengeResponseFailure}}
}

// FirstFactor adds to a description what the first factor has proven. It returns whether a second factor can be asked for.
func FirstFactor(in *protection.SignIn, p *progress.Progress, u *user.User, cred *user.Credential, password string) (asks bool) {
	m := in.Pool.MFA
	in.PasswordChanged = cred.SetAt
	if p.ByPassword() {
		in.Challenges = []protection.Challenge{{Name: idp.ChallengeNamePassword, Response: idp.ChallengeResponseSuccess}}
	}
	if slices.Contains(p.Passed, idp.ChallengeNameTypePassword) {
		in.Password = password
	}
	passkey := slices.Contains(p.Passed, idp.ChallengeNameTypeWebAuthn)
	in.VerifiedPasskey = passkey && in.Pool.PasskeysAreTwoFactors()
	asks = !passkey && (p.ByPassword() || in.Custom) && m.Mode != idp.UserPoolMfaTypeOff && m.Mode != ""
	in.CanPassMFA = in.VerifiedPasskey || asks && (len(u.UsableFactors(m)) > 0 || u.ImplicitFactor(m) != "")
	return asks
}

// Refusal returns the answer to a sign-in that is too risky (Cognito: threat protection).
func Refusal() error {
	return idp.NotAuthorizedException("Unable to login because of security reasons.").WithReason(api.ReasonRisk)
}

// ResetRequired returns the answer to a password that attackers know.
func ResetRequired() error {
	return idp.PasswordResetRequiredException("Password reset required for user due to security reasons").WithReason(api.ReasonRisk)
}
