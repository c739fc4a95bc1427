package branding

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cognate/internal/api/idp"
)

// A Theme is what a managed login style makes of a page.
type Theme struct {
	// Scheme is "light", "dark" or "dynamic": as the browser prefers.
	Scheme string
	// CSS is a stylesheet for after the default one. Its images are in the folder "images" beside its own folder.
	CSS string
	// Adjusted are the paths of text colours that the theme replaces by black or white, because they have too little
	// contrast on their background.
	Adjusted []string

	Header, Footer Band
	// Logo is the form's. At is its place in the line; it can be outside of the form, or below it.
	Logo                   Picture
	LogoAt                 string
	LogoOutside, LogoBelow bool
	Icons                  []Icon
}

// An Icon is the file of an icon for the browser's tab, with its media type.
type Icon struct{ File, Type string }

// A Band is the header or the footer of a page.
type Band struct {
	Enabled bool
	Logo    Picture
	LogoAt  string
}

// A Picture names the file of an image, and the file for dark pages if there is another one.
type Picture struct{ File, Dark string }

// mode is one of the two sets of colours.
type mode struct {
	key    string // of objects in the settings
	assets idp.ColorSchemeModeType
	canvas colour // what the browser shows below a page
}

var (
	lightMode = mode{"lightMode", idp.ColorSchemeModeTypeLight, white}
	darkMode  = mode{"darkMode", idp.ColorSchemeModeTypeDark, black}
)

// themeColours are the custom properties for colours, with the path of the setting. * stands for the mode.
var themeColours = []struct{ property, path string }{
	{"page", "components.pageBackground.*.color"},
	{"wide-page", "components.pageBackground.*.color"},
	{"surface", "components.form.*.backgroundColor"},
	{"border", "components.form.*.borderColor"},
	{"form-border", "components.form.*.borderColor"},
	{"line", "componentClasses.divider.*.borderColor"},
	{"input", "componentClasses.input.*.defaults.backgroundColor"},
	{"input-border", "componentClasses.input.*.defaults.borderColor"},
	{"focus", "componentClasses.focusState.*.borderColor"},
	{"accent", "components.primaryButton.*.defaults.backgroundColor"},
	{"accent-hover", "components.primaryButton.*.hover.backgroundColor"},
	{"accent-active", "components.primaryButton.*.active.backgroundColor"},
	{"second", "components.secondaryButton.*.defaults.backgroundColor"},
	{"second-border", "components.secondaryButton.*.defaults.borderColor"},
	{"second-hover", "components.secondaryButton.*.hover.backgroundColor"},
	{"second-hover-border", "components.secondaryButton.*.hover.borderColor"},
	{"second-active", "components.secondaryButton.*.active.backgroundColor"},
	{"second-active-border", "components.secondaryButton.*.active.borderColor"},
	{"danger", "componentClasses.statusIndicator.*.error.indicatorColor"},
	{"danger-surface", "components.alert.*.error.backgroundColor"},
	{"danger-border", "components.alert.*.error.borderColor"},
	{"success", "componentClasses.statusIndicator.*.success.indicatorColor"},
	{"success-surface", "componentClasses.statusIndicator.*.success.backgroundColor"},
	{"success-border", "componentClasses.statusIndicator.*.success.borderColor"},
	{"header", "components.pageHeader.*.background.color"},
	{"header-line", "components.pageHeader.*.borderColor"},
	{"footer", "components.pageFooter.*.background.color"},
	{"footer-line", "components.pageFooter.*.borderColor"},
}

// themeTexts are the custom properties for colours of text, with the property of the background below the text.
var themeTexts = []struct{ property, path, on string }{
	{"heading", "components.pageText.*.headingColor", "surface"},
	{"body", "components.pageText.*.bodyColor", "surface"},
	{"description", "components.pageText.*.descriptionColor", "surface"},
	{"label", "componentClasses.inputLabel.*.textColor", "surface"},
	{"secondary", "componentClasses.inputDescription.*.textColor", "surface"},
	{"link", "componentClasses.link.*.defaults.textColor", "surface"},
	{"link-hover", "componentClasses.link.*.hover.textColor", "surface"},
	{"on-input", "componentClasses.inputLabel.*.textColor", "input"},
	{"link-on-input", "componentClasses.link.*.defaults.textColor", "input"},
	{"on-accent", "components.primaryButton.*.defaults.textColor", "accent"},
	{"on-accent-hover", "components.primaryButton.*.hover.textColor", "accent-hover"},
	{"on-accent-active", "components.primaryButton.*.active.textColor", "accent-active"},
	{"on-second", "components.secondaryButton.*.defaults.textColor", "second"},
	{"on-second-hover", "components.secondaryButton.*.hover.textColor", "second-hover"},
	{"on-second-active", "components.secondaryButton.*.active.textColor", "second-active"},
	{"danger-text", "componentClasses.statusIndicator.*.error.indicatorColor", "surface"},
	{"success-text", "componentClasses.statusIndicator.*.success.indicatorColor", "surface"},
	{"on-danger", "components.pageText.*.headingColor", "danger-surface"},
	{"on-success", "components.pageText.*.headingColor", "success-surface"},
	{"on-page", "componentClasses.inputDescription.*.textColor", "page"},
	{"on-footer", "componentClasses.inputDescription.*.textColor", "footer"},
}

// themeRadii are the custom properties for corners.
var themeRadii = []struct{ property, path string }{
	{"button-radius", "componentClasses.buttons.borderRadius"},
	{"input-radius", "componentClasses.input.borderRadius"},
	{"card-radius", "components.form.borderRadius"},
	{"alert-radius", "components.alert.borderRadius"},
}

// places are the words for a place, as CSS has them.
var places = map[string]string{"START": "start", "CENTER": "center", "END": "end"}

// densities are the distances between the parts of a form, and its padding, in pixels.
var densities = map[string][2]int{"COMPACT": {12, 24}, "REGULAR": {16, 32}, "COMFORTABLE": {20, 40}}

// newTheme computes the theme of a style. No text of the settings gets into the theme: they may be older than the checks,
// so what is not a colour, a number or a known word counts as the default.
func newTheme(settings Document, assets []Asset) *Theme {
	t := &Theme{Scheme: "light"}
	switch settings.Text("categories", "global", "colorSchemeMode") {
	case "DARK":
		t.Scheme = "dark"
	case "DYNAMIC":
		t.Scheme = "dynamic"
	}
	t.Header = t.band(settings, assets, "pageHeader", idp.AssetCategoryTypePageHeaderLogo)
	t.Footer = t.band(settings, assets, "pageFooter", idp.AssetCategoryTypePageFooterLogo)
	if settings.Bool("components", "form", "logo", "enabled") {
		t.Logo = t.picture(assets, idp.AssetCategoryTypeFormLogo)
	}
	t.LogoAt = place(settings, "components", "form", "logo", "location")
	t.LogoOutside = settings.Text("components", "form", "logo", "formInclusion") == "OUT"
	t.LogoBelow = settings.Text("components", "form", "logo", "position") == "BOTTOM"
	t.Icons = icons(settings, assets)
	t.CSS = t.stylesheet(settings, assets)
	return t
}

func (t *Theme) band(settings Document, assets []Asset, name string, logo idp.AssetCategoryType) Band {
	b := Band{Enabled: settings.Bool("categories", "global", name, "enabled"), LogoAt: place(settings, "components", name, "logo", "location")}
	if settings.Bool("components", name, "logo", "enabled") {
		b.Logo = t.picture(assets, logo)
	}
	return b
}

// place returns the place at a path of the settings.
func place(settings Document, path ...string) string {
	if p, ok := places[settings.Text(path...)]; ok {
		return p
	}
	return places[defaultSettings.Text(path...)]
}

// assetFor returns the file of a category's asset for one mode, or "".
func assetFor(assets []Asset, category idp.AssetCategoryType, m mode) string {
	file := ""
	for _, a := range assets {
		switch {
		case a.Category != category:
		case a.ColorMode == m.assets:
			return a.File
		case a.ColorMode == idp.ColorSchemeModeTypeDynamic:
			file = a.File
		}
	}
	return file
}

// picture returns what the theme's pages show of a category's assets.
func (t *Theme) picture(assets []Asset, category idp.AssetCategoryType) Picture {
	light, dark := assetFor(assets, category, lightMode), assetFor(assets, category, darkMode)
	switch {
	case t.Scheme == "dark":
		return Picture{File: dark}
	case t.Scheme == "light" || dark == light:
		return Picture{File: light}
	case light == "":
		return Picture{File: dark}
	}
	return Picture{File: light, Dark: dark}
}

// iconCategories are the categories of icons, with the words by which the settings enable them.
var iconCategories = []struct {
	word     string
	category idp.AssetCategoryType
	format   idp.AssetExtensionType
}{
	{"ICO", idp.AssetCategoryTypeFaviconIco, idp.AssetExtensionTypeIco},
	{"SVG", idp.AssetCategoryTypeFaviconSvg, idp.AssetExtensionTypeSvg},
}

// icons returns the icons of the browser's tab.
func icons(settings Document, assets []Asset) []Icon {
	enabled := map[string]bool{}
	list, _ := settings.at([]string{"components", "favicon", "enabledTypes"}).([]any)
	for _, e := range list {
		if word, ok := e.(string); ok {
			enabled[word] = true
		}
	}
	var found []Icon
	for _, i := range iconCategories {
		file := cmp.Or(assetFor(assets, i.category, lightMode), assetFor(assets, i.category, darkMode))
		if file != "" && enabled[i.word] {
			found = append(found, Icon{file, mediaTypes[i.format]})
		}
	}
	return found
}

// stylesheet writes the theme's CSS.
func (t *Theme) stylesheet(settings Document, assets []Asset) string {
	var b strings.Builder
	first, second := lightMode, darkMode
	if t.Scheme == "dark" {
		first = darkMode
	}
	b.WriteString(":root[data-scheme] {\n")
	t.writeColours(&b, settings, first)
	for _, r := range themeRadii {
		fmt.Fprintf(&b, "--%s: %spx;\n", r.property, strconv.FormatFloat(radius(settings, strings.Split(r.path, ".")), 'f', -1, 64))
	}
	density, ok := densities[settings.Text("categories", "global", "spacingDensity")]
	if !ok {
		density = densities["REGULAR"]
	}
	fmt.Fprintf(&b, "--form-x: %s; --form-y: %s; --gap: %dpx; --card-padding: %dpx;\n}\n",
		place(settings, "categories", "form", "location", "horizontal"), place(settings, "categories", "form", "location", "vertical"), density[0], density[1])
	writeImages(&b, settings, assets, first)
	if t.Scheme == "dynamic" {
		b.WriteString("@media (prefers-color-scheme: dark) {\n:root[data-scheme] {\n")
		t.writeColours(&b, settings, second)
		b.WriteString("}\n")
		writeImages(&b, settings, assets, second)
		b.WriteString("}\n")
	}
	return b.String()
}

// colourAt returns the colour at a path of the settings.
func colourAt(settings Document, path string, m mode) colour {
	keys := strings.Split(strings.Replace(path, "*", m.key, 1), ".")
	if c, ok := parseColour(settings.Text(keys...)); ok {
		return c
	}
	c, _ := parseColour(defaultSettings.Text(keys...))
	return c
}

// radius returns the number of pixels at a path of the settings.
func radius(settings Document, path []string) float64 {
	return min(max(settings.Number(path...), 0), maxRadius)
}

func (t *Theme) writeColours(b *strings.Builder, settings Document, m mode) {
	fmt.Fprintf(b, "color-scheme: %s;\n", strings.TrimSuffix(m.key, "Mode"))
	seen := map[string]colour{} // opaque, by property
	for _, c := range themeColours {
		value := colourAt(settings, c.path, m)
		fmt.Fprintf(b, "--%s: %s;\n", c.property, value)
		switch c.property {
		case "page":
			seen[c.property] = value.over(m.canvas)
		case "surface", "header", "footer":
			seen[c.property] = value.over(seen["page"])
		default:
			seen[c.property] = value.over(seen["surface"])
		}
	}
	for _, c := range themeTexts {
		configured := colourAt(settings, c.path, m)
		shown := configured.readableOn(seen[c.on])
		fmt.Fprintf(b, "--%s: %s;\n", c.property, shown)
		if path := strings.Replace(c.path, "*", m.key, 1); shown != configured && !slices.Contains(t.Adjusted, path) {
			t.Adjusted = append(t.Adjusted, path)
		}
	}
}

// themeImages are the parts of a page that can have an image in their background.
var themeImages = []struct {
	selector string
	enabled  []string
	category idp.AssetCategoryType
}{
	{"body", []string{"components", "pageBackground", "image", "enabled"}, idp.AssetCategoryTypePageBackground},
	{"main", []string{"components", "form", "backgroundImage", "enabled"}, idp.AssetCategoryTypeFormBackground},
	{".band-header", []string{"components", "pageHeader", "backgroundImage", "enabled"}, idp.AssetCategoryTypePageHeaderBackground},
	{".band-footer", []string{"components", "pageFooter", "backgroundImage", "enabled"}, idp.AssetCategoryTypePageFooterBackground},
}

// writeImages writes the rules for images. They are for wide pages: on a phone they would lie below the text.
func writeImages(b *strings.Builder, settings Document, assets []Asset, m mode) {
	for _, i := range themeImages {
		if !settings.Bool(i.enabled...) || !slices.ContainsFunc(assets, func(a Asset) bool { return a.Category == i.category }) {
			continue
		}
		image := "none"
		if file := assetFor(assets, i.category, m); file != "" {
			image = `url("../images/` + file + `")`
		}
		fmt.Fprintf(b, "@media (min-width: 600px) { %s { background-image: %s; background-position: center; background-size: cover; } }\n", i.selector, image)
	}
}
