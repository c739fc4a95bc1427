package store

import "context"

const domainColumns = "domain, pool_id, version, created_at, modified_at, doc"

var (
	domainByName  = prepare("SELECT " + domainColumns + " FROM domains WHERE domain = ?")
	domainsOfPool = prepare("SELECT " + domainColumns + " FROM domains WHERE pool_id = ? ORDER BY domain")
	domainInsert  = prepare("INSERT INTO domains (" + domainColumns + ") VALUES (?, ?, 1, ?, ?, ?) ON CONFLICT DO NOTHING")
	domainUpdate  = prepare("UPDATE domains SET modified_at = ?, doc = ?, version = version + 1 WHERE domain = ? AND version = ?")
	domainDelete  = prepare("DELETE FROM domains WHERE domain = ?")
)

func scanDomain(r row, d *Domain) error {
	return r.scan(&d.Domain, &d.PoolID, &d.Version, &d.CreatedAt, &d.ModifiedAt, &d.Doc)
}

// Domain reads a login domain.
func (r *Reader) Domain(ctx context.Context, domain string) (Domain, error) {
	return first(ctx, r, domainByName, []any{domain}, scanDomain)
}

// DomainsOf lists a pool's domains.
func (r *Reader) DomainsOf(ctx context.Context, poolID string) ([]Domain, error) {
	return all(ctx, r, domainsOfPool, []any{poolID}, scanDomain)
}

// InsertDomain adds a domain, which no other pool may have.
func (tx *Tx) InsertDomain(ctx context.Context, d Domain) error {
	return tx.insert(ctx, "domain", domainInsert, d.Domain, d.PoolID, d.CreatedAt, d.ModifiedAt, d.Doc)
}

// UpdateDomain changes a domain's settings.
func (tx *Tx) UpdateDomain(ctx context.Context, d Domain) error {
	return tx.change(ctx, ErrConflict, domainUpdate, d.ModifiedAt, d.Doc, d.Domain, d.Version)
}

// DeleteDomain removes a domain.
func (tx *Tx) DeleteDomain(ctx context.Context, domain string) error {
	return tx.change(ctx, ErrNotFound, domainDelete, domain)
}
