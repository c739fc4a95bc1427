package branding

import (
	"context"
	"encoding/base64"
	"errors"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// allClients is the owner of the customization that applies to each app client without one of its own.
const allClients = "ALL"

// Limits of a classic customization (Cognito: customizing hosted UI (classic) branding).
const (
	maxCustomizations    = 1001 // one for each app client and one for all
	maxLogoBytes         = 100 << 10
	maxCustomizationSize = 135 << 10 // of CSS and image, as they are sent
)

// customization is the stored document of a classic customization. Its key is an app client or allClients.
type customization struct {
	// CSS is the text as it was sent. SafeCSS returns what may be served.
	CSS  string `json:"css,omitempty"`
	Logo *Image `json:"logo,omitempty"`
}

var customizationKind = pool.Kind{
	Name: store.KindUICustomization, Most: maxCustomizations,
	NotFound: func(string) error { return notFound("UI customization not found.") },
	Exists:   func(string, string) error { return invalid("The UI customization exists already.") },
	FullText: "UI customizations cannot exceed limit of %d in a user pool.",
}

// SetUICustomization replaces the CSS and the logo of the classic pages: of one app
// client, or of all app clients without their own. A request without both removes them.
func (s *Service) SetUICustomization(ctx context.Context, in *idp.SetUICustomizationRequest) (*idp.SetUICustomizationResponse, error) {
	doc := customization{CSS: api.Val(in.CSS)}
	if err := checkCustomization(in, &doc); err != nil {
		return nil, err
	}
	owner := ownerOf(in.ClientId)
	out := &idp.UICustomizationType{}
	err := s.deps.Pools.Change(ctx, in.UserPoolId, func(tx *store.Tx, sn *pool.Snapshot) error {
		if err := checkOwner(ctx, &tx.Reader, sn, owner); err != nil {
			return err
		}
		if err := s.dropLogo(ctx, tx, sn.ID, owner); err != nil {
			return err
		}
		if doc.CSS == "" && doc.Logo == nil {
			err := tx.DeleteItem(ctx, sn.ID, store.KindUICustomization, owner)
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			return err
		}
		item, err := s.putCustomization(ctx, tx, sn.ID, owner, doc)
		if err != nil {
			return err
		}
		out = s.customizationShape(item)
		if doc.Logo == nil {
			return nil
		}
		return tx.InsertLoginImage(ctx, store.LoginImage{PoolID: sn.ID, Owner: owner, ID: doc.Logo.ID, Content: in.ImageFile})
	})
	if err != nil {
		return nil, err
	}
	return &idp.SetUICustomizationResponse{UICustomization: out}, nil
}

// checkCustomization checks the members of a request and names its image in the document.
func checkCustomization(in *idp.SetUICustomizationRequest, doc *customization) error {
	if len(doc.CSS)+base64.StdEncoding.EncodedLen(len(in.ImageFile)) > maxCustomizationSize {
		return invalid("Request parameters too large: CSS and image together must not exceed 135 KB.")
	}
	if _, err := SafeCSS(doc.CSS); err != nil {
		return idp.InvalidParameterException("Invalid CSS: " + err.Error())
	}
	if len(in.ImageFile) == 0 {
		return nil
	}
	if len(in.ImageFile) > maxLogoBytes {
		return invalid("The image file must not exceed 100 KB.")
	}
	extension := sniff(in.ImageFile)
	if extension != idp.AssetExtensionTypePng && extension != idp.AssetExtensionTypeJpeg {
		return invalid("The image file must be a PNG or JPEG image.")
	}
	doc.Logo = &Image{ID: keys.NewUUID(), Extension: extension}
	return nil
}

// ownerOf returns whose customization a request is about.
func ownerOf(clientID *string) string {
	if clientID == nil {
		return allClients
	}
	return *clientID
}

// checkOwner checks that the pool has the owner, and a domain: nothing can be customised without one.
func checkOwner(ctx context.Context, r *store.Reader, sn *pool.Snapshot, owner string) error {
	if sn.Domain == "" && sn.CustomDomain == "" {
		return invalid("There has to be an existing domain associated with this user pool")
	}
	if owner == allClients {
		return nil
	}
	return pool.CheckClient(ctx, r, sn.ID, owner)
}

// putCustomization writes a document. The time of its creation stays while there is one.
func (s *Service) putCustomization(ctx context.Context, tx *store.Tx, poolID, owner string, doc customization) (*pool.Item[customization], error) {
	_, err := tx.Item(ctx, poolID, store.KindUICustomization, owner)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return s.customizations.Create(ctx, tx, poolID, owner, doc)
	case err != nil:
		return nil, err
	}
	return s.customizations.Change(ctx, tx, poolID, owner, func(old *customization) error {
		*old = doc
		return nil
	})
}

// dropLogo removes the image that the stored document names.
func (s *Service) dropLogo(ctx context.Context, tx *store.Tx, poolID, owner string) error {
	item, err := storedCustomization(ctx, &tx.Reader, poolID, owner)
	if err != nil || item == nil || item.Doc.Logo == nil {
		return err
	}
	return tx.DeleteLoginImage(ctx, poolID, owner, item.Doc.Logo.ID)
}

// storedCustomization returns an owner's document, or nil if the owner has no document.
func storedCustomization(ctx context.Context, r *store.Reader, poolID, owner string) (*pool.Item[customization], error) {
	record, err := r.Item(ctx, poolID, store.KindUICustomization, owner)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return pool.DecodeItem[customization](record)
}

// effectiveCustomization returns the document that applies to an owner, or nil. A client's own replaces that of all
// clients as a whole.
func effectiveCustomization(ctx context.Context, r *store.Reader, poolID, owner string) (*pool.Item[customization], error) {
	item, err := storedCustomization(ctx, r, poolID, owner)
	if err != nil || item != nil || owner == allClients {
		return item, err
	}
	return storedCustomization(ctx, r, poolID, allClients)
}

// GetUICustomization returns the customization that applies to an app client. Without any, the answer's object is empty.
func (s *Service) GetUICustomization(ctx context.Context, in *idp.GetUICustomizationRequest) (*idp.GetUICustomizationResponse, error) {
	sn, err := s.deps.Pools.Read(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	owner := ownerOf(in.ClientId)
	if err := checkOwner(ctx, &s.deps.Store.Reader, sn, owner); err != nil {
		return nil, err
	}
	item, err := effectiveCustomization(ctx, &s.deps.Store.Reader, sn.ID, owner)
	if err != nil {
		return nil, err
	}
	out := &idp.UICustomizationType{}
	if item != nil {
		out = s.customizationShape(item)
	}
	return &idp.GetUICustomizationResponse{UICustomization: out}, nil
}

// customizationShape returns a document as administrators see it. The version of the CSS is the time of the last change.
func (s *Service) customizationShape(i *pool.Item[customization]) *idp.UICustomizationType {
	out := &idp.UICustomizationType{UserPoolId: &i.PoolID, ClientId: &i.Key, CreationDate: i.CreatedAt, LastModifiedDate: i.ModifiedAt}
	if i.Doc.CSS != "" {
		out.CSS = &i.Doc.CSS
		out.CSSVersion = new(i.ModifiedAt.UTC().Format("20060102150405"))
	}
	if i.Doc.Logo != nil {
		out.ImageUrl = new(s.deps.BaseURL + i.Doc.Logo.path(i.PoolID, i.Key))
	}
	return out
}
