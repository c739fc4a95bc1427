package store

import "context"

// A LoginImage is an image of a login page. Owner is the app client whose page it is for, or the caller's word for all of
// them.
type LoginImage struct {
	PoolID, Owner, ID string
	Content           []byte
}

const loginImageColumns = "pool_id, owner, id, content"

var (
	loginImageByID    = prepare("SELECT " + loginImageColumns + " FROM login_images WHERE pool_id = ? AND owner = ? AND id = ?")
	loginImagesOf     = prepare("SELECT " + loginImageColumns + " FROM login_images WHERE pool_id = ? AND owner = ? ORDER BY id LIMIT {limit}")
	loginImageInsert  = prepare("INSERT INTO login_images (" + loginImageColumns + ") VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
	loginImageDelete  = prepare("DELETE FROM login_images WHERE pool_id = ? AND owner = ? AND id = ?")
	loginImagesDelete = prepare("DELETE FROM login_images WHERE pool_id = ? AND owner = ?")
	clientItemsDelete = prepare("DELETE FROM items WHERE pool_id = ? AND kind = ? AND item_key >= ? AND item_key < ?")
)

// maxLoginImages is above the number of images that an app client can have: its assets and a classic logo.
const maxLoginImages = 100

// clientKinds are the kinds of items that belong to app clients.
var clientKinds = []string{KindBranding, KindTerms, KindUICustomization, KindRisk}

// ClientItemKey returns the key of an item that belongs to an app client and is deleted with it. name tells a client's
// items of one kind apart; it may be empty.
func ClientItemKey(clientID, name string) string {
	if name == "" {
		return clientID
	}
	return clientID + "/" + name
}

func scanLoginImage(r row, i *LoginImage) error {
	return r.scan(&i.PoolID, &i.Owner, &i.ID, &i.Content)
}

// LoginImage reads an image.
func (r *Reader) LoginImage(ctx context.Context, poolID, owner, id string) (LoginImage, error) {
	return first(ctx, r, loginImageByID, []any{poolID, owner, id}, scanLoginImage)
}

// LoginImages reads all images of one owner.
func (r *Reader) LoginImages(ctx context.Context, poolID, owner string) ([]LoginImage, error) {
	return all(ctx, r, loginImagesOf, []any{poolID, owner, maxLoginImages}, scanLoginImage)
}

// InsertLoginImage adds an image.
func (tx *Tx) InsertLoginImage(ctx context.Context, i LoginImage) error {
	return tx.insert(ctx, "login image", loginImageInsert, i.PoolID, i.Owner, i.ID, i.Content)
}

// DeleteLoginImage removes an image; it is no error if there is none.
func (tx *Tx) DeleteLoginImage(ctx context.Context, poolID, owner, id string) error {
	return tx.run(ctx, loginImageDelete, poolID, owner, id)
}

// deleteClientItems removes what belongs to an app client beside its own row.
func (tx *Tx) deleteClientItems(ctx context.Context, poolID, clientID string) error {
	for _, kind := range clientKinds {
		// From the client's id itself to behind the last key of ClientItemKey: "0" follows "/".
		if err := tx.run(ctx, clientItemsDelete, poolID, kind, clientID, clientID+"0"); err != nil {
			return err
		}
	}
	return tx.run(ctx, loginImagesDelete, poolID, clientID)
}
