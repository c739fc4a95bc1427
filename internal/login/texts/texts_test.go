package texts

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sameText are texts that are the same in English and in another language.
var sameText = map[string]string{
	"attribute.name": "de", "attribute.website": "de nl", "label.code": "de fr nl", "label.password": "it", "method.PASSWORD": "it", "method.WEB_AUTHN": "de it nl",
}

// TestCatalogues: the pages' languages have the same texts, with the same placeholders.
func TestCatalogues(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.json")
	if err != nil || len(files) != 12 || len(All) != 12 {
		t.Errorf("catalogues %v, languages %v", files, All)
	}
	placeholders := func(text string) string {
		found := regexp.MustCompile(`\{\d\}`).FindAllString(text, -1)
		slices.Sort(found)
		return strings.Join(found, "")
	}
	english := catalogues[Default]
	for _, l := range All {
		texts := catalogues[l.Tag]
		for key := range texts {
			if english[key] == "" {
				t.Errorf("%s: %s has no text in English", l.Tag, key)
			}
		}
		for key, text := range english {
			got := texts[key]
			switch {
			case strings.TrimSpace(got) == "" || strings.TrimSpace(got) != got:
				t.Errorf("%s: %s is %q", l.Tag, key, got)
			case placeholders(got) != placeholders(text):
				t.Errorf("%s: %s has other placeholders than %q: %q", l.Tag, key, text, got)
			case strings.ContainsAny(got, "<>&\""):
				t.Errorf("%s: %s has characters of HTML: %q", l.Tag, key, got)
			case l.Tag != Default && got == text && !strings.Contains(sameText[key], string(l.Tag)):
				t.Errorf("%s: %s is not translated: %q", l.Tag, key, got)
			}
		}
	}
}

// TestText fills in a text. An unknown language is English.
func TestText(t *testing.T) {
	t.Parallel()
	if got := Language("xx").T("code.sent", "{1}<"); got != "We sent a code to {1}<." {
		t.Errorf("an unknown language: %q", got)
	}
	if got := Language("de").Message("User is disabled."); got == "User is disabled." || got != Language("de").T("api.disabled") {
		t.Errorf("a text of the API: %q", got)
	}
	if got := Preferred("nl-BE, en;q=0.5"); got != "nl" || got.Name() != "Nederlands" || Known("ZH-tw") != "zh-TW" || Known("xx") != "" {
		t.Errorf("preferred: %q", got)
	}
}
