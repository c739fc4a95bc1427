package branding

import (
	"errors"
	"fmt"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
)

const (
	maxAssets     = 40 // of a style (Cognito: CreateManagedLoginBranding)
	maxAssetBytes = 1_000_000
)

// An Asset is an image of a managed login style.
type Asset struct {
	Category  idp.AssetCategoryType   `json:"category"`
	ColorMode idp.ColorSchemeModeType `json:"colorMode"`
	// ResourceID names the button that an icon is for.
	ResourceID string `json:"resourceId,omitempty"`
	Image      Image  `json:"image"`
	// Path is where the server serves the image, File where a domain does, below its folder of images.
	Path string `json:"-"`
	File string `json:"-"`
}

// sameSlot reports whether two assets are for the same place. A style has one asset for each.
func (a *Asset) sameSlot(b *Asset) bool {
	return a.Category == b.Category && a.ColorMode == b.ColorMode && a.ResourceID == b.ResourceID
}

var (
	pictureFormats = []idp.AssetExtensionType{
		idp.AssetExtensionTypeSvg, idp.AssetExtensionTypePng, idp.AssetExtensionTypeJpeg, idp.AssetExtensionTypeWebp,
	}
	// otherFormats are the formats of the categories that are not pictures (Cognito: managed login branding, assets).
	otherFormats = map[idp.AssetCategoryType][]idp.AssetExtensionType{
		idp.AssetCategoryTypeFaviconIco:    {idp.AssetExtensionTypeIco},
		idp.AssetCategoryTypeFaviconSvg:    {idp.AssetExtensionTypeSvg},
		idp.AssetCategoryTypeIdpButtonIcon: {idp.AssetExtensionTypeIco, idp.AssetExtensionTypeSvg},
	}
)

// checkAssets rejects assets of which one is not what it says, or two are for the same place.
func checkAssets(list []idp.AssetType) error {
	for i := range list {
		a := &list[i]
		if err := checkAsset(a); err != nil {
			return idp.InvalidParameterExceptionf("Invalid asset %s (%s): %v.", a.Category, a.ColorMode, err)
		}
		slot := assetOf(a, "")
		if slices.ContainsFunc(list[:i], func(b idp.AssetType) bool { return slot.sameSlot(assetOf(&b, "")) }) {
			return idp.InvalidParameterExceptionf("Invalid asset %s (%s): it is given twice.", a.Category, a.ColorMode)
		}
	}
	return nil
}

func checkAsset(a *idp.AssetType) error {
	formats, ok := otherFormats[a.Category]
	if !ok {
		formats = pictureFormats
	}
	switch {
	case !slices.Contains(formats, a.Extension):
		return fmt.Errorf("its extension must be one of %v", formats)
	case len(a.Bytes) == 0:
		return errors.New("it has no bytes")
	case len(a.Bytes) > maxAssetBytes:
		return fmt.Errorf("it must not have more than %d bytes", maxAssetBytes)
	case a.ResourceId != nil && a.Category != idp.AssetCategoryTypeIdpButtonIcon:
		return errors.New("only IDP_BUTTON_ICON has a ResourceId")
	case a.Extension == idp.AssetExtensionTypeSvg:
		return checkSVG(a.Bytes)
	case sniff(a.Bytes) != a.Extension:
		return fmt.Errorf("its bytes are not %s", a.Extension)
	}
	return nil
}

// assetOf returns what is stored of an asset beside its bytes.
func assetOf(a *idp.AssetType, imageID string) *Asset {
	return &Asset{
		Category: a.Category, ColorMode: a.ColorMode, ResourceID: api.Val(a.ResourceId), Image: Image{ID: imageID, Extension: a.Extension},
	}
}
