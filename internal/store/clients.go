package store

import "context"

const clientColumns = "pool_id, id, name, version, created_at, modified_at, doc"

var (
	clientOfPool = prepare("SELECT " + clientColumns + " FROM clients WHERE pool_id = ? AND id = ?")
	clientByID   = prepare("SELECT " + clientColumns + " FROM clients WHERE id = ?")
	clientList   = prepare("SELECT " + clientColumns + " FROM clients WHERE pool_id = ? AND id > ? ORDER BY id LIMIT {limit}")
	clientInsert = prepare("INSERT INTO clients (" + clientColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
	clientUpdate = prepare("UPDATE clients SET name = ?, modified_at = ?, doc = ?, version = version + 1 WHERE pool_id = ? AND id = ? AND version = ?")
	clientDelete = prepare("DELETE FROM clients WHERE pool_id = ? AND id = ?")
)

func scanClient(r row, c *Client) error {
	return r.scan(&c.PoolID, &c.ID, &c.Name, &c.Version, &c.CreatedAt, &c.ModifiedAt, &c.Doc)
}

// Client reads a client of a pool.
func (r *Reader) Client(ctx context.Context, poolID, id string) (Client, error) {
	return first(ctx, r, clientOfPool, []any{poolID, id}, scanClient)
}

// ClientByID reads a client of any pool.
func (r *Reader) ClientByID(ctx context.Context, id string) (Client, error) {
	return first(ctx, r, clientByID, []any{id}, scanClient)
}

// Clients lists a pool's clients by id.
func (r *Reader) Clients(ctx context.Context, poolID, afterID string, limit int) ([]Client, error) {
	return all(ctx, r, clientList, []any{poolID, afterID, limit}, scanClient)
}

// InsertClient adds a client. Its version is 1 unless the record has a later version.
func (tx *Tx) InsertClient(ctx context.Context, c Client) error {
	return tx.insert(ctx, "client", clientInsert, c.PoolID, c.ID, c.Name, max(c.Version, 1), c.CreatedAt, c.ModifiedAt, c.Doc)
}

// UpdateClient changes name and settings.
func (tx *Tx) UpdateClient(ctx context.Context, c Client) error {
	return tx.change(ctx, ErrConflict, clientUpdate, c.Name, c.ModifiedAt, c.Doc, c.PoolID, c.ID, c.Version)
}

// DeleteClient removes a client with the items and images that belong to it.
func (tx *Tx) DeleteClient(ctx context.Context, poolID, id string) error {
	if err := tx.change(ctx, ErrNotFound, clientDelete, poolID, id); err != nil {
		return err
	}
	return tx.deleteClientItems(ctx, poolID, id)
}
