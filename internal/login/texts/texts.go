// Package texts has the words of the login pages in their languages. It is a table with a few ways to read it: it serves no
// page.
package texts

import (
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/text/language"
)

//go:embed *.json
var files embed.FS

// A Language is the tag of a language of the pages. It returns texts in that language.
type Language string

// Default is the language of a page that has no better one.
const Default Language = "en"

// All are the languages of the pages, by their tags and their own names (Cognito: managed login localization).
// The first one is for browsers that prefer no language of the list.
var All = []struct {
	Tag  Language
	Name string
}{
	{Default, "English"},
	{"id", "Bahasa Indonesia"}, {"de", "Deutsch"}, {"es", "Español"}, {"fr", "Français"}, {"it", "Italiano"}, {"nl", "Nederlands"},
	{"pt-BR", "Português (Brasil)"}, {"ja", "日本語"}, {"ko", "한국어"}, {"zh-CN", "简体中文"}, {"zh-TW", "繁體中文"},
}

// catalogues are the texts by language and key.
var catalogues = loadCatalogues()

func loadCatalogues() map[Language]map[string]string {
	all := map[Language]map[string]string{}
	for _, l := range All {
		body, err := files.ReadFile(string(l.Tag) + ".json")
		if err != nil {
			panic(err)
		}
		texts := map[string]string{}
		if err := json.Unmarshal(body, &texts); err != nil {
			panic(fmt.Errorf("texts: %s: %w", l.Tag, err))
		}
		all[l.Tag] = texts
	}
	return all
}

// matcher finds the language that a browser prefers.
var matcher = newMatcher()

func newMatcher() language.Matcher {
	tags := make([]language.Tag, len(All))
	for i, l := range All {
		tags[i] = language.MustParse(string(l.Tag))
	}
	return language.NewMatcher(tags)
}

// Known returns the language that a tag names, or "".
func Known(tag string) Language {
	for _, l := range All {
		if strings.EqualFold(string(l.Tag), tag) {
			return l.Tag
		}
	}
	return ""
}

// Preferred returns the best language for the Accept-Language header of a browser.
func Preferred(accepted string) Language {
	_, i := language.MatchStrings(matcher, accepted)
	return All[i].Tag
}

// T returns the text of a key. {0}, {1}, … in it stand for the arguments.
func (l Language) T(key string, args ...any) string {
	text, ok := catalogues[l][key]
	if !ok {
		text = catalogues[Default][key]
	}
	if len(args) == 0 {
		return text
	}
	pairs := make([]string, 0, 2*len(args))
	for i, a := range args {
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", fmt.Sprint(a))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// messageKeys are the keys of the texts that other packages word, by the English text.
var messageKeys = loadMessageKeys()

func loadMessageKeys() map[string]string {
	found := map[string]string{}
	for key, text := range catalogues[Default] {
		if strings.HasPrefix(key, "api.") {
			found[text] = key
		}
	}
	return found
}

// KeyOf returns the key of an English text that another package words, or "".
func KeyOf(text string) string { return messageKeys[text] }

// Message returns the translation of a text that another package words, or the text itself.
func (l Language) Message(text string) string {
	if key := KeyOf(text); key != "" {
		return l.T(key)
	}
	return text
}

// OrElse returns the text of a key, or other where there is none.
func (l Language) OrElse(key, other string) string {
	if text := l.T(key); text != "" {
		return text
	}
	return other
}

// Name returns the language's own name.
func (l Language) Name() string {
	for _, known := range All {
		if known.Tag == l {
			return known.Name
		}
	}
	return ""
}
