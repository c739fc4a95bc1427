package branding

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/store"
	"cognate/test/fresh"
)

var svgImage = []byte(svgHead + "</svg>")

func asset(category idp.AssetCategoryType, mode idp.ColorSchemeModeType, extension idp.AssetExtensionType, content []byte) idp.AssetType {
	return idp.AssetType{Category: category, ColorMode: mode, Extension: extension, Bytes: content}
}

func (r *rig) createStyle(t *testing.T, in *idp.CreateManagedLoginBrandingRequest) *idp.ManagedLoginBrandingType {
	t.Helper()
	out, err := r.CreateManagedLoginBranding(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out.ManagedLoginBranding
}

func (r *rig) updateStyle(t *testing.T, in *idp.UpdateManagedLoginBrandingRequest) *idp.ManagedLoginBrandingType {
	t.Helper()
	out, err := r.UpdateManagedLoginBranding(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out.ManagedLoginBranding
}

// wantStyle compares a style with what Describe returns by id and by client, and what is left of its images.
func (r *rig) wantStyle(t *testing.T, clientID string, want, got *idp.ManagedLoginBrandingType) {
	t.Helper()
	byID, err := r.DescribeManagedLoginBranding(t.Context(), &idp.DescribeManagedLoginBrandingRequest{UserPoolId: *want.UserPoolId, ManagedLoginBrandingId: *want.ManagedLoginBrandingId})
	if err != nil {
		t.Fatal(err)
	}
	byClient, err := r.DescribeManagedLoginBrandingByClient(t.Context(), &idp.DescribeManagedLoginBrandingByClientRequest{UserPoolId: *want.UserPoolId, ClientId: clientID})
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]*idp.ManagedLoginBrandingType{"answer": got, "by id": byID.ManagedLoginBranding, "by client": byClient.ManagedLoginBranding} {
		if d := gocmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
	}
	images, err := r.store.LoginImages(t.Context(), *want.UserPoolId, clientID)
	if err != nil || len(images) != len(want.Assets) {
		t.Errorf("%d images for %d assets, %v", len(images), len(want.Assets), err)
	}
}

// TestStyleLife creates a style and changes it in parts. AWS's documentation: what an update does not mention stays.
func TestStyleLife(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		p := r.pool(t, "")
		c, begin := r.client(t, p), r.clock.Now()
		light := asset("FORM_LOGO", "LIGHT", "PNG", pngImage)
		created := r.createStyle(t, &idp.CreateManagedLoginBrandingRequest{
			UserPoolId: p, ClientId: c, Settings: json.RawMessage(`{"components":{"form":{"borderRadius":4.0,"unknown":1}}}`), Assets: []idp.AssetType{light},
		})
		want := &idp.ManagedLoginBrandingType{
			ManagedLoginBrandingId: created.ManagedLoginBrandingId, UserPoolId: &p, UseCognitoProvidedValues: new(false),
			Settings: json.RawMessage(`{"components":{"form":{"borderRadius":4.0}}}`), Assets: []idp.AssetType{light}, CreationDate: begin, LastModifiedDate: begin,
		}
		r.wantStyle(t, c, want, created)

		r.clock.Pass(time.Minute)
		change := &idp.UpdateManagedLoginBrandingRequest{UserPoolId: &p, ManagedLoginBrandingId: created.ManagedLoginBrandingId}
		change.Settings = json.RawMessage(`{"components":{"form":{"lightMode":{"borderColor":"00ff00ff"}}},"categories":{"form":{"displayGraphics":false}}}`)
		want.Settings = json.RawMessage(`{"categories":{"form":{"displayGraphics":false}},"components":{"form":{"borderRadius":4.0,"lightMode":{"borderColor":"00ff00ff"}}}}`)
		want.LastModifiedDate = r.clock.Now()
		r.wantStyle(t, c, want, r.updateStyle(t, change))

		light.Extension, light.Bytes = "JPEG", jpegImage
		icon := asset("IDP_BUTTON_ICON", "DYNAMIC", "SVG", svgImage)
		icon.ResourceId = new("Corp")
		second := icon
		second.ResourceId = new("Other")
		change.Settings, change.Assets = nil, []idp.AssetType{icon, light, asset("FORM_LOGO", "DARK", "SVG", svgImage), second}
		want.Assets = []idp.AssetType{light, icon, change.Assets[2], second}
		r.wantStyle(t, c, want, r.updateStyle(t, change))

		a := r.appearance(t, p, c)
		if a.Theme == nil || a.Settings.Number("components", "form", "borderRadius") != 4 || a.Settings.Text("components", "form", "lightMode", "backgroundColor") != "ffffffff" || len(a.Assets) != 4 {
			t.Errorf("pages show %+v", a)
		}
		w := r.get(a.Assets[1].Path)
		if w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), svgImage) || w.Header().Get("Content-Type") != "image/svg+xml" ||
			!strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%d %v", w.Code, w.Header())
		}

		change.Assets, change.UseCognitoProvidedValues = nil, new(true)
		want.Settings, want.Assets, want.UseCognitoProvidedValues = nil, []idp.AssetType{}, new(true)
		r.wantStyle(t, c, want, r.updateStyle(t, change))
		change.UseCognitoProvidedValues, change.Assets = nil, []idp.AssetType{light}
		want.Assets, want.UseCognitoProvidedValues = change.Assets, new(false)
		r.wantStyle(t, c, want, r.updateStyle(t, change))

		if err := r.DeleteManagedLoginBranding(t.Context(), &idp.DeleteManagedLoginBrandingRequest{UserPoolId: p, ManagedLoginBrandingId: *created.ManagedLoginBrandingId}); err != nil {
			t.Fatal(err)
		}
		if a := r.appearance(t, p, c); a.Theme != nil || a.Assets != nil || a.Settings.Number("components", "form", "borderRadius") != 8 {
			t.Errorf("pages show %+v", a)
		}
		if images, err := r.store.LoginImages(t.Context(), p, c); err != nil || images != nil {
			t.Errorf("%d images are left, %v", len(images), err)
		}
	})
}

// TestMergedStyle: a style without settings has Cognito's values, and a merged one all settings.
func TestMergedStyle(t *testing.T) {
	t.Parallel()
	r := newRig(t, fresh.SQLite(t))
	p := r.pool(t, "")
	c := r.client(t, p)
	for _, tt := range []struct {
		name     string
		provided *bool
		want     bool
	}{{"neither", nil, true}, {"true", new(true), true}, {"false", new(false), false}} {
		t.Run(tt.name, func(t *testing.T) {
			created := r.createStyle(t, &idp.CreateManagedLoginBrandingRequest{UserPoolId: p, ClientId: c, UseCognitoProvidedValues: tt.provided})
			if created.Settings != nil || *created.UseCognitoProvidedValues != tt.want {
				t.Errorf("%+v", created)
			}
			out, err := r.DescribeManagedLoginBrandingByClient(t.Context(), &idp.DescribeManagedLoginBrandingByClientRequest{UserPoolId: p, ClientId: c, ReturnMergedResources: new(true)})
			if err != nil {
				t.Fatal(err)
			}
			if d := gocmp.Diff(defaultSettings, mustDecode(out.ManagedLoginBranding.Settings)); d != "" {
				t.Errorf("merged (-want +got)\n%s", d)
			}
			if err := r.DeleteManagedLoginBranding(t.Context(), &idp.DeleteManagedLoginBrandingRequest{UserPoolId: p, ManagedLoginBrandingId: *created.ManagedLoginBrandingId}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestStyleQuota fills a pool with styles. One goes with its client and makes room.
func TestStyleQuota(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		p := r.pool(t, "")
		first := r.client(t, p)
		in := &idp.CreateManagedLoginBrandingRequest{UserPoolId: p, ClientId: first, Assets: []idp.AssetType{asset("FAVICON_ICO", "LIGHT", "ICO", []byte("\x00\x00\x01\x00"))}}
		r.createStyle(t, in)
		for range maxStyles - 1 {
			in.ClientId = r.client(t, p)
			r.createStyle(t, in)
		}
		in.ClientId = r.client(t, p)
		_, err := r.CreateManagedLoginBranding(t.Context(), in)
		wantError(t, "CreateManagedLoginBranding", err, "LimitExceededException: Managed login branding styles cannot exceed limit of 20 in a user pool.")
		if err := r.pools.DeleteUserPoolClient(t.Context(), &idp.DeleteUserPoolClientRequest{UserPoolId: p, ClientId: first}); err != nil {
			t.Fatal(err)
		}
		if n, err := r.store.CountItems(t.Context(), p, store.KindBranding); n != maxStyles-1 || err != nil {
			t.Errorf("%d styles, %v", n, err)
		}
		r.createStyle(t, in)
	})
}

func TestStyleRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t, fresh.SQLite(t))
	p := r.pool(t, "")
	c, other := r.client(t, p), r.client(t, p)
	id := *r.createStyle(t, &idp.CreateManagedLoginBrandingRequest{UserPoolId: p, ClientId: c}).ManagedLoginBrandingId
	const (
		noPool   = "ResourceNotFoundException: User pool us-east-1_none does not exist."
		noClient = "ResourceNotFoundException: User pool client none does not exist."
		missing  = "ResourceNotFoundException: Managed login branding does not exist."
		both     = "InvalidParameterException: Settings and Assets must not be given together with UseCognitoProvidedValues."
	)
	create := func(in idp.CreateManagedLoginBrandingRequest) error {
		_, err := r.CreateManagedLoginBranding(t.Context(), &in)
		return err
	}
	update := func(in idp.UpdateManagedLoginBrandingRequest) error {
		_, err := r.UpdateManagedLoginBranding(t.Context(), &in)
		return err
	}
	describe := func(poolID string) error {
		_, err := r.DescribeManagedLoginBranding(t.Context(), &idp.DescribeManagedLoginBrandingRequest{UserPoolId: poolID, ManagedLoginBrandingId: noID})
		return err
	}
	byClient := func(poolID, clientID string) error {
		_, err := r.DescribeManagedLoginBrandingByClient(t.Context(), &idp.DescribeManagedLoginBrandingByClientRequest{UserPoolId: poolID, ClientId: clientID})
		return err
	}
	remove := func(poolID string) error {
		return r.DeleteManagedLoginBranding(t.Context(), &idp.DeleteManagedLoginBrandingRequest{UserPoolId: poolID, ManagedLoginBrandingId: noID})
	}
	many := make([]idp.AssetType, maxAssets)
	for i := range many {
		many[i] = asset("IDP_BUTTON_ICON", "LIGHT", "SVG", svgImage)
		many[i].ResourceId = new(fmt.Sprint(i))
	}
	settings := json.RawMessage("{}")
	for _, tt := range []struct {
		op, name string
		err      error
		want     string
	}{
		{"CreateManagedLoginBranding", "unknown pool", create(idp.CreateManagedLoginBrandingRequest{UserPoolId: "us-east-1_none", ClientId: c}), noPool},
		{"CreateManagedLoginBranding", "unknown client", create(idp.CreateManagedLoginBrandingRequest{UserPoolId: p, ClientId: "none"}), noClient},
		{"CreateManagedLoginBranding", "second", create(idp.CreateManagedLoginBrandingRequest{UserPoolId: p, ClientId: c}),
			"ManagedLoginBrandingExistsException: The app client has a managed login branding style already."},
		{"CreateManagedLoginBranding", "Cognito's values with settings", create(idp.CreateManagedLoginBrandingRequest{UserPoolId: p, ClientId: other, UseCognitoProvidedValues: new(true), Settings: settings}), both},
		{"CreateManagedLoginBranding", "Cognito's values with assets", create(idp.CreateManagedLoginBrandingRequest{UserPoolId: p, ClientId: other, UseCognitoProvidedValues: new(true), Assets: many[:1]}), both},
		{"UpdateManagedLoginBranding", "no pool", update(idp.UpdateManagedLoginBrandingRequest{ManagedLoginBrandingId: &id}),
			"InvalidParameterException: 1 validation error detected: Value null at 'userPoolId' failed to satisfy constraint: Member must not be null"},
		{"UpdateManagedLoginBranding", "no id", update(idp.UpdateManagedLoginBrandingRequest{UserPoolId: &p}),
			"InvalidParameterException: 1 validation error detected: Value null at 'managedLoginBrandingId' failed to satisfy constraint: Member must not be null"},
		{"UpdateManagedLoginBranding", "unknown pool", update(idp.UpdateManagedLoginBrandingRequest{UserPoolId: new("us-east-1_none"), ManagedLoginBrandingId: &id}), noPool},
		{"UpdateManagedLoginBranding", "unknown", update(idp.UpdateManagedLoginBrandingRequest{UserPoolId: &p, ManagedLoginBrandingId: new(noID)}), missing},
		{"UpdateManagedLoginBranding", "settings", update(idp.UpdateManagedLoginBrandingRequest{UserPoolId: &p, ManagedLoginBrandingId: &id, Settings: json.RawMessage("[]")}),
			"InvalidParameterException: Invalid settings: a JSON object is expected."},
		{"UpdateManagedLoginBranding", "Cognito's values with settings", update(idp.UpdateManagedLoginBrandingRequest{UserPoolId: &p, ManagedLoginBrandingId: &id, UseCognitoProvidedValues: new(true), Settings: settings}), both},
		{"UpdateManagedLoginBranding", "most assets", update(idp.UpdateManagedLoginBrandingRequest{UserPoolId: &p, ManagedLoginBrandingId: &id, Assets: many}), ""},
		{"UpdateManagedLoginBranding", "too many assets", update(idp.UpdateManagedLoginBrandingRequest{UserPoolId: &p, ManagedLoginBrandingId: &id, Assets: []idp.AssetType{asset("FORM_LOGO", "DARK", "SVG", svgImage)}}),
			"InvalidParameterException: A style can have 40 assets at most."},
		{"DescribeManagedLoginBranding", "unknown pool", describe("us-east-1_none"), noPool},
		{"DescribeManagedLoginBranding", "unknown", describe(p), missing},
		{"DescribeManagedLoginBrandingByClient", "unknown pool", byClient("us-east-1_none", c), noPool},
		{"DescribeManagedLoginBrandingByClient", "unknown client", byClient(p, "none"), noClient},
		{"DescribeManagedLoginBrandingByClient", "client without one", byClient(p, other), missing},
		{"DeleteManagedLoginBranding", "unknown pool", remove("us-east-1_none"), noPool},
		{"DeleteManagedLoginBranding", "unknown", remove(p), missing},
	} {
		t.Run(tt.op+", "+tt.name, func(t *testing.T) { wantError(t, tt.op, tt.err, tt.want) })
	}
	if images, err := r.store.LoginImages(t.Context(), p, c); len(images) != maxAssets || err != nil {
		t.Errorf("the refused asset left something: %d images, %v", len(images), err)
	}
}

func TestCheckAssets(t *testing.T) {
	t.Parallel()
	webp := []byte("RIFF\x10\x00\x00\x00WEBPVP8 ")
	named := asset("FORM_LOGO", "LIGHT", "PNG", pngImage)
	named.ResourceId = new("Corp")
	logo := asset("FORM_LOGO", "LIGHT", "PNG", pngImage)
	for _, tt := range []struct {
		name string
		list []idp.AssetType
		want string
	}{
		{"none", nil, ""},
		{"each format", []idp.AssetType{
			asset("FAVICON_ICO", "DYNAMIC", "ICO", []byte("\x00\x00\x01\x00\x01")), asset("FAVICON_SVG", "DARK", "SVG", svgImage), logo,
			asset("PAGE_BACKGROUND", "LIGHT", "JPEG", jpegImage), asset("PAGE_FOOTER_LOGO", "LIGHT", "WEBP", webp), asset("PAGE_FOOTER_LOGO", "DARK", "WEBP", webp),
		}, ""},
		{"no bytes", []idp.AssetType{asset("FORM_LOGO", "LIGHT", "PNG", nil)}, "FORM_LOGO (LIGHT): it has no bytes."},
		{"too many bytes", []idp.AssetType{asset("FORM_LOGO", "LIGHT", "PNG", append(bytes.Clone(pngImage), make([]byte, maxAssetBytes)...))}, "FORM_LOGO (LIGHT): it must not have more than 1000000 bytes."},
		{"other bytes", []idp.AssetType{asset("FORM_LOGO", "DARK", "PNG", jpegImage)}, "FORM_LOGO (DARK): its bytes are not PNG."},
		{"HTML", []idp.AssetType{asset("FORM_LOGO", "DARK", "JPEG", []byte("<html>"))}, "FORM_LOGO (DARK): its bytes are not JPEG."},
		{"SVG with a script", []idp.AssetType{asset("FAVICON_SVG", "LIGHT", "SVG", []byte(svgHead+"<script/></svg>"))}, `FAVICON_SVG (LIGHT): the element "script" is not allowed.`},
		{"format of another category", []idp.AssetType{asset("FAVICON_ICO", "LIGHT", "PNG", pngImage)}, "FAVICON_ICO (LIGHT): its extension must be one of [ICO]."},
		{"icon as a picture", []idp.AssetType{asset("FORM_LOGO", "LIGHT", "ICO", []byte("\x00\x00\x01\x00"))}, "FORM_LOGO (LIGHT): its extension must be one of [SVG PNG JPEG WEBP]."},
		{"name of a logo", []idp.AssetType{named}, "FORM_LOGO (LIGHT): only IDP_BUTTON_ICON has a ResourceId."},
		{"twice", []idp.AssetType{logo, asset("FORM_LOGO", "LIGHT", "JPEG", jpegImage)}, "FORM_LOGO (LIGHT): it is given twice."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := tt.want
			if want != "" {
				want = "InvalidParameterException: Invalid asset " + want
			}
			wantError(t, "CreateManagedLoginBranding", checkAssets(tt.list), want)
		})
	}
}
