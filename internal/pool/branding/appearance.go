package branding

import (
	"context"
	"errors"

	"cognate/internal/pool"
	"cognate/internal/store"
)

// maxCachedAppearances bounds what is kept in memory: one takes some 20 KB.
const maxCachedAppearances = 1024

// An Appearance is what the login pages of one app client look like. Nobody may change what it points to.
type Appearance struct {
	// CSS is the stylesheet of classic pages, in the form that may be served; "" if there is none.
	CSS string
	// Logo is the file of the classic pages' logo; "" if there is none.
	Logo string

	// Theme is the look by the app client's managed login style; nil without a style. Pages have the default look then.
	Theme *Theme
	// Settings are those of managed login, over the defaults.
	Settings Document
	Assets   []Asset

	terms map[string]map[string]string // links by the name of the document
}

// versionedAppearance is an appearance with the version of the pool at which it was read.
type versionedAppearance struct {
	version int64
	value   *Appearance
}

// Appearance returns what applies to an app client. All that it depends on moves the pool's version. So the database is
// read once for each version that is seen.
func (s *Service) Appearance(ctx context.Context, sn *pool.Snapshot, clientID string) (*Appearance, error) {
	key := sn.ID + "/" + clientID
	if a, ok := s.appearances.GetIfPresent(key); ok && a.version == sn.Version {
		return a.value, nil
	}
	var a *Appearance
	err := s.deps.Store.View(ctx, func(r *store.Reader) error {
		a = &Appearance{}
		return a.load(ctx, r, sn.ID, clientID)
	})
	if err != nil {
		return nil, err
	}
	s.appearances.Set(key, &versionedAppearance{version: sn.Version, value: a})
	return a, nil
}

func (a *Appearance) load(ctx context.Context, r *store.Reader, poolID, clientID string) error {
	return errors.Join(a.loadClassic(ctx, r, poolID, clientID), a.loadTerms(ctx, r, poolID, clientID), a.loadStyle(ctx, r, poolID, clientID))
}

func (a *Appearance) loadClassic(ctx context.Context, r *store.Reader, poolID, clientID string) error {
	item, err := effectiveCustomization(ctx, r, poolID, clientID)
	if err != nil || item == nil {
		return err
	}
	if css, err := SafeCSS(item.Doc.CSS); err == nil { // An earlier version may have accepted more.
		a.CSS = css
	}
	if item.Doc.Logo != nil {
		a.Logo = item.Doc.Logo.file(item.Key)
	}
	return nil
}

func (a *Appearance) loadStyle(ctx context.Context, r *store.Reader, poolID, clientID string) error {
	a.Settings = defaultSettings
	item, err := storedStyle(ctx, r, poolID, clientID)
	if err != nil || item == nil {
		return err
	}
	a.Assets = item.Doc.Assets
	for i := range a.Assets {
		a.Assets[i].Path, a.Assets[i].File = a.Assets[i].Image.path(poolID, clientID), a.Assets[i].Image.file(clientID)
	}
	if a.Settings, err = item.Doc.mergedSettings(); err != nil {
		return err
	}
	a.Theme = newTheme(a.Settings, a.Assets)
	return nil
}
