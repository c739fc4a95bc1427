package branding

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
)

const maxStyles = 20 // of a pool (Cognito: quotas in user pools)

// style is the stored document of a managed login style. Its key is the app client.
type style struct {
	ID string
	// Provided says that nothing is customized.
	Provided bool
	// Settings are those that the administrator sent, and no others.
	Settings json.RawMessage `json:",omitempty"`
	Assets   []Asset         `json:",omitempty"`
}

var styleKind = pool.Kind{
	Name: store.KindBranding, Most: maxStyles,
	NotFound: func(string) error { return noStyle() },
	Exists: func(string, string) error {
		return idp.ManagedLoginBrandingExistsException("The app client has a managed login branding style already.")
	},
	FullText: "Managed login branding styles cannot exceed limit of %d in a user pool.",
}

func noStyle() error { return notFound("Managed login branding does not exist.") }

// A styleChange is what a request says of a style.
type styleChange struct {
	provided *bool
	settings Document // nil: the request has no settings
	assets   []idp.AssetType
}

// newStyleChange checks the members of a request.
func newStyleChange(provided *bool, settings json.RawMessage, assets []idp.AssetType) (*styleChange, error) {
	c := &styleChange{provided: provided, assets: assets}
	hasSettings := len(settings) > 0 && !bytes.Equal(settings, []byte("null"))
	if api.Val(provided) && (hasSettings || len(assets) > 0) {
		return nil, invalid("Settings and Assets must not be given together with UseCognitoProvidedValues.")
	}
	if hasSettings {
		var err error
		if c.settings, err = checkSettings(settings); err != nil {
			return nil, err
		}
	}
	return c, checkAssets(assets)
}

// empty reports whether the request customizes nothing.
func (c *styleChange) empty() bool { return c.settings == nil && len(c.assets) == 0 }

// apply changes a client's style. What the request does not mention stays, unless Cognito's values are to be used.
func (c *styleChange) apply(ctx context.Context, tx *store.Tx, poolID, clientID string, s *style) error {
	if api.Val(c.provided) {
		old := s.Assets
		*s = style{ID: s.ID, Provided: true}
		return dropAssets(ctx, tx, poolID, clientID, old)
	}
	if c.provided != nil || !c.empty() {
		s.Provided = false
	}
	if c.settings != nil {
		stored := Document{}
		if s.Settings != nil {
			var err error
			if stored, err = decodeDocument(s.Settings); err != nil {
				return err
			}
		}
		s.Settings = encodeDocument(stored.merged(c.settings))
	}
	for i := range c.assets {
		asset := assetOf(&c.assets[i], keys.NewUUID())
		at := slices.IndexFunc(s.Assets, func(a Asset) bool { return a.sameSlot(asset) })
		if at < 0 {
			s.Assets = append(s.Assets, *asset)
		} else {
			if err := dropAssets(ctx, tx, poolID, clientID, s.Assets[at:at+1]); err != nil {
				return err
			}
			s.Assets[at] = *asset
		}
		err := tx.InsertLoginImage(ctx, store.LoginImage{PoolID: poolID, Owner: clientID, ID: asset.Image.ID, Content: c.assets[i].Bytes})
		if err != nil {
			return err
		}
	}
	if len(s.Assets) > maxAssets {
		return idp.InvalidParameterExceptionf("A style can have %d assets at most.", maxAssets)
	}
	return nil
}

// dropAssets removes the bytes of assets.
func dropAssets(ctx context.Context, tx *store.Tx, poolID, clientID string, assets []Asset) error {
	for _, a := range assets {
		if err := tx.DeleteLoginImage(ctx, poolID, clientID, a.Image.ID); err != nil {
			return err
		}
	}
	return nil
}

// CreateManagedLoginBranding creates the style of an app client. A style without settings and assets has Cognito's values.
func (s *Service) CreateManagedLoginBranding(ctx context.Context, in *idp.CreateManagedLoginBrandingRequest) (*idp.CreateManagedLoginBrandingResponse, error) {
	change, err := newStyleChange(in.UseCognitoProvidedValues, in.Settings, in.Assets)
	if err != nil {
		return nil, err
	}
	id := keys.NewUUID()
	var out *idp.ManagedLoginBrandingType
	err = s.deps.Pools.Change(ctx, in.UserPoolId, func(tx *store.Tx, sn *pool.Snapshot) error {
		err := pool.CheckClient(ctx, &tx.Reader, sn.ID, in.ClientId)
		if err != nil {
			return err
		}
		doc := style{ID: id, Provided: change.empty()}
		if err := change.apply(ctx, tx, sn.ID, in.ClientId, &doc); err != nil {
			return err
		}
		item, err := s.styles.Create(ctx, tx, sn.ID, in.ClientId, doc)
		if err != nil {
			return err
		}
		out, err = styleShape(ctx, &tx.Reader, item, false)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &idp.CreateManagedLoginBrandingResponse{ManagedLoginBranding: out}, nil
}

// UpdateManagedLoginBranding changes what the request mentions and keeps the rest. So a large style can be sent in parts.
func (s *Service) UpdateManagedLoginBranding(ctx context.Context, in *idp.UpdateManagedLoginBrandingRequest) (*idp.UpdateManagedLoginBrandingResponse, error) {
	for path, id := range map[string]*string{"userPoolId": in.UserPoolId, "managedLoginBrandingId": in.ManagedLoginBrandingId} {
		if id == nil {
			return nil, invalid("1 validation error detected: Value null at '" + path + "' failed to satisfy constraint: Member must not be null")
		}
	}
	change, err := newStyleChange(in.UseCognitoProvidedValues, in.Settings, in.Assets)
	if err != nil {
		return nil, err
	}
	var out *idp.ManagedLoginBrandingType
	err = s.deps.Pools.Change(ctx, *in.UserPoolId, func(tx *store.Tx, sn *pool.Snapshot) error {
		found, err := styleByID(ctx, &tx.Reader, sn.ID, *in.ManagedLoginBrandingId)
		if err != nil {
			return err
		}
		item, err := s.styles.Change(ctx, tx, sn.ID, found.Key, func(doc *style) error {
			return change.apply(ctx, tx, sn.ID, found.Key, doc)
		})
		if err != nil {
			return err
		}
		out, err = styleShape(ctx, &tx.Reader, item, false)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &idp.UpdateManagedLoginBrandingResponse{ManagedLoginBranding: out}, nil
}

// DescribeManagedLoginBranding returns a style by its id.
func (s *Service) DescribeManagedLoginBranding(ctx context.Context, in *idp.DescribeManagedLoginBrandingRequest) (*idp.DescribeManagedLoginBrandingResponse, error) {
	sn, err := s.deps.Pools.Read(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	var out *idp.ManagedLoginBrandingType
	err = s.deps.Store.View(ctx, func(r *store.Reader) error {
		item, err := styleByID(ctx, r, sn.ID, in.ManagedLoginBrandingId)
		if err != nil {
			return err
		}
		out, err = styleShape(ctx, r, item, api.Val(in.ReturnMergedResources))
		return err
	})
	if err != nil {
		return nil, err
	}
	return &idp.DescribeManagedLoginBrandingResponse{ManagedLoginBranding: out}, nil
}

// DescribeManagedLoginBrandingByClient returns the style of an app client.
func (s *Service) DescribeManagedLoginBrandingByClient(ctx context.Context, in *idp.DescribeManagedLoginBrandingByClientRequest) (*idp.DescribeManagedLoginBrandingByClientResponse, error) {
	sn, err := s.readPool(ctx, in.UserPoolId, in.ClientId)
	if err != nil {
		return nil, err
	}
	var out *idp.ManagedLoginBrandingType
	err = s.deps.Store.View(ctx, func(r *store.Reader) error {
		item, err := storedStyle(ctx, r, sn.ID, in.ClientId)
		if err != nil {
			return err
		}
		if item == nil {
			return noStyle()
		}
		out, err = styleShape(ctx, r, item, api.Val(in.ReturnMergedResources))
		return err
	})
	if err != nil {
		return nil, err
	}
	return &idp.DescribeManagedLoginBrandingByClientResponse{ManagedLoginBranding: out}, nil
}

// DeleteManagedLoginBranding takes a style from its app client.
func (s *Service) DeleteManagedLoginBranding(ctx context.Context, in *idp.DeleteManagedLoginBrandingRequest) error {
	return s.deps.Pools.Change(ctx, in.UserPoolId, func(tx *store.Tx, sn *pool.Snapshot) error {
		item, err := styleByID(ctx, &tx.Reader, sn.ID, in.ManagedLoginBrandingId)
		if err != nil {
			return err
		}
		if err := dropAssets(ctx, tx, sn.ID, item.Key, item.Doc.Assets); err != nil {
			return err
		}
		return s.styles.Delete(ctx, tx, sn.ID, item.Key)
	})
}

// styleByID finds a style among the few of a pool.
func styleByID(ctx context.Context, r *store.Reader, poolID, id string) (*pool.Item[style], error) {
	records, err := r.Items(ctx, poolID, store.KindBranding, "", maxStyles)
	if err != nil {
		return nil, err
	}
	items, err := pool.DecodeItems[style](records)
	if err != nil {
		return nil, err
	}
	for _, i := range items {
		if strings.EqualFold(i.Doc.ID, id) {
			return i, nil
		}
	}
	return nil, noStyle()
}

// storedStyle returns the style of an app client, or nil if the app client has no style.
func storedStyle(ctx context.Context, r *store.Reader, poolID, clientID string) (*pool.Item[style], error) {
	record, err := r.Item(ctx, poolID, store.KindBranding, clientID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return pool.DecodeItem[style](record)
}

// styleShape returns a style as administrators see it: as it was customized, or merged with the default settings. There
// are no default assets.
func styleShape(ctx context.Context, r *store.Reader, i *pool.Item[style], merged bool) (*idp.ManagedLoginBrandingType, error) {
	out := &idp.ManagedLoginBrandingType{
		ManagedLoginBrandingId: &i.Doc.ID, UserPoolId: &i.PoolID, UseCognitoProvidedValues: &i.Doc.Provided, Settings: i.Doc.Settings,
		Assets: []idp.AssetType{}, CreationDate: i.CreatedAt, LastModifiedDate: i.ModifiedAt,
	}
	if merged {
		doc, err := i.Doc.mergedSettings()
		if err != nil {
			return nil, err
		}
		out.Settings = encodeDocument(doc)
	}
	if len(i.Doc.Assets) == 0 {
		return out, nil
	}
	images, err := r.LoginImages(ctx, i.PoolID, i.Key)
	if err != nil {
		return nil, err
	}
	content := make(map[string][]byte, len(images))
	for _, image := range images {
		content[image.ID] = image.Content
	}
	for _, a := range i.Doc.Assets {
		shape := idp.AssetType{Category: a.Category, ColorMode: a.ColorMode, Extension: a.Image.Extension, Bytes: content[a.Image.ID]}
		if a.ResourceID != "" {
			shape.ResourceId = &a.ResourceID
		}
		out.Assets = append(out.Assets, shape)
	}
	return out, nil
}

// mergedSettings returns the style's settings over the defaults.
func (s *style) mergedSettings() (Document, error) {
	if s.Settings == nil {
		return defaultSettings, nil
	}
	doc, err := decodeDocument(s.Settings)
	if err != nil {
		return nil, err
	}
	return defaultSettings.merged(doc), nil
}
