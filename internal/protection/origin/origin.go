// Package origin reads what callers say about the user's device, for threat protection. It decides nothing.
package origin

import (
	"context"
	"net/netip"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/protection"
	"cognate/internal/token"
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

// FromPage returns what a login page says.
func FromPage(encodedData string) Client { return Client{EncodedData: encodedData, OnPage: true} }

// Address returns the address of the user in a public operation.
func (c Client) Address(ctx context.Context) string {
	if c.Context != nil {
		return c.Context.Address
	}
	return api.RequestFrom(ctx).SourceIP
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

// Names returns the names that the context data may have for the user: the typed one, the username and those among the
// attributes.
func (c Client) Names(typed, username string, attributes map[string]string) []string {
	if c.EncodedData == "" || c.OnPage {
		return nil
	}
	return []string{typed, username, attributes["email"], attributes["phone_number"], attributes["preferred_username"]}
}
