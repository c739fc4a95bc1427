package branding

import (
	"encoding/json"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestCheckSettings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want, fault string }{
		{"empty", `{}`, `{}`, ""},
		{"unknown keys are dropped", `{"x":1,"components":{"form":{"y":null,"borderRadius":12.50}}}`, `{"components":{"form":{"borderRadius":12.50}}}`, ""},
		{"leaves", `{"categories":{"form":{"displayGraphics":false},"global":{"colorSchemeMode":"DYNAMIC"}},"components":{"pageBackground":{"darkMode":{"color":"ABCDEF09"}}}}`, "", ""},
		{"lists", `{"categories":{"auth":{"authMethodOrder":[[{"display":"INPUT","type":"USERNAME_PASSWORD"}],[]],"federation":{"order":["Corp","Google"]}}},"components":{"favicon":{"enabledTypes":["SVG"]}}}`, "", ""},
		{"custom buttons", `{"components":{"idpButton":{"custom":{"My IdP":{"darkMode":{"hover":{"textColor":"00000000"}},"z":1}}}}}`,
			`{"components":{"idpButton":{"custom":{"My IdP":{"darkMode":{"hover":{"textColor":"00000000"}}}}}}}`, ""},
		{"bounds", `{"componentClasses":{"buttons":{"borderRadius":64},"input":{"borderRadius":0}}}`, "", ""},

		{"not an object", `[]`, "", "a JSON object is expected."},
		{"a text", `"{}"`, "", "a JSON object is expected."},
		{"null", `{"categories":null}`, "", "categories must be an object."},
		{"colour", `{"components":{"form":{"lightMode":{"borderColor":"#ffffff"}}}}`, "", "components.form.lightMode.borderColor must be a colour of eight hexadecimal digits (RRGGBBAA)."},
		{"colour that ends a line", `{"components":{"form":{"lightMode":{"borderColor":"ffffffff\n"}}}}`, "", "components.form.lightMode.borderColor must be a colour of eight hexadecimal digits (RRGGBBAA)."},
		{"large number", `{"componentClasses":{"buttons":{"borderRadius":64.1}}}`, "", "componentClasses.buttons.borderRadius must be a number from 0 to 64."},
		{"huge number", `{"componentClasses":{"buttons":{"borderRadius":1e999}}}`, "", "componentClasses.buttons.borderRadius must be a number from 0 to 64."},
		{"number in a text", `{"componentClasses":{"buttons":{"borderRadius":"8"}}}`, "", "componentClasses.buttons.borderRadius must be a number from 0 to 64."},
		{"boolean", `{"categories":{"form":{"displayGraphics":"true"}}}`, "", "categories.form.displayGraphics must be true or false."},
		{"object", `{"components":{"form":true}}`, "", "components.form must be an object."},
		{"word of a list", `{"categories":{"global":{"colorSchemeMode":"dark"}}}`, "", "categories.global.colorSchemeMode must be one of LIGHT, DARK, DYNAMIC."},
		{"word", `{"categories":{"global":{"spacingDensity":"a b"}}}`, "", "categories.global.spacingDensity must be a word in capital letters."},
		{"long list", `{"components":{"favicon":{"enabledTypes":["SVG","ICO","SVG"]}}}`, "", "components.favicon.enabledTypes must be a list of at most 2 elements."},
		{"element", `{"categories":{"auth":{"federation":{"order":[""]}}}}`, "", "categories.auth.federation.order[0] must be a text of 1 to 128 characters."},
		{"member of an element", `{"categories":{"auth":{"authMethodOrder":[[{"display":"TEXT","type":"FEDERATED"}]]}}}`, "", "categories.auth.authMethodOrder[0][0].display must be one of BUTTON, INPUT."},
		{"name of a custom button", `{"components":{"idpButton":{"custom":{"</style>":{}}}}}`, "", "components.idpButton.custom must be an object whose names have 1 to 40 letters, digits, blanks, - and _."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := checkSettings(json.RawMessage(tt.text))
			if tt.fault != "" {
				wantError(t, "CreateManagedLoginBranding", err, "InvalidParameterException: Invalid settings: "+tt.fault)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := tt.want
			if want == "" {
				want = tt.text
			}
			if d := gocmp.Diff(mustDecode([]byte(want)), got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// TestDefaultSettings: the default document passes its own check, whole, and merging changes only what it names.
func TestDefaultSettings(t *testing.T) {
	t.Parallel()
	got, err := checkSettings(defaultSettingsJSON)
	if err != nil {
		t.Fatal(err)
	}
	if d := gocmp.Diff(defaultSettings, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	over := mustDecode([]byte(`{"components":{"alert":{"borderRadius":3}},"categories":{"auth":{"authMethodOrder":[]}}}`))
	merged := defaultSettings.merged(over)
	if merged.Number("components", "alert", "borderRadius") != 3 || merged.Text("components", "alert", "darkMode", "error", "borderColor") != "eb6f6fff" ||
		!merged.Bool("componentClasses", "idpButtons", "icons", "enabled") || len(merged.at([]string{"categories", "auth", "authMethodOrder"}).([]any)) != 0 {
		t.Errorf("%v", merged)
	}
	if defaultSettings.Number("components", "alert", "borderRadius") != 12 || merged.Text("components", "alert", "borderRadius", "x") != "" {
		t.Error("the defaults have changed")
	}
	if strings.Count(string(encodeDocument(merged)), `"pageHeader"`) != 2 {
		t.Errorf("%s", encodeDocument(merged))
	}
}
