package store

import (
	"context"
	"errors"
	"time"
)

// Kinds of a directory's resources.
const (
	ResourceUser  = "User"
	ResourceGroup = "Group"
)

// A Directory provisions the people of an identity provider. Users and Groups count its resources.
type Directory struct {
	PoolID, ID, Provider string
	Users, Groups        int
	// Closed says that only people of the directory may sign in at the provider.
	Closed    bool
	CreatedAt time.Time
	Doc       []byte
}

// A DirectoryToken authenticates the calls of a directory. ExpiresAt is zero if it does not expire.
type DirectoryToken struct {
	PoolID, DirectoryID, ID string
	Hash                    [32]byte
	CreatedAt, ExpiresAt    time.Time
}

// A Resource is a user or a group that a directory has made. Target is the id of the pool's user or the key of the pool's
// group. Place is its number in the directory: 1, 2, 3, without gaps. NameKey is unique in the directory for the kind.
type Resource struct {
	PoolID, DirectoryID, Kind, ID string
	Target                        string
	Place                         int
	NameKey                       string
	ExternalID, EmailKey          *string // nil: the directory sent none
	Version                       int64
	CreatedAt, ModifiedAt         time.Time
	Doc                           []byte
	// Enabled says that the user may sign in. It is true for groups, and InsertResource and UpdateResource ignore it.
	Enabled bool
}

const (
	directoryColumns = "pool_id, id, provider, users, groups, closed, created_at, doc"
	resourceColumns  = "pool_id, directory_id, kind, id, target, place, name_key, external_id, email_key, version, created_at, modified_at, doc"
	resourceSelect   = `SELECT r.pool_id, r.directory_id, r.kind, r.id, r.target, r.place, r.name_key, r.external_id, r.email_key, r.version,
		r.created_at, r.modified_at, r.doc, COALESCE((SELECT u.enabled FROM users u WHERE u.pool_id = r.pool_id AND u.id = r.target), 1)
		FROM directory_resources r WHERE r.pool_id = ? AND r.directory_id = ? AND r.kind = ? AND `
)

var (
	directoryByID       = prepare("SELECT " + directoryColumns + " FROM directories WHERE pool_id = ? AND id = ?")
	directoryByProvider = prepare("SELECT " + directoryColumns + " FROM directories WHERE pool_id = ? AND provider = ?")
	directoryList       = prepare("SELECT " + directoryColumns + " FROM directories WHERE pool_id = ? ORDER BY id LIMIT {limit}")
	directoryInsert     = prepare("INSERT INTO directories (" + directoryColumns + ") VALUES (?, ?, ?, 0, 0, ?, ?, ?) ON CONFLICT DO NOTHING")
	directoryUpdate     = prepare("UPDATE directories SET closed = ?, doc = ? WHERE pool_id = ? AND id = ?")
	directoryCount      = map[string]*statement{
		ResourceUser:  prepare("UPDATE directories SET users = users + ? WHERE pool_id = ? AND id = ?"),
		ResourceGroup: prepare("UPDATE directories SET groups = groups + ? WHERE pool_id = ? AND id = ?"),
	}
	directoryDelete = prepare("DELETE FROM directories WHERE pool_id = ? AND id = ?")

	directoryTokenByHash = prepare("SELECT pool_id, hash, directory_id, id, created_at, expires_at FROM directory_tokens WHERE pool_id = ? AND hash = ?")
	directoryTokenList   = prepare("SELECT pool_id, hash, directory_id, id, created_at, expires_at FROM directory_tokens WHERE pool_id = ? AND directory_id = ?")
	directoryTokenInsert = prepare("INSERT INTO directory_tokens (pool_id, hash, directory_id, id, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
	directoryTokenDelete = prepare("DELETE FROM directory_tokens WHERE pool_id = ? AND directory_id = ? AND id = ?")
	directoryTokensEnd   = prepare("DELETE FROM directory_tokens WHERE pool_id = ? AND directory_id = ?")

	resourceByID        = prepare(resourceSelect + "r.id = ?")
	resourceByName      = prepare(resourceSelect + "r.name_key >= '' AND r.name_key = ?")
	resourcesByExternal = prepare(resourceSelect + "r.external_id = ? ORDER BY r.id LIMIT {limit}")
	resourcesByEmail    = prepare(resourceSelect + "r.email_key = ? ORDER BY r.id LIMIT {limit}")
	resourcesFrom       = prepare(resourceSelect + "r.place > 0 AND r.place >= ? ORDER BY r.place LIMIT {limit}")
	resourceInsert      = prepare("INSERT INTO directory_resources (" + resourceColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?) ON CONFLICT DO NOTHING")
	resourceUpdate      = prepare("UPDATE directory_resources SET name_key = ?, external_id = ?, email_key = ?, target = ?, modified_at = ?, doc = ?, version = version + 1 WHERE pool_id = ? AND directory_id = ? AND kind = ? AND id = ? AND version = ?")
	resourceMove        = prepare("UPDATE directory_resources SET place = ? WHERE pool_id = ? AND directory_id = ? AND kind = ? AND place > 0 AND place = ?")
	resourceDelete      = prepare("DELETE FROM directory_resources WHERE pool_id = ? AND directory_id = ? AND kind = ? AND id = ?")
	resourcesOfTarget   = prepare("SELECT directory_id, id FROM directory_resources WHERE pool_id = ? AND target = ? AND kind = ?")
	resourceMembers     = prepare(`SELECT m.user_id FROM members m JOIN directory_resources r
		ON r.pool_id = m.pool_id AND r.directory_id = ? AND r.kind = 'User' AND r.id = m.user_id
		WHERE m.pool_id = ? AND m.group_uid = ? AND m.user_id > ? ORDER BY m.user_id LIMIT {limit}`)
	resourceGroups = prepare(`SELECT g.pool_id, g.directory_id, g.kind, g.id, g.target, g.place, g.name_key, g.external_id, g.email_key, g.version,
		g.created_at, g.modified_at, g.doc, 1
		FROM members m JOIN items i ON i.pool_id = m.pool_id AND i.uid = m.group_uid
		JOIN directory_resources g ON g.pool_id = m.pool_id AND g.target = i.item_key AND g.kind = 'Group' AND g.directory_id = ?
		WHERE m.pool_id = ? AND m.user_id = ?`)
	resourceIsMember = prepare("SELECT COUNT(*) FROM members WHERE pool_id = ? AND group_uid = ? AND user_id = ?")
	deletedResources = sweepExpired("directory_resources", "pool_id, directory_id, kind, id", "pool_id = ? AND directory_id = ?")
)

func scanDirectory(r row, d *Directory) error {
	return r.scan(&d.PoolID, &d.ID, &d.Provider, &d.Users, &d.Groups, &d.Closed, &d.CreatedAt, &d.Doc)
}

func scanDirectoryToken(r row, t *DirectoryToken) error {
	return r.scan(&t.PoolID, &t.Hash, &t.DirectoryID, &t.ID, &t.CreatedAt, &t.ExpiresAt)
}

func scanResource(r row, s *Resource) error {
	return r.scan(&s.PoolID, &s.DirectoryID, &s.Kind, &s.ID, &s.Target, &s.Place, &s.NameKey, &s.ExternalID, &s.EmailKey, &s.Version,
		&s.CreatedAt, &s.ModifiedAt, &s.Doc, &s.Enabled)
}

// Directory reads a directory.
func (r *Reader) Directory(ctx context.Context, poolID, id string) (Directory, error) {
	return first(ctx, r, directoryByID, []any{poolID, id}, scanDirectory)
}

// DirectoryOf reads the directory of an identity provider.
func (r *Reader) DirectoryOf(ctx context.Context, poolID, provider string) (Directory, error) {
	return first(ctx, r, directoryByProvider, []any{poolID, provider}, scanDirectory)
}

// Directories lists a pool's directories by id, at most limit.
func (r *Reader) Directories(ctx context.Context, poolID string, limit int) ([]Directory, error) {
	return all(ctx, r, directoryList, []any{poolID, limit}, scanDirectory)
}

// InsertDirectory adds a directory without resources. ExistsError says "directory" if the provider has one.
func (tx *Tx) InsertDirectory(ctx context.Context, d Directory) error {
	return tx.insert(ctx, "directory", directoryInsert, d.PoolID, d.ID, d.Provider, d.Closed, d.CreatedAt, d.Doc)
}

// UpdateDirectory changes the document of a directory, and whether it is closed.
func (tx *Tx) UpdateDirectory(ctx context.Context, d Directory) error {
	return tx.change(ctx, ErrNotFound, directoryUpdate, d.Closed, d.Doc, d.PoolID, d.ID)
}

// DeleteDirectory removes a directory with its tokens. Sweep removes its resources. The users and groups of the pool stay.
func (tx *Tx) DeleteDirectory(ctx context.Context, poolID, id string) error {
	if err := tx.change(ctx, ErrNotFound, directoryDelete, poolID, id); err != nil {
		return err
	}
	if err := tx.run(ctx, directoryTokensEnd, poolID, id); err != nil {
		return err
	}
	return tx.run(ctx, markDeleted, poolID, id, tx.now())
}

// DirectoryToken reads the token of a hash.
func (r *Reader) DirectoryToken(ctx context.Context, poolID string, hash [32]byte) (DirectoryToken, error) {
	return first(ctx, r, directoryTokenByHash, []any{poolID, hash}, scanDirectoryToken)
}

// DirectoryTokens lists a directory's tokens, in no order.
func (r *Reader) DirectoryTokens(ctx context.Context, poolID, directoryID string) ([]DirectoryToken, error) {
	return all(ctx, r, directoryTokenList, []any{poolID, directoryID}, scanDirectoryToken)
}

// InsertDirectoryToken adds a token, and holds its directory. ErrNotFound if the directory is gone.
func (tx *Tx) InsertDirectoryToken(ctx context.Context, t DirectoryToken) error {
	if err := tx.change(ctx, ErrNotFound, directoryCount[ResourceUser], 0, t.PoolID, t.DirectoryID); err != nil {
		return err
	}
	return tx.insert(ctx, "directory-token", directoryTokenInsert, t.PoolID, t.Hash, t.DirectoryID, t.ID, t.CreatedAt, t.ExpiresAt)
}

// DeleteDirectoryToken removes a token.
func (tx *Tx) DeleteDirectoryToken(ctx context.Context, poolID, directoryID, id string) error {
	return tx.change(ctx, ErrNotFound, directoryTokenDelete, poolID, directoryID, id)
}

// Resource reads a resource.
func (r *Reader) Resource(ctx context.Context, poolID, directoryID, kind, id string) (Resource, error) {
	return first(ctx, r, resourceByID, []any{poolID, directoryID, kind, id}, scanResource)
}

// ResourceByName reads the resource of a name.
func (r *Reader) ResourceByName(ctx context.Context, poolID, directoryID, kind, nameKey string) (Resource, error) {
	return first(ctx, r, resourceByName, []any{poolID, directoryID, kind, nameKey}, scanResource)
}

// ResourcesByExternalID lists the resources that the directory knows by an id of its own.
func (r *Reader) ResourcesByExternalID(ctx context.Context, poolID, directoryID, kind, externalID string, limit int) ([]Resource, error) {
	return all(ctx, r, resourcesByExternal, []any{poolID, directoryID, kind, externalID, limit}, scanResource)
}

// ResourcesByEmail lists the resources with an address.
func (r *Reader) ResourcesByEmail(ctx context.Context, poolID, directoryID, kind, emailKey string, limit int) ([]Resource, error) {
	return all(ctx, r, resourcesByEmail, []any{poolID, directoryID, kind, emailKey, limit}, scanResource)
}

// ResourcesFrom lists the resources from a place on.
func (r *Reader) ResourcesFrom(ctx context.Context, poolID, directoryID, kind string, place, limit int) ([]Resource, error) {
	return all(ctx, r, resourcesFrom, []any{poolID, directoryID, kind, place, limit}, scanResource)
}

// InsertResource adds a resource at the last place, and holds its user. ErrNotFound if the directory or the user is gone;
// ExistsError says "resource" if the directory has one of the id or the name.
func (tx *Tx) InsertResource(ctx context.Context, s Resource) error {
	if s.Kind == ResourceUser {
		if err := tx.HoldUser(ctx, s.PoolID, s.Target); err != nil {
			return err
		}
	}
	place, err := tx.countResource(ctx, s.PoolID, s.DirectoryID, s.Kind, 1)
	if err != nil {
		return err
	}
	return tx.insert(ctx, "resource", resourceInsert, s.PoolID, s.DirectoryID, s.Kind, s.ID, s.Target, place, s.NameKey, s.ExternalID, s.EmailKey,
		s.CreatedAt, s.ModifiedAt, s.Doc)
}

// countResource counts a resource more or less, holds the directory, and returns the new count.
func (tx *Tx) countResource(ctx context.Context, poolID, directoryID, kind string, add int) (int, error) {
	if err := tx.change(ctx, ErrNotFound, directoryCount[kind], add, poolID, directoryID); err != nil {
		return 0, err
	}
	d, err := tx.Directory(ctx, poolID, directoryID)
	if kind == ResourceGroup {
		return d.Groups, err
	}
	return d.Users, err
}

// UpdateResource changes a resource. ExistsError says "resource" if another one has the name.
func (tx *Tx) UpdateResource(ctx context.Context, s Resource) error {
	other, err := tx.ResourceByName(ctx, s.PoolID, s.DirectoryID, s.Kind, s.NameKey)
	if err == nil && other.ID != s.ID {
		return &ExistsError{What: "resource"}
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return tx.change(ctx, ErrConflict, resourceUpdate, s.NameKey, s.ExternalID, s.EmailKey, s.Target, s.ModifiedAt, s.Doc, s.PoolID, s.DirectoryID, s.Kind, s.ID, s.Version)
}

// DeleteResource removes a resource. The last one of the directory takes its place. A user leaves the directory's groups.
// It returns ErrNotFound, and changes nothing, if there is no such resource.
func (tx *Tx) DeleteResource(ctx context.Context, poolID, directoryID, kind, id string) error {
	s, err := tx.Resource(ctx, poolID, directoryID, kind, id)
	if err != nil {
		return err
	}
	left, err := tx.countResource(ctx, poolID, directoryID, kind, -1)
	if err != nil {
		return err
	}
	if kind == ResourceUser {
		if err := tx.leaveGroups(ctx, poolID, directoryID, s.Target); err != nil {
			return err
		}
	}
	if err := tx.run(ctx, resourceDelete, poolID, directoryID, kind, id); err != nil {
		return err
	}
	if s.Place == left+1 {
		return nil
	}
	return tx.run(ctx, resourceMove, s.Place, poolID, directoryID, kind, left+1)
}

// leaveGroups takes a user out of the groups that a directory has made.
func (tx *Tx) leaveGroups(ctx context.Context, poolID, directoryID, userID string) error {
	groups, err := tx.ResourceGroupsOf(ctx, poolID, directoryID, userID)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if err := tx.RemoveMember(ctx, poolID, g.Target, userID); err != nil {
			return err
		}
	}
	return nil
}

// deleteResourcesOf removes the resources of a user or group that is being deleted.
func (tx *Tx) deleteResourcesOf(ctx context.Context, poolID, kind, target string) error {
	type found struct{ directory, id string }
	list, err := all(ctx, &tx.Reader, resourcesOfTarget, []any{poolID, target, kind}, func(r row, f *found) error { return r.scan(&f.directory, &f.id) })
	if err != nil {
		return err
	}
	for _, f := range list {
		err := tx.DeleteResource(ctx, poolID, f.directory, kind, f.id)
		if errors.Is(err, ErrNotFound) {
			// The directory is gone, and Sweep has yet to remove its rows. No place must be filled.
			err = tx.run(ctx, resourceDelete, poolID, f.directory, kind, f.id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ResourceMembers lists the members of a group that the directory has made, by id. ErrNotFound if there is no such group.
func (r *Reader) ResourceMembers(ctx context.Context, poolID, directoryID, groupKey, after string, limit int) ([]string, error) {
	uid, err := r.groupUID(ctx, poolID, groupKey)
	if err != nil {
		return nil, err
	}
	return all(ctx, r, resourceMembers, []any{directoryID, poolID, uid, after, limit}, func(r row, id *string) error { return r.scan(id) })
}

// ResourceGroupsOf lists the groups that the directory has made and a user is in, in no order.
func (r *Reader) ResourceGroupsOf(ctx context.Context, poolID, directoryID, userID string) ([]Resource, error) {
	return all(ctx, r, resourceGroups, []any{directoryID, poolID, userID}, scanResource)
}

// IsMember reports whether a user is in a group. ErrNotFound if there is no such group.
func (r *Reader) IsMember(ctx context.Context, poolID, groupKey, userID string) (bool, error) {
	uid, err := r.groupUID(ctx, poolID, groupKey)
	if err != nil {
		return false, err
	}
	var is bool
	err = r.one(ctx, resourceIsMember, []any{poolID, uid, userID}, &is)
	return is, err
}
