package branding

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/test/fresh"
)

var (
	pngImage  = []byte("\x89PNG\r\n\x1a\n and the rest")
	jpegImage = []byte("\xff\xd8\xff\xe0 and the rest")
)

const (
	cssA = ".label-customizable {font-weight: 400;}"
	cssB = ".label-customizable { color : #FFF }\n"
)

func (r *rig) set(t *testing.T, poolID string, clientID, css *string, image []byte) *idp.UICustomizationType {
	t.Helper()
	out, err := r.SetUICustomization(t.Context(), &idp.SetUICustomizationRequest{UserPoolId: poolID, ClientId: clientID, CSS: css, ImageFile: image})
	if err != nil {
		t.Fatal(err)
	}
	return out.UICustomization
}

func (r *rig) customization(t *testing.T, poolID string, clientID *string) *idp.UICustomizationType {
	t.Helper()
	out, err := r.GetUICustomization(t.Context(), &idp.GetUICustomizationRequest{UserPoolId: poolID, ClientId: clientID})
	if err != nil {
		t.Fatal(err)
	}
	return out.UICustomization
}

// TestCustomizationFallsBack sets customizations of a client and of all, and takes them back. AWS's documentation: a
// client's own replaces the default as a whole. The empty answer was seen by Terraform's tests.
func TestCustomizationFallsBack(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		p := r.pool(t, "fall-back")
		one, two, all := r.client(t, p), r.client(t, p), "ALL"
		for _, step := range []struct {
			name      string
			client    *string
			css       *string
			image     []byte
			want      [2]string // client and CSS for the first client
			wantOther [2]string // for the second
		}{
			{"all", nil, new(cssA), nil, [2]string{all, cssA}, [2]string{all, cssA}},
			{"one", &one, new(cssB), nil, [2]string{one, cssB}, [2]string{all, cssA}},
			{"one with the image only", &one, nil, pngImage, [2]string{one, ""}, [2]string{all, cssA}},
			{"one with empty CSS", &one, new(""), pngImage, [2]string{one, ""}, [2]string{all, cssA}},
			{"one with neither", &one, nil, nil, [2]string{all, cssA}, [2]string{all, cssA}},
			{"one with neither again", &one, nil, nil, [2]string{all, cssA}, [2]string{all, cssA}},
			{"all by name with neither", &all, nil, nil, [2]string{}, [2]string{}},
		} {
			t.Run(step.name, func(t *testing.T) {
				r.set(t, p, step.client, step.css, step.image)
				for client, want := range map[string][2]string{one: step.want, two: step.wantOther} {
					got := r.customization(t, p, &client)
					if owner := deref(got.ClientId); owner != want[0] || deref(got.CSS) != want[1] {
						t.Errorf("%q, %q, want %q", owner, deref(got.CSS), want)
					}
					if want[0] == "" && *got != (idp.UICustomizationType{}) {
						t.Errorf("not empty: %+v", got)
					}
					safe, err := SafeCSS(want[1])
					if a := r.appearance(t, p, client); err != nil || a.CSS != safe {
						t.Errorf("pages show %q, want %q, %v", a.CSS, safe, err)
					}
				}
			})
		}
	})
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func TestCustomizationLife(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		p := r.pool(t, "life")
		c, begin := r.client(t, p), r.clock.Now()
		got := r.set(t, p, &c, new(cssA), nil)
		want := &idp.UICustomizationType{
			UserPoolId: &p, ClientId: &c, CSS: new(cssA), CSSVersion: new("20261129100000"), CreationDate: begin, LastModifiedDate: begin,
		}
		if d := gocmp.Diff(want, got); d != "" {
			t.Errorf("set (-want +got)\n%s", d)
		}

		r.clock.Pass(time.Minute)
		first := r.set(t, p, &c, nil, pngImage)
		if first.CSS != nil || first.CSSVersion != nil || first.CreationDate != begin || first.LastModifiedDate != r.clock.Now() {
			t.Errorf("with the image only: %+v", first)
		}
		path, ok := strings.CutPrefix(deref(first.ImageUrl), "https://login.example.com")
		if a := r.appearance(t, p, c); !ok || a.Logo != strings.TrimPrefix(path, imagesPrefix+p+"/") || a.CSS != "" {
			t.Errorf("image at %s, pages show %+v", *first.ImageUrl, a)
		}
		if w := r.get(path); w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), pngImage) || w.Header().Get("Content-Type") != "image/png" {
			t.Errorf("%d %s", w.Code, w.Header())
		}

		r.clock.Pass(time.Minute)
		second := r.set(t, p, &c, new(cssB), jpegImage)
		if *second.ImageUrl == *first.ImageUrl || *second.CSSVersion != "20261129100200" {
			t.Errorf("%+v", second)
		}
		if w := r.get(path); w.Code != http.StatusNotFound {
			t.Errorf("the old image: %d", w.Code)
		}
		if d := gocmp.Diff(second, r.customization(t, p, &c)); d != "" {
			t.Errorf("read back (-want +got)\n%s", d)
		}
	})
}

// TestCustomizationGoes deletes a client: its customization and its image go with it.
func TestCustomizationGoes(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		p := r.pool(t, "goes")
		c := r.client(t, p)
		path := strings.TrimPrefix(*r.set(t, p, &c, new(cssA), pngImage).ImageUrl, "https://login.example.com")
		if err := r.pools.DeleteUserPoolClient(t.Context(), &idp.DeleteUserPoolClientRequest{UserPoolId: p, ClientId: c}); err != nil {
			t.Fatal(err)
		}
		if w := r.get(path); w.Code != http.StatusNotFound {
			t.Errorf("the image: %d", w.Code)
		}
		if n, err := r.store.CountItems(t.Context(), p, customizationKind.Name); n != 0 || err != nil {
			t.Errorf("%d documents, %v", n, err)
		}
	})
}

// TestAppearanceElsewhere: the pages of another server show a change as soon as they see the pool's new version. Until
// then they do not ask the database.
func TestAppearanceElsewhere(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		other := r.another()
		p := r.pool(t, "elsewhere")
		c := r.client(t, p)
		if a := other.appearance(t, p, c); a.CSS != "" || a.Logo != "" || a.Theme != nil {
			t.Errorf("at first: %+v", a)
		}
		r.set(t, p, nil, new(cssA), nil)
		before := other.appearance(t, p, c)
		if again := other.appearance(t, p, c); before.CSS != "" || again != before {
			t.Errorf("within a second: %+v, %+v", before, again)
		}
		r.clock.Pass(time.Second)
		if a := other.appearance(t, p, c); a.CSS != ".label-customizable{font-weight:400;}\n" {
			t.Errorf("after a second: %+v", a)
		}
	})
}

// TestCustomizationRefusals has what both operations refuse. The text about the domain is the one that Terraform's
// provider looks for after the domain is gone.
func TestCustomizationRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t, fresh.SQLite(t))
	p, bare := r.pool(t, "refusals"), r.pool(t, "")
	const noDomain = "InvalidParameterException: There has to be an existing domain associated with this user pool"
	large := append(bytes.Clone(pngImage), make([]byte, maxLogoBytes)...)
	for _, tt := range []struct {
		name string
		in   idp.SetUICustomizationRequest
		want string
	}{
		{"unknown pool", idp.SetUICustomizationRequest{UserPoolId: "us-east-1_none", CSS: new(cssA)}, "ResourceNotFoundException: User pool us-east-1_none does not exist."},
		{"no domain", idp.SetUICustomizationRequest{UserPoolId: bare, CSS: new(cssA)}, noDomain},
		{"unknown client", idp.SetUICustomizationRequest{UserPoolId: p, ClientId: new("none"), CSS: new(cssA)}, "ResourceNotFoundException: User pool client none does not exist."},
		{"CSS", idp.SetUICustomizationRequest{UserPoolId: p, CSS: new("body {}")}, `InvalidParameterException: Invalid CSS: line 1: "body" is not one of the classes that can be customized`},
		{"not an image", idp.SetUICustomizationRequest{UserPoolId: p, ImageFile: []byte("<svg/>")}, "InvalidParameterException: The image file must be a PNG or JPEG image."},
		{"large image", idp.SetUICustomizationRequest{UserPoolId: p, ImageFile: large[:maxLogoBytes+1]}, "InvalidParameterException: The image file must not exceed 100 KB."},
		{"large image with CSS", idp.SetUICustomizationRequest{UserPoolId: p, ImageFile: large[:maxLogoBytes], CSS: new(cssA + strings.Repeat(" ", 4<<10))},
			"InvalidParameterException: Request parameters too large: CSS and image together must not exceed 135 KB."},
		{"largest image", idp.SetUICustomizationRequest{UserPoolId: p, ImageFile: large[:maxLogoBytes], CSS: new(cssA)}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := r.SetUICustomization(t.Context(), &tt.in)
			wantError(t, "SetUICustomization", err, tt.want)
		})
	}
	for _, tt := range []struct {
		name string
		in   idp.GetUICustomizationRequest
		want string
	}{
		{"unknown pool", idp.GetUICustomizationRequest{UserPoolId: "us-east-1_none"}, "ResourceNotFoundException: User pool us-east-1_none does not exist."},
		{"no domain", idp.GetUICustomizationRequest{UserPoolId: bare}, noDomain},
		{"unknown client", idp.GetUICustomizationRequest{UserPoolId: p, ClientId: new("none")}, "ResourceNotFoundException: User pool client none does not exist."},
	} {
		t.Run("get, "+tt.name, func(t *testing.T) {
			_, err := r.GetUICustomization(t.Context(), &tt.in)
			wantError(t, "GetUICustomization", err, tt.want)
		})
	}
}
