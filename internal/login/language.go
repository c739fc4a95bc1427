package login

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/text/language"

	"cognate/internal/oauth"
)

// languages are the languages of the pages, by their tags and their own names (Cognito: managed login localization).
// The first one is for browsers that prefer no language of the list.
var languages = []struct{ tag, name string }{
	{defaultLanguage, "English"},
	{"id", "Bahasa Indonesia"}, {"de", "Deutsch"}, {"es", "Español"}, {"fr", "Français"}, {"it", "Italiano"}, {"nl", "Nederlands"},
	{"pt-BR", "Português (Brasil)"}, {"ja", "日本語"}, {"ko", "한국어"}, {"zh-CN", "简体中文"}, {"zh-TW", "繁體中文"},
}

// matcher finds the language that a browser prefers.
var matcher = newMatcher()

func newMatcher() language.Matcher {
	tags := make([]language.Tag, len(languages))
	for i, l := range languages {
		tags[i] = language.MustParse(l.tag)
	}
	return language.NewMatcher(tags)
}

const (
	// languageParameter is the name of the parameter and of the cookie that choose a language.
	languageParameter = "lang"
	languageLife      = 365 * 24 * 3600 // seconds
	// maxAcceptLanguage bounds what is parsed of a browser's preferences, in bytes.
	maxAcceptLanguage = 1024
)

// knownLanguage returns the language that a tag names, or "".
func knownLanguage(tag string) string {
	for _, l := range languages {
		if strings.EqualFold(l.tag, tag) {
			return l.tag
		}
	}
	return ""
}

// chooseLanguage returns the language of a page: that of the address, of the cookie, or of the browser's preferences. It
// keeps the first one in the cookie. Classic pages are in English (Cognito: managed login localization).
func chooseLanguage(w http.ResponseWriter, r *http.Request, site *oauth.Site) translator {
	if !site.Domain.Managed {
		return defaultLanguage
	}
	kept := ""
	if c, err := r.Cookie(languageParameter); err == nil {
		kept = knownLanguage(c.Value)
	}
	if asked := r.URL.Query().Get(languageParameter); asked != "" {
		tag := knownLanguage(asked)
		if tag == "" {
			return defaultLanguage
		}
		if tag != kept {
			setCookie(w, site, languageParameter, tag, languageLife)
		}
		return translator(tag)
	}
	if kept != "" {
		return translator(kept)
	}
	accepted := r.Header.Get("Accept-Language")
	if len(accepted) > maxAcceptLanguage {
		return defaultLanguage
	}
	_, i := language.MatchStrings(matcher, accepted)
	return translator(languages[i].tag)
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

type languageChoice struct{ Tag, Name string }

// maxMenuQuery bounds the query strings that the menu repeats, in bytes.
const maxMenuQuery = 8 << 10

// newLanguageMenu returns the menu of the page at ref. It returns nil if the query string is too long.
func newLanguageMenu(l translator, ref, query string) *languageMenu {
	if len(query) > maxMenuQuery {
		return nil
	}
	m := &languageMenu{Action: ref, Choices: languageChoices[string(l)]}
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

func newLanguageChoices() map[string]template.HTML {
	list := make([]languageChoice, len(languages))
	for i, l := range languages {
		list[i] = languageChoice{l.tag, l.name}
	}
	layout := template.Must(template.ParseFS(templateFiles, "templates/layout.html"))
	all := map[string]template.HTML{}
	for _, l := range languages {
		var b bytes.Buffer
		if err := layout.ExecuteTemplate(&b, "languages", map[string]any{"Language": l.tag, "Languages": list}); err != nil {
			panic(err)
		}
		all[l.tag] = template.HTML(b.String()) //nolint:gosec // a template made it
	}
	return all
}

// name returns the language's own name.
func (l translator) name() string {
	for _, known := range languages {
		if known.tag == string(l) {
			return known.name
		}
	}
	return ""
}
