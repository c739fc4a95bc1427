package login

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"cognate/internal/login/texts"
	"cognate/internal/oauth"
)

const (
	// languageParameter is the name of the parameter and of the cookie that choose a language.
	languageParameter = "lang"
	languageLife      = 365 * 24 * 3600 // seconds
	// maxAcceptLanguage bounds what is parsed of a browser's preferences, in bytes.
	maxAcceptLanguage = 1024
)

// chooseLanguage returns the language of a page: that of the address, of the cookie, or of the browser's preferences. It
// keeps the first one in the cookie. Classic pages are in English (Cognito: managed login localization).
func chooseLanguage(w http.ResponseWriter, r *http.Request, site *oauth.Site) texts.Language {
	if !site.Domain.Managed {
		return texts.Default
	}
	kept := texts.Language("")
	if c, err := r.Cookie(languageParameter); err == nil {
		kept = texts.Known(c.Value)
	}
	if asked := r.URL.Query().Get(languageParameter); asked != "" {
		tag := texts.Known(asked)
		if tag == "" {
			return texts.Default
		}
		if tag != kept {
			setCookie(w, site, languageParameter, string(tag), languageLife)
		}
		return tag
	}
	if kept != "" {
		return kept
	}
	accepted := r.Header.Get("Accept-Language")
	if len(accepted) > maxAcceptLanguage {
		return texts.Default
	}
	return texts.Preferred(accepted)
}

// A languageMenu is a form that shows the page in another language. A form repeats the request once, while links would
// repeat it for each language.
type languageMenu struct {
	Action string
	// Parameters are the parameters of the request except the language, in their order.
	Parameters []parameter
	Choices    template.HTML
}

type parameter struct{ Name, Value string }

// maxMenuQuery bounds the query strings that the menu repeats, in bytes.
const maxMenuQuery = 8 << 10

// newLanguageMenu returns the menu of the page at ref. It returns nil if the query string is too long.
func newLanguageMenu(l texts.Language, ref, query string) *languageMenu {
	if len(query) > maxMenuQuery {
		return nil
	}
	m := &languageMenu{Action: ref, Choices: languageChoices[l]}
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(name)
		if err != nil || part == "" || name == languageParameter {
			continue
		}
		if value, err = url.QueryUnescape(value); err == nil {
			m.Parameters = append(m.Parameters, parameter{name, value})
		}
	}
	return m
}

// languageChoices are the buttons of the menu for a page in each language. They are made once:
// they would be a fifth of the work for a page.
var languageChoices = newLanguageChoices()

func newLanguageChoices() map[texts.Language]template.HTML {
	layout := template.Must(template.ParseFS(templateFiles, "templates/layout.html"))
	all := map[texts.Language]template.HTML{}
	for _, l := range texts.All {
		var b bytes.Buffer
		if err := layout.ExecuteTemplate(&b, "languages", map[string]any{"Language": l.Tag, "Languages": texts.All}); err != nil {
			panic(err)
		}
		all[l.Tag] = template.HTML(b.String()) //nolint:gosec // a template made it
	}
	return all
}
