package pool

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
)

// FlowName names a way to sign in, as AuthFlow of InitiateAuth does. Synonyms are equal.
type FlowName = idp.AuthFlowType

// flows is a set of ways to sign in.
type flows uint8

const (
	flowUserSRP flows = 1 << iota
	flowUserPassword
	flowAdminUserPassword
	flowCustom
	flowRefresh
	flowUser
)

// flowBits returns the flow of each AuthFlow.
var flowBits = map[FlowName]flows{
	idp.AuthFlowTypeUserSrpAuth:           flowUserSRP,
	idp.AuthFlowTypeUserPasswordAuth:      flowUserPassword,
	idp.AuthFlowTypeAdminUserPasswordAuth: flowAdminUserPassword,
	idp.AuthFlowTypeAdminNoSrpAuth:        flowAdminUserPassword,
	idp.AuthFlowTypeCustomAuth:            flowCustom,
	idp.AuthFlowTypeRefreshTokenAuth:      flowRefresh,
	idp.AuthFlowTypeRefreshToken:          flowRefresh,
	idp.AuthFlowTypeUserAuth:              flowUser,
}

// modernFlows and legacyFlows are the flows that each value of ExplicitAuthFlows allows.
// A client's list holds values of one of the two families only.
var (
	modernFlows = map[idp.ExplicitAuthFlowsType]flows{
		idp.ExplicitAuthFlowsTypeAllowUserSrpAuth:           flowUserSRP,
		idp.ExplicitAuthFlowsTypeAllowUserPasswordAuth:      flowUserPassword,
		idp.ExplicitAuthFlowsTypeAllowAdminUserPasswordAuth: flowAdminUserPassword,
		idp.ExplicitAuthFlowsTypeAllowCustomAuth:            flowCustom,
		idp.ExplicitAuthFlowsTypeAllowRefreshTokenAuth:      flowRefresh,
		idp.ExplicitAuthFlowsTypeAllowUserAuth:              flowUser,
		idp.ExplicitAuthFlowsTypeAllowClientTokenAuth:       0,
	}
	legacyFlows = map[idp.ExplicitAuthFlowsType]flows{
		idp.ExplicitAuthFlowsTypeAdminNoSrpAuth:     flowAdminUserPassword,
		idp.ExplicitAuthFlowsTypeUserPasswordAuth:   flowUserPassword,
		idp.ExplicitAuthFlowsTypeCustomAuthFlowOnly: flowCustom,
	}
)

// flowsOf returns the flows that a client's list allows (Cognito: ExplicitAuthFlows). An
// empty list and legacy values imply SRP, custom and refresh, except that
// CUSTOM_AUTH_FLOW_ONLY forbids SRP. Rotation removes REFRESH_TOKEN_AUTH.
func flowsOf(list []idp.ExplicitAuthFlowsType, rotation bool) flows {
	var f flows
	legacy, customOnly := true, false
	for _, name := range list {
		if bits, ok := modernFlows[name]; ok {
			legacy = false
			f |= bits
			continue
		}
		f |= legacyFlows[name]
		customOnly = customOnly || name == idp.ExplicitAuthFlowsTypeCustomAuthFlowOnly
	}
	if legacy {
		f |= flowCustom | flowRefresh
		if !customOnly {
			f |= flowUserSRP
		}
	}
	if rotation {
		f &^= flowRefresh
	}
	return f
}

// Client is an app client's settings at one moment. Like a snapshot it never changes.
type Client struct {
	ID, Name, PoolID string
	Version          int64

	// Config is the client as DescribeUserPoolClient shows it, but for its secret.
	Config idp.UserPoolClientType
	// Secrets are the live secrets, the oldest first. A public client has no secret.
	Secrets []Secret

	AccessTTL, IDTTL, RefreshTTL, SessionTTL time.Duration

	// PreventExistence hides whether a user exists.
	PreventExistence bool
	// Revocation is true if tokens can be revoked one by one.
	Revocation bool
	// Rotation replaces a refresh token at each use. The old token stays valid for
	// RotationGrace.
	Rotation      bool
	RotationGrace time.Duration
	// SSOReuse is how long after a fresh sign-in the client may reuse the browser's
	// session, in a pool that tracks sessions.
	SSOReuse time.Duration

	flows       flows
	read, write AttributeSet // nil: no restriction
}

// Secret is a live client secret. It prints and logs as its id only.
type Secret struct {
	ID        string
	CreatedAt time.Time
	value     string
}

// String returns the secret's id, never its value.
func (s Secret) String() string { return s.ID }

// GoString returns the secret's id, never its value.
func (s Secret) GoString() string { return s.ID }

// LogValue returns the secret's id, never its value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.ID) }

// clientSettings is the stored document of a client.
type clientSettings struct {
	// Config leaves out what the record's columns hold, and the secret.
	Config  idp.UserPoolClientType
	Secrets []sealedSecret `json:",omitempty"`
	// SSOMinutes is how long the client reuses an SSO session, nil if it was never set.
	SSOMinutes *int32 `json:",omitempty"`
}

// sealedSecret is a secret at rest.
type sealedSecret struct {
	ID        string
	CreatedAt time.Time
	Sealed    []byte
}

func decodeClient(r *store.Client) (*clientSettings, error) {
	var d clientSettings
	if err := json.Unmarshal(r.Doc, &d); err != nil {
		return nil, fmt.Errorf("pool: settings of client %s: %w", r.ID, err)
	}
	// Earlier versions stored empty lists, which restrict nothing.
	d.Config.ReadAttributes, d.Config.WriteAttributes = distinct(d.Config.ReadAttributes), distinct(d.Config.WriteAttributes)
	return &d, nil
}

// openClient reads a record and opens its secrets.
func (s *Service) openClient(r *store.Client) (*Client, error) {
	d, err := decodeClient(r)
	if err != nil {
		return nil, err
	}
	return s.clientOf(r, d)
}

func (s *Service) clientOf(r *store.Client, d *clientSettings) (*Client, error) {
	cfg := d.Config
	cfg.UserPoolId, cfg.ClientId, cfg.ClientName = new(r.PoolID), new(r.ID), new(r.Name)
	cfg.CreationDate, cfg.LastModifiedDate = r.CreatedAt, r.ModifiedAt

	rotation := cfg.RefreshTokenRotation
	c := &Client{
		ID: r.ID, Name: r.Name, PoolID: r.PoolID, Version: r.Version,
		Config:           cfg,
		PreventExistence: cfg.PreventUserExistenceErrors == idp.PreventUserExistenceErrorTypesEnabled,
		Revocation:       api.Val(cfg.EnableTokenRevocation),
		Rotation:         rotation != nil && rotation.Feature == idp.FeatureTypeEnabled,
	}
	if c.Rotation {
		c.RotationGrace = time.Duration(api.Val(rotation.RetryGracePeriodSeconds)) * time.Second
	}
	c.SSOReuse = time.Duration(d.ssoMinutes()) * time.Minute
	c.flows = flowsOf(cfg.ExplicitAuthFlows, c.Rotation)
	c.AccessTTL, c.IDTTL, c.RefreshTTL = tokenLifetimes(&cfg)
	c.SessionTTL = time.Duration(api.Val(cfg.AuthSessionValidity)) * time.Minute
	if cfg.ReadAttributes != nil {
		c.read = attributeSet(cfg.ReadAttributes)
	}
	if cfg.WriteAttributes != nil {
		c.write = attributeSet(cfg.WriteAttributes)
	}
	for _, sealed := range d.Secrets {
		value, err := s.deps.Ring.Open(keys.PurposeClientSecret, secretContext(r.PoolID, r.ID, sealed.ID), sealed.Sealed)
		if err != nil {
			return nil, fmt.Errorf("pool: secret %s: %w", sealed.ID, err)
		}
		c.Secrets = append(c.Secrets, Secret{ID: sealed.ID, CreatedAt: sealed.CreatedAt, value: string(value)})
	}
	return c, nil
}

// Allows reports whether the client may sign people in this way. Refreshing by
// GetTokensFromRefreshToken needs no permission.
func (c *Client) Allows(flow FlowName) bool { return c.flows&flowBits[flow] != 0 }

// CanRead reports whether users of the client may see the attribute. Only administrators
// see attributes for developers.
func (c *Client) CanRead(attribute string) bool {
	if schema.IsDeveloperOnly(attribute) {
		return false
	}
	return c.read == nil || attribute == schema.Sub || attribute == schema.Identities || c.read[attribute]
}

// CanWrite reports whether users of the client may set the attribute.
func (c *Client) CanWrite(attribute string) bool {
	if schema.IsServiceOnly(attribute) || schema.IsDeveloperOnly(attribute) {
		return false
	}
	return c.write == nil || c.write[attribute]
}

// CheckSecretHash checks SECRET_HASH for the username of the same request, as it was
// sent. Nil or empty means that the request has no hash.
func (c *Client) CheckSecretHash(username string, hash *string) error {
	got := api.Val(hash)
	switch {
	case len(c.Secrets) == 0 && got == "":
		return nil
	case len(c.Secrets) > 0 && got == "":
		return idp.NotAuthorizedException("Client " + c.ID + " is configured with secret but SECRET_HASH was not received").WithReason(api.ReasonBadSecretHash)
	case !c.SecretHashMatches(username, got):
		return idp.NotAuthorizedException("Unable to verify secret hash for client " + c.ID).WithReason(api.ReasonBadSecretHash)
	}
	return nil
}

// SecretHashMatches reports whether hash is
// Base64(HMAC-SHA256(secret, username ‖ client id)) under any live secret. It
// takes the same time for every answer.
func (c *Client) SecretHashMatches(username, hash string) bool {
	match := 0
	for _, s := range c.Secrets {
		mac := hmac.New(sha256.New, []byte(s.value))
		mac.Write([]byte(username))
		mac.Write([]byte(c.ID))
		want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
		match |= subtle.ConstantTimeCompare([]byte(want), []byte(hash))
	}
	return match == 1
}

// CheckSecret compares a secret that was sent in clear with all live ones. A public
// client needs none, and a secret that it sends is ignored.
func (c *Client) CheckSecret(secret *string) bool {
	if len(c.Secrets) == 0 {
		return true
	}
	// Hashed first, so that the time taken does not depend on the length.
	got := sha256.Sum256([]byte(api.Val(secret)))
	match := 0
	for _, s := range c.Secrets {
		want := sha256.Sum256([]byte(s.value))
		match |= subtle.ConstantTimeCompare(want[:], got[:])
	}
	return match == 1
}

// tokenLifetimes returns the lifetimes of access, ID and refresh tokens.
func tokenLifetimes(c *idp.UserPoolClientType) (access, id, refresh time.Duration) {
	access, id, refresh = time.Hour, time.Hour, defaultRefresh
	u := c.TokenValidityUnits
	if u == nil {
		u = &idp.TokenValidityUnitsType{}
	}
	if n := api.Val(c.AccessTokenValidity); n != 0 {
		access = time.Duration(n) * unit(u.AccessToken, time.Hour)
	}
	if n := api.Val(c.IdTokenValidity); n != 0 {
		id = time.Duration(n) * unit(u.IdToken, time.Hour)
	}
	if n := api.Val(c.RefreshTokenValidity); n != 0 {
		refresh = time.Duration(n) * unit(u.RefreshToken, 24*time.Hour)
	}
	return access, id, refresh
}

const defaultRefresh = 30 * 24 * time.Hour

func unit(u idp.TimeUnitsType, absent time.Duration) time.Duration {
	switch u {
	case idp.TimeUnitsTypeSeconds:
		return time.Second
	case idp.TimeUnitsTypeMinutes:
		return time.Minute
	case idp.TimeUnitsTypeHours:
		return time.Hour
	case idp.TimeUnitsTypeDays:
		return 24 * time.Hour
	}
	return absent
}
