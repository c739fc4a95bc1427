package store

import "context"

// The quotas keep what is counted here few; nothing of a pool's people is counted by scanning.
var (
	poolCount         = prepare("SELECT COUNT(*) FROM pools WHERE region = ?")
	clientCount       = prepare("SELECT COUNT(*) FROM clients WHERE pool_id = ?")
	customDomainCount = prepare("SELECT COUNT(*) FROM domains WHERE domain LIKE '%.%'")
)

// CountPools counts a region's pools.
func (r *Reader) CountPools(ctx context.Context, region string) (n int, err error) {
	err = r.one(ctx, poolCount, []any{region}, &n)
	return n, err
}

// CountClients counts a pool's clients.
func (r *Reader) CountClients(ctx context.Context, poolID string) (n int, err error) {
	err = r.one(ctx, clientCount, []any{poolID}, &n)
	return n, err
}

// CountCustomDomains counts the domains that are whole host names, of all pools.
func (r *Reader) CountCustomDomains(ctx context.Context) (n int, err error) {
	err = r.one(ctx, customDomainCount, nil, &n)
	return n, err
}
