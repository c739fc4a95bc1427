package server

import (
	"context"

	"cognate/internal/identitypool"
)

// IdentityPoolSettings are the settings of identity pools.
type IdentityPoolSettings struct {
	GuestActions []string `group:"Identity pools" placeholder:"ACTION" help:"Action that a guest's role may allow, such as s3:*. What the role allows besides is out of a guest's reach. The default is Cognito's list: docs/identity-pools.md."`
}

func (c *Config) checkIdentityPools(add addProblem) {
	if err := identitypool.CheckGuestActions(c.GuestActions); err != nil {
		add("guest-actions", "%v", err)
	}
}

// identityExists says for package iam whether the credentials of an identity may still be valid.
func (v *services) identityExists(ctx context.Context, poolID, identityID string) (bool, error) {
	return v.identityPools.Exists(ctx, poolID, identityID)
}
