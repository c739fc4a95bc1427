package pool

import (
	"context"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/store"
)

// Quotas (Cognito: resource quotas).
const (
	maxPools           = 1000 // in a Region
	maxClients         = 1000 // of a pool
	maxResourceServers = 25   // of a pool
	maxSecrets         = 2    // of a client
	maxCustomDomains   = 4    // of the account
	maxTags            = 50   // of a pool
)

func checkPoolQuota(ctx context.Context, tx *store.Tx, region string) error {
	if err := tx.Turn(ctx, "", "pools of "+region); err != nil {
		return err
	}
	n, err := tx.CountPools(ctx, region)
	return checkQuota(n, err, maxPools, "User pools cannot exceed limit of %d in a Region.")
}

func checkClientQuota(ctx context.Context, tx *store.Tx, poolID string) error {
	n, err := tx.CountClients(ctx, poolID)
	return checkQuota(n, err, maxClients, "User pool clients cannot exceed limit of %d in a user pool.")
}

func checkCustomDomainQuota(ctx context.Context, tx *store.Tx) error {
	if err := tx.Turn(ctx, "", "custom domains"); err != nil {
		return err
	}
	n, err := tx.CountCustomDomains(ctx)
	return checkQuota(n, err, maxCustomDomains, "Custom domains cannot exceed limit of %d in an account.")
}

// checkQuota returns the error for another item if there are already most of them.
func checkQuota(n int, err error, most int, format string) error {
	if err != nil {
		return err
	}
	if n >= most {
		return idp.LimitExceededExceptionf(format, most).WithReason(api.ReasonQuota)
	}
	return nil
}
