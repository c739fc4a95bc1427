package login_test

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/document"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/test/serving"
)

const (
	svgLogo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4"><rect width="4" height="4"/></svg>`
	pngLogo = "\x89PNG\r\n\x1a\nlogo"
)

type object = map[string]any

// brandSettings are a style with colours of its own. Its primary button has text of too little contrast.
func brandSettings(scheme string) object {
	primary := object{"defaults": object{"backgroundColor": "ffee00ff", "textColor": "ffffffff"}}
	return object{
		"categories": object{
			"global": object{"colorSchemeMode": scheme, "pageHeader": object{"enabled": true}, "pageFooter": object{"enabled": true}, "spacingDensity": "COMPACT"},
			"form":   object{"location": object{"horizontal": "START", "vertical": "END"}},
		},
		"componentClasses": object{"buttons": object{"borderRadius": 20.5}},
		"components": object{
			"form":          object{"logo": object{"enabled": true, "location": "END"}, "backgroundImage": object{"enabled": true}},
			"pageHeader":    object{"logo": object{"enabled": true}},
			"primaryButton": object{"lightMode": primary, "darkMode": primary},
		},
	}
}

// setStyle makes the style of an app client.
func (r *rig) setStyle(t *testing.T, client *types.UserPoolClientType, settings object, assets ...types.AssetType) string {
	t.Helper()
	out, err := r.sdk.CreateManagedLoginBranding(t.Context(), &cip.CreateManagedLoginBrandingInput{
		UserPoolId: client.UserPoolId, ClientId: client.ClientId, Settings: document.NewLazyDocument(settings), Assets: assets,
	})
	return *serving.Must(t, out, err).ManagedLoginBranding.ManagedLoginBrandingId
}

func asset(category types.AssetCategoryType, mode types.ColorSchemeModeType, extension types.AssetExtensionType, body string) types.AssetType {
	return types.AssetType{Category: category, ColorMode: mode, Extension: extension, Bytes: []byte(body)}
}

var (
	styleLink  = regexp.MustCompile(`<link rel="stylesheet" href="([^"]*/_assets/style/[^"]*)"`)
	assetLinks = regexp.MustCompile(`(?:src|srcset|href)="([^"]*/_assets/[^"]*)"`)
	imageLinks = regexp.MustCompile(`(?:src|srcset|href)="([^"]*/_assets/images/[^"]*)"`)
)

// style returns the page's own stylesheet and its reference.
func (b *browser) style(p shown) (css shown, ref string) {
	b.t.Helper()
	m := styleLink.FindStringSubmatch(p.body)
	if m == nil {
		b.t.Fatalf("%s has no stylesheet of its own: %s", p, p.body)
	}
	return b.do(http.MethodGet, m[1], nil), m[1]
}

// wantAll reports what a text does not have.
func wantAll(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in:\n%s", part, text)
		}
	}
}

// TestBranding: the pages of an app client have the colours and images of its style, and no other pages have them.
func TestBranding(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		b := r.browser(t)
		id := r.setStyle(t, r.client, brandSettings("DYNAMIC"),
			asset(types.AssetCategoryTypeFormLogo, types.ColorSchemeModeTypeLight, types.AssetExtensionTypeSvg, svgLogo),
			asset(types.AssetCategoryTypeFormLogo, types.ColorSchemeModeTypeDark, types.AssetExtensionTypePng, pngLogo),
			asset(types.AssetCategoryTypePageHeaderLogo, types.ColorSchemeModeTypeDynamic, types.AssetExtensionTypePng, pngLogo),
			asset(types.AssetCategoryTypeFormBackground, types.ColorSchemeModeTypeLight, types.AssetExtensionTypePng, pngLogo),
			asset(types.AssetCategoryTypePageFooterLogo, types.ColorSchemeModeTypeLight, types.AssetExtensionTypePng, pngLogo),
			asset(types.AssetCategoryTypeFaviconSvg, types.ColorSchemeModeTypeDynamic, types.AssetExtensionTypeSvg, svgLogo),
		)
		p := b.open("/login")
		wantAll(t, html.UnescapeString(p.body), `data-scheme="dynamic"`, `class="band band-header at-start"`, `class="logo banner-customizable at-end"`, `media="(prefers-color-scheme: dark)"`, `rel="icon"`, `type="image/svg+xml"`)
		if strings.Contains(p.body, `class="brand`) {
			t.Errorf("the name is shown beside the logo: %s", p.body)
		}
		css, ref := b.style(p)
		wantAll(t, css.body, "--accent: #ffee00ff;", "--on-accent: #000000ff;", "--button-radius: 20.5px;", "--card-radius: 8px;", "--form-x: start; --form-y: end; --gap: 12px;",
			"@media (prefers-color-scheme: dark) {", "main { background-image: url(", "main { background-image: none;")
		h := css.header
		if css.status != http.StatusOK || h.Get("Content-Type") != "text/css; charset=utf-8" || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %v", css, h)
		}
		for _, m := range assetLinks.FindAllStringSubmatch(p.body, -1) {
			kept := b.do(http.MethodGet, m[1], nil)
			if h := kept.header; kept.status != http.StatusOK || h.Get("Cache-Control") != "public, max-age=31536000, immutable" || h.Get("Pragma")+h.Get("Expires") != "" || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s is not kept: %s %v", m[1], kept, h)
			}
			if gone := b.do(http.MethodGet, strings.Replace(m[1], "_assets/", "_assets/x", 1), nil); strings.Contains(gone.header.Get("Cache-Control"), "immutable") {
				t.Errorf("%s is kept: %v", gone, gone.header)
			}
		}
		links := imageLinks.FindAllStringSubmatch(p.body, -1)
		if len(links) != 4 { // The logo of the footer is not enabled.
			t.Errorf("%d images: %v", len(links), links)
		}
		for _, m := range links {
			image := b.do(http.MethodGet, m[1], nil)
			policy := image.header.Get("Content-Security-Policy")
			if image.status != http.StatusOK || image.body != svgLogo && image.body != pngLogo || policy != "default-src 'none'; style-src 'unsafe-inline'; sandbox" ||
				image.header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(image.header.Get("Content-Type"), "image/") {
				t.Errorf("%s: %s %v", m[1], image, image.header)
			}
			if got := b.do(http.MethodGet, strings.Replace(m[1], *r.client.ClientId, "all", 1), nil); got.status != http.StatusNotFound {
				t.Errorf("another owner's image: %s", got)
			}
		}
		if m := regexp.MustCompile(`url\("\.\./images/([^"]+)"\)`).FindStringSubmatch(css.body); m == nil || b.do(http.MethodGet, r.base+"/_assets/images/"+m[1], nil).body != pngLogo {
			t.Errorf("the form's background: %v", m)
		}
		// Errors of the app client have its look, too.
		if e := b.do(http.MethodGet, r.base+"/error?client_id="+*r.client.ClientId, nil); styleLink.FindString(e.body) == "" {
			t.Errorf("the error page: %s", e.body)
		}

		other := r.browser(t)
		other.client = r.addClient(t, r.pool)
		if p := other.open("/login"); styleLink.MatchString(p.body) || imageLinks.MatchString(p.body) || strings.Contains(p.body, "data-scheme") {
			t.Errorf("another client's page: %s", p.body)
		}
		_, stranger := r.addPool(t, "strangers", nil)
		r.setStyle(t, stranger, brandSettings("LIGHT"))
		for _, foreign := range []string{"/_assets/style/" + *stranger.ClientId + ".x.css", "/_assets/style/" + *other.client.ClientId + ".x.css", "/_assets/style/x"} {
			if p := b.do(http.MethodGet, r.base+foreign, nil); p.status != http.StatusNotFound {
				t.Errorf("%s: %s", foreign, p)
			}
		}

		out, err := r.sdk.UpdateManagedLoginBranding(t.Context(), &cip.UpdateManagedLoginBrandingInput{
			UserPoolId: &r.pool, ManagedLoginBrandingId: &id, Settings: document.NewLazyDocument(object{"categories": object{"global": object{"colorSchemeMode": "DARK"}}}),
		})
		serving.Must(t, out, err)
		p = b.open("/login")
		if _, changed := b.style(p); changed == ref || !strings.Contains(p.body, `data-scheme="dark"`) {
			t.Errorf("after a change: %s", p.body)
		}
		if old := b.do(http.MethodGet, ref, nil); old.status != http.StatusOK || old.header.Get("Cache-Control") != "no-store" || !strings.Contains(old.body, "color-scheme: dark;") {
			t.Errorf("the old name of the stylesheet: %s %v", old, old.header)
		}
	})
}

// TestClassicBranding: classic pages have the CSS and the logo of the app client, or those of all app clients.
func TestClassicBranding(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		r.useClassicPages(t)
		r.setStyle(t, r.client, brandSettings("DARK"))
		out, err := r.sdk.SetUICustomization(t.Context(), &cip.SetUICustomizationInput{
			UserPoolId: &r.pool, CSS: new(".submitButton-customizable { background-color: #123456; } /* x */"), ImageFile: []byte(pngLogo),
		})
		serving.Must(t, out, err)
		b := r.browser(t)
		p := b.open("/signup")
		wantAll(t, p.body, `data-scheme="light"`, `class="logo-customizable"`, `submitButton-customizable"`, `inputField-customizable"`, `class="label-customizable"`,
			`class="textDescription-customizable"`, `background-customizable"`, `redirect-customizable"`, `banner-customizable`)
		css, _ := b.style(p)
		if css.body != ".submitButton-customizable{background-color:#123456;}\n" || !strings.Contains(css.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s %v", css.body, css.header)
		}
		m := imageLinks.FindStringSubmatch(p.body)
		if m == nil || b.do(http.MethodGet, m[1], nil).body != pngLogo {
			t.Errorf("logo %v: %s", m, p.body)
		}

		out, err = r.sdk.SetUICustomization(t.Context(), &cip.SetUICustomizationInput{UserPoolId: &r.pool, ClientId: r.client.ClientId, CSS: new(".label-customizable { color: red; }")})
		serving.Must(t, out, err)
		p = b.open("/login")
		if css, _ = b.style(p); css.body != ".label-customizable{color:red;}\n" || imageLinks.MatchString(p.body) {
			t.Errorf("the client's own: %s\n%s", css.body, p.body)
		}
		other := r.browser(t)
		other.client = r.addClient(t, r.pool)
		if css, _ = other.style(other.open("/login")); !strings.Contains(css.body, "#123456") {
			t.Errorf("another client: %s", css.body)
		}
	})
}
