package branding

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"cognate/internal/api/idp"
	"cognate/internal/store"
)

// TestThemeOfOldDocument: a stored style that no check has seen gets nothing into the stylesheet but its colours, numbers
// and words.
func TestThemeOfOldDocument(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		p := r.pool(t, "")
		c := r.client(t, p)
		r.createStyle(t, &idp.CreateManagedLoginBrandingRequest{UserPoolId: p, ClientId: c, Settings: json.RawMessage(
			`{"components":{"form":{"borderRadius":4.5,"lightMode":{"borderColor":"00FF00ff"},"logo":{"location":"END"}},"pageBackground":{"lightMode":{"color":"12345678"}}},
			"componentClasses":{"input":{"borderRadius":3}},"categories":{"global":{"spacingDensity":"COMPACT"},"form":{"location":{"vertical":"START"}}}}`)})
		if css := r.appearance(t, p, c).Theme.CSS; !strings.Contains(css, "--form-border: #00ff00ff;") || !strings.Contains(css, "--card-radius: 4.5px;") || !strings.Contains(css, "--page: #12345678;") {
			t.Errorf("the stylesheet is\n%s", css)
		}
		const smuggled = `red;}</style>body{background:url(//evil)`
		err := r.store.Update(t.Context(), func(tx *store.Tx) error {
			item, err := tx.LockItem(t.Context(), p, store.KindBranding, c)
			if err != nil {
				return err
			}
			for _, value := range []string{"00FF00ff", "12345678", "COMPACT", "START", "END"} {
				if !bytes.Contains(item.Doc, []byte(value)) {
					t.Errorf("no %s in %s", value, item.Doc)
				}
				item.Doc = bytes.ReplaceAll(item.Doc, []byte(value), []byte(smuggled))
			}
			item.Doc = bytes.Replace(item.Doc, []byte("4.5"), []byte(`"`+smuggled+`"`), 1)
			item.Doc = bytes.Replace(item.Doc, []byte(`"borderRadius":3`), []byte(`"borderRadius":1e300`), 1)
			return tx.UpdateItem(t.Context(), item)
		})
		if err != nil {
			t.Fatal(err)
		}
		theme := r.another().appearance(t, p, c).Theme
		wanted := regexp.MustCompile(`^:root\[data-scheme\] \{\ncolor-scheme: light;\n(?:--[a-z-]+: (?:#[0-9a-f]{8}|[0-9.]+px);\n)+--form-x: center; --form-y: center; --gap: 16px; --card-padding: 32px;\n\}\n$`)
		if !wanted.MatchString(theme.CSS) || !strings.Contains(theme.CSS, "--form-border: #c6c6cdff;") || !strings.Contains(theme.CSS, "--input-radius: 64px;") || theme.LogoAt != "center" {
			t.Errorf("%s\n%s", theme.LogoAt, theme.CSS)
		}
	})
}

// TestReadable: text of too little contrast is black or white.
func TestReadable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, background, want string }{
		{"enough", "ffffffff", "0972d3ff", "#ffffffff"},
		{"light on light", "ffffffff", "ffee00ff", "#000000ff"},
		{"dark on dark", "000716ff", "002244ff", "#ffffffff"},
		{"translucent", "00000010", "ffffffff", "#000000ff"},
		{"just enough", "767676ff", "ffffffff", "#767676ff"},
		{"just too little", "777777ff", "ffffffff", "#000000ff"},
	} {
		text, _ := parseColour(c.text)
		background, ok := parseColour(c.background)
		if got := text.readableOn(background).String(); got != c.want || !ok {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	half := colour{1, 1, 1, 0.5}
	if got := half.over(black).String(); got != "#808080ff" {
		t.Errorf("half of white over black is %s", got)
	}
	for _, text := range []string{"", "fff", "gggggggg", "#fffffff", "ffffffffff"} {
		if _, ok := parseColour(text); ok {
			t.Errorf("%q is a colour", text)
		}
	}
}
