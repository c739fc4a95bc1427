package server

import (
	"context"
	"fmt"

	"cognate/internal/identitypool"
	"cognate/internal/keys"
	"cognate/internal/store"
)

// IdentityPoolSettings are the settings of identity pools.
type IdentityPoolSettings struct {
	STSEndpoint  string   `name:"sts-endpoint" group:"Identity pools" placeholder:"URL" help:"Another STS that makes the credentials of identity pools, such as MinIO's; aws is AWS's own. It must trust this server's OpenID tokens. By default this server makes them."`
	GuestActions []string `group:"Identity pools" placeholder:"ACTION" help:"Action that a guest's role may allow, such as s3:*. What the role allows besides is out of a guest's reach. The default is Cognito's list: docs/identity-pools.md."`
}

func (c *Config) checkIdentityPools(add addProblem) {
	if _, err := c.remoteSTS(); err != nil {
		add("sts-endpoint", "%v", err)
	}
	if err := identitypool.CheckGuestActions(c.GuestActions); err != nil {
		add("guest-actions", "%v", err)
	}
}

// remoteSTS returns the other STS; nil without one.
func (c *Config) remoteSTS() (*identitypool.RemoteSTS, error) {
	if c.STSEndpoint == "" {
		return nil, nil
	}
	return identitypool.NewRemoteSTS(c.STSEndpoint)
}

// composeIdentityPools builds identity pools from the services that they use.
func (v *services) composeIdentityPools(c *Config, st *store.Store, pages *keys.PageTokens) error {
	remote, err := c.remoteSTS()
	if err != nil {
		return fmt.Errorf("sts-endpoint: %w", err)
	}
	v.identityPools = identitypool.New(identitypool.Deps{
		Store: st, Pools: v.pools, Tokens: v.tokens, IAM: v.iam, STS: remote, Pages: pages, Issuer: v.identityIssuer,
		External:     identitypool.External{Calls: v.calls, SAML: v.credentials.VerifySAML, Endpoints: v.socialEndpoints},
		GuestActions: c.GuestActions, AccountID: c.AccountID, ChosenIDs: c.Mode == Dev, Now: c.Now,
	})
	return nil
}

// identityExists says for package iam whether the credentials of an identity may still be valid.
func (v *services) identityExists(ctx context.Context, poolID, identityID string) (bool, error) {
	return v.identityPools.Exists(ctx, poolID, identityID)
}
