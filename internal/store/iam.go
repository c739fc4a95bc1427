package store

import "context"

const (
	iamColumns = "kind, entity_key, id, name, path, version, created_at, doc"
	accessUser = "SELECT " + accessKeyColumns + " FROM access_keys WHERE user_key = ? AND id > '' ORDER BY id LIMIT {limit}"
)

var (
	iamEntityByKey  = prepare("SELECT " + iamColumns + " FROM iam_entities WHERE kind = ? AND entity_key = ?")
	iamEntityList   = prepare("SELECT " + iamColumns + " FROM iam_entities WHERE kind = ? AND entity_key > ? ORDER BY entity_key LIMIT {limit}")
	iamEntityCount  = prepare("SELECT COUNT(*) FROM iam_entities WHERE kind = ?")
	iamEntityInsert = prepare("INSERT INTO iam_entities (" + iamColumns + ") VALUES (?, ?, ?, ?, ?, 1, ?, ?) ON CONFLICT DO NOTHING")
	iamEntityUpdate = prepare("UPDATE iam_entities SET entity_key = ?, name = ?, path = ?, doc = ?, version = version + 1 WHERE kind = ? AND entity_key = ? AND version = ?")
	iamEntityDelete = prepare("DELETE FROM iam_entities WHERE kind = ? AND entity_key = ?")

	iamLinkInsert   = prepare("INSERT INTO iam_links (kind, entity_key, link, target) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
	iamLinkDelete   = prepare("DELETE FROM iam_links WHERE kind = ? AND entity_key = ? AND link = ? AND target = ?")
	iamLinkList     = prepare("SELECT kind, entity_key, link, target FROM iam_links WHERE kind = ? AND entity_key = ? AND link = ? ORDER BY target")
	iamLinkSources  = prepare("SELECT kind, entity_key, link, target FROM iam_links WHERE link = ? AND target = ? ORDER BY kind, entity_key")
	iamLinkCount    = prepare("SELECT COUNT(*) FROM iam_links WHERE link = ? AND target = ?")
	iamLinkRename   = prepare("UPDATE iam_links SET entity_key = ? WHERE kind = ? AND entity_key = ?")
	iamLinkRetarget = prepare("UPDATE iam_links SET target = ? WHERE link = ? AND target = ?")

	accessKeyOfUser = prepare(accessUser)
	accessKeyRename = prepare("UPDATE access_keys SET user_key = ?, name = ?, principal_arn = ?, version = version + 1 WHERE user_key = ?")
)

func scanIAMEntity(r row, e *IAMEntity) error {
	return r.scan(&e.Kind, &e.Key, &e.ID, &e.Name, &e.Path, &e.Version, &e.CreatedAt, &e.Doc)
}

func scanIAMLink(r row, l *IAMLink) error { return r.scan(&l.Kind, &l.Key, &l.Link, &l.Target) }

// IAMEntity reads a user, a group, a role, a policy or a provider of the account.
func (r *Reader) IAMEntity(ctx context.Context, kind, key string) (IAMEntity, error) {
	return first(ctx, r, iamEntityByKey, []any{kind, key}, scanIAMEntity)
}

// IAMEntities lists the entities of a kind by key.
func (r *Reader) IAMEntities(ctx context.Context, kind, afterKey string, limit int) ([]IAMEntity, error) {
	return all(ctx, r, iamEntityList, []any{kind, afterKey, limit}, scanIAMEntity)
}

// CountIAMEntities counts the entities of a kind, which the quotas keep few.
func (r *Reader) CountIAMEntities(ctx context.Context, kind string) (n int, err error) {
	err = r.one(ctx, iamEntityCount, []any{kind}, &n)
	return n, err
}

// TurnOfIAM takes the turn of changes of the account's entities and links. Their checks read other rows than they write.
func (tx *Tx) TurnOfIAM(ctx context.Context) error { return tx.Turn(ctx, "", "iam") }

// InsertIAMEntity adds an entity.
func (tx *Tx) InsertIAMEntity(ctx context.Context, e IAMEntity) error {
	return tx.insert(ctx, "iam-entity", iamEntityInsert, e.Kind, e.Key, e.ID, e.Name, e.Path, e.CreatedAt, e.Doc)
}

// UpdateIAMEntity changes an entity. oldKey is its key before the change.
func (tx *Tx) UpdateIAMEntity(ctx context.Context, e IAMEntity, oldKey string) error {
	return tx.change(ctx, ErrConflict, iamEntityUpdate, e.Key, e.Name, e.Path, e.Doc, e.Kind, oldKey, e.Version)
}

// DeleteIAMEntity removes an entity. The caller has removed its links.
func (tx *Tx) DeleteIAMEntity(ctx context.Context, kind, key string) error {
	return tx.change(ctx, ErrNotFound, iamEntityDelete, kind, key)
}

// IAMLinks lists what an entity refers to by one kind of link.
func (r *Reader) IAMLinks(ctx context.Context, kind, key, link string) ([]IAMLink, error) {
	return all(ctx, r, iamLinkList, []any{kind, key, link}, scanIAMLink)
}

// IAMLinksTo lists the entities that refer to a target.
func (r *Reader) IAMLinksTo(ctx context.Context, link, target string) ([]IAMLink, error) {
	return all(ctx, r, iamLinkSources, []any{link, target}, scanIAMLink)
}

// CountIAMLinksTo counts the entities that refer to a target.
func (r *Reader) CountIAMLinksTo(ctx context.Context, link, target string) (n int, err error) {
	err = r.one(ctx, iamLinkCount, []any{link, target}, &n)
	return n, err
}

// AddIAMLink adds a reference; it is no error if it exists.
func (tx *Tx) AddIAMLink(ctx context.Context, l IAMLink) error {
	return tx.run(ctx, iamLinkInsert, l.Kind, l.Key, l.Link, l.Target)
}

// RemoveIAMLink removes a reference, or returns ErrNotFound.
func (tx *Tx) RemoveIAMLink(ctx context.Context, l IAMLink) error {
	return tx.change(ctx, ErrNotFound, iamLinkDelete, l.Kind, l.Key, l.Link, l.Target)
}

// MoveIAMLinks changes the key of an entity that was renamed, in its references and in those to it.
func (tx *Tx) MoveIAMLinks(ctx context.Context, kind, oldKey, newKey, linkTo string) error {
	if err := tx.run(ctx, iamLinkRename, newKey, kind, oldKey); err != nil {
		return err
	}
	return tx.run(ctx, iamLinkRetarget, newKey, linkTo, oldKey)
}

// AccessKeysOf lists the access keys of a user by id, at most limit.
func (r *Reader) AccessKeysOf(ctx context.Context, userKey string, limit int) ([]AccessKey, error) {
	return all(ctx, r, accessKeyOfUser, []any{userKey, limit}, scanAccessKey)
}

// MoveAccessKeys changes the user of all access keys of a user that was renamed.
func (tx *Tx) MoveAccessKeys(ctx context.Context, oldUserKey, newUserKey, name, principalARN string) error {
	return tx.run(ctx, accessKeyRename, newUserKey, name, principalARN, oldUserKey)
}
