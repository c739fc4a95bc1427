package login

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
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

// A languageLink shows the page in another language.
type languageLink struct {
	Tag, Name string
	URL       template.URL
}

// maxLinkQuery bounds the query strings that language links repeat, in bytes. Longer ones
// would make a page many times the size of its request.
const maxLinkQuery = 8 << 10

// languageLinks returns a link for each language to a page with this reference. There is
// none if the query string is too long.
func languageLinks(ref, query string) []languageLink {
	if len(query) > maxLinkQuery {
		return nil
	}
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		if decoded, err := url.QueryUnescape(name); part != "" && (err != nil || decoded != languageParameter) {
			kept = append(kept, part)
		}
	}
	links := make([]languageLink, len(languages))
	for i, l := range languages {
		target := ref + "?" + strings.Join(append(slices.Clip(kept), languageParameter+"="+l.tag), "&")
		links[i] = languageLink{Tag: l.tag, Name: l.name, URL: template.URL(target)} //nolint:gosec // html/template still escapes it for its attribute
	}
	return links
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
