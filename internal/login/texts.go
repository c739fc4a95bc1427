package login

import (
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

//go:embed texts
var textFiles embed.FS

// defaultLanguage is the language of a page that has no better one.
const defaultLanguage = "en"

// catalogues are the texts of the pages by language and key.
var catalogues = loadCatalogues()

func loadCatalogues() map[string]map[string]string {
	entries, err := textFiles.ReadDir("texts")
	if err != nil {
		panic(err)
	}
	all := map[string]map[string]string{}
	for _, e := range entries {
		body, err := textFiles.ReadFile("texts/" + e.Name())
		if err != nil {
			panic(err)
		}
		texts := map[string]string{}
		if err := json.Unmarshal(body, &texts); err != nil {
			panic(fmt.Errorf("login: %s: %w", e.Name(), err))
		}
		all[strings.TrimSuffix(e.Name(), ".json")] = texts
	}
	return all
}

// A translator returns texts in one language.
type translator string

// T returns the text of a key. {0}, {1}, … in it stand for the arguments.
func (l translator) T(key string, args ...any) string {
	text, ok := catalogues[string(l)][key]
	if !ok {
		text = catalogues[defaultLanguage][key]
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
	for key, text := range catalogues[defaultLanguage] {
		if strings.HasPrefix(key, "api.") {
			found[text] = key
		}
	}
	return found
}

// known returns the translation of a text that another package words, or the text itself.
func (l translator) known(text string) string {
	if key, ok := messageKeys[text]; ok {
		return l.T(key)
	}
	return text
}

// orElse returns the text of a key, or other where there is none.
func (l translator) orElse(key, other string) string {
	if text := l.T(key); text != "" {
		return text
	}
	return other
}
