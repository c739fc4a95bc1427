package login

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cognate/internal/api/idp"
	"cognate/internal/federation/oidc"
	"cognate/internal/pool/branding"
	"cognate/internal/pool/providers"
)

// Other identity providers on the sign-in page: a button for each, or one input for the
// person's address where the app client has many of them (Cognito: managed login).

// providersView is what the page shows of other providers.
type providersView struct {
	Buttons []providerButton
	// Search is the input for an address or a domain; nil where all providers have buttons.
	Search *Field
	// First is true if the providers come before the form for the pool's own people.
	First bool
}

// A providerButton leads to a provider.
type providerButton struct {
	Label, URL string
	Icon       picture
	Company    bool // the kind of its mark
	NoIcon     bool
}

// providerLabels are the names of providers whose type is not a name that people know.
var providerLabels = map[string]string{oidc.LoginWithAmazon: "Amazon", oidc.SignInWithApple: "Apple"}

// providersView returns what the page shows; nil for an app client without other providers.
func (v *visit) providersView() (*providersView, error) {
	offered, err := v.offeredProviders()
	if len(offered) == 0 || err != nil {
		return nil, err
	}
	look, err := v.deps.Branding.Appearance(v.r.Context(), v.site.Pool, v.request.Client.ID)
	if err != nil {
		return nil, err
	}
	managed := v.site.Domain.Managed
	out := &providersView{First: managed && federatedFirst(look.Settings)}
	byAddress := searchesByAddress(offered, managed, look.Settings)
	for _, p := range ordered(offered, look.Settings, managed) {
		if byAddress && p.Type == providers.SAML {
			continue
		}
		out.Buttons = append(out.Buttons, v.providerButton(p, look))
	}
	if byAddress {
		out.Search = v.searchField()
		v.allowProviders()
	}
	return out, nil
}

// searchField returns the input for an address or a domain.
func (v *visit) searchField() *Field {
	f := v.withError(Field{ID: inputSearch, Name: inputSearch, Label: v.text.T("provider.search"), Type: "text", Autocomplete: "email", Value: v.form.Get(inputSearch)})
	return &f
}

// offeredProviders returns the pool's providers that the app client allows, in its order.
func (v *visit) offeredProviders() ([]*providers.Provider, error) {
	var list []*providers.Provider
	for _, name := range v.request.Client.Config.SupportedIdentityProviders {
		if name == localName {
			continue
		}
		p, err := v.deps.Providers.ByName(v.r.Context(), v.site.Pool, name)
		if err != nil {
			return nil, err
		}
		if p != nil { // else it was deleted
			list = append(list, p)
		}
	}
	return list, nil
}

// localName stands for the pool's own directory among an app client's providers.
const localName = "COGNITO"

// federatedFirst reports whether the buttons come before the form.
func federatedFirst(settings branding.Document) bool {
	return settings.FirstAuthMethod() != "USERNAME_PASSWORD"
}

// searchesByAddress reports whether SAML providers are found by the person's address. Classic
// pages do so where there are several, and each has an identifier.
func searchesByAddress(offered []*providers.Provider, managed bool, settings branding.Document) bool {
	n, named := 0, 0
	for _, p := range offered {
		if p.Type == providers.SAML {
			n++
			if len(p.Identifiers) > 0 {
				named++
			}
		}
	}
	if managed {
		return n > 0 && named == n && settings.Text("categories", "auth", "federation", "interfaceStyle") != "BUTTON_LIST"
	}
	return n > 1 && named == n
}

// ordered returns the providers in the order of the style.
func ordered(offered []*providers.Provider, settings branding.Document, managed bool) []*providers.Provider {
	if !managed {
		return offered
	}
	order := settings.Texts("categories", "auth", "federation", "order")
	place := func(p *providers.Provider) int {
		if at := slices.Index(order, p.Name); at >= 0 {
			return at
		}
		return len(order)
	}
	list := slices.Clone(offered)
	slices.SortStableFunc(list, func(a, b *providers.Provider) int { return place(a) - place(b) })
	return list
}

func (v *visit) providerButton(p *providers.Provider, look *branding.Appearance) providerButton {
	name := p.Name
	if known := providerLabels[p.Type]; known != "" {
		name = known
	}
	b := providerButton{
		Label: v.text.T("provider.continue", name), URL: v.providerURL(p.Name), Company: !p.IsSocial(),
		NoIcon: v.site.Domain.Managed && !look.Settings.Bool("componentClasses", "idpButtons", "icons", "enabled"),
	}
	for _, asset := range look.Assets {
		if asset.Category == idp.AssetCategoryTypeIdpButtonIcon && asset.ResourceID == p.Name {
			b.Icon.URL = imageURL(v.site, asset.File)
		}
	}
	return b
}

// providerURL returns the reference at which a sign-in at the provider begins.
func (v *visit) providerURL(name string) string {
	q, _ := url.ParseQuery(v.r.URL.RawQuery) // It was parsed before.
	q.Del("idp_identifier")
	q.Del("lang")
	q.Set("identity_provider", name)
	return v.site.URL("/oauth2/authorize") + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

// errNoProvider says that no provider has the domain that the person typed.
const errNoProvider = pageError("provider.unknown")

// submitSearch leads to the provider of an address: that with the address's domain, or the
// text itself, as an identifier.
func (v *visit) submitSearch() error {
	text := strings.TrimSpace(v.form.Get(inputSearch))
	domain := text
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		domain = text[at+1:]
	}
	offered, err := v.offeredProviders()
	if err != nil {
		return err
	}
	for _, p := range offered {
		for _, identifier := range p.Identifiers {
			if identifier == text || domain != "" && strings.EqualFold(identifier, domain) {
				v.redirect(v.providerURL(p.Name))
				return nil
			}
		}
	}
	return errNoProvider
}

// leadsAway sends the browser to the provider that the request names, and reports whether it
// did so. The sign-in page asks for the choice of a provider, which such a request makes.
func (v *visit) leadsAway() bool {
	if v.request.IsLocal() || v.request.MustAsk(v.r) || v.page.path != pathSignIn || v.r.Method == http.MethodPost {
		return false
	}
	v.redirect(v.providerURL(v.request.Provider))
	return true
}
