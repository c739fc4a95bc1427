package login

import (
	"maps"
	"os"
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
	tags := slices.Sorted(maps.Keys(catalogues))
	if len(tags) != 12 || len(languages) != 12 {
		t.Errorf("catalogues %v, languages %v", tags, languages)
	}
	placeholders := func(text string) string {
		found := regexp.MustCompile(`\{\d\}`).FindAllString(text, -1)
		slices.Sort(found)
		return strings.Join(found, "")
	}
	english := catalogues[defaultLanguage]
	for _, l := range languages {
		texts := catalogues[l.tag]
		for key := range texts {
			if english[key] == "" {
				t.Errorf("%s: %s has no text in English", l.tag, key)
			}
		}
		for key, text := range english {
			got := texts[key]
			switch {
			case strings.TrimSpace(got) == "" || strings.TrimSpace(got) != got:
				t.Errorf("%s: %s is %q", l.tag, key, got)
			case placeholders(got) != placeholders(text):
				t.Errorf("%s: %s has other placeholders than %q: %q", l.tag, key, text, got)
			case strings.ContainsAny(got, "<>&\""):
				t.Errorf("%s: %s has characters of HTML: %q", l.tag, key, got)
			case l.tag != defaultLanguage && got == text && !strings.Contains(sameText[key], l.tag):
				t.Errorf("%s: %s is not translated: %q", l.tag, key, got)
			}
		}
	}
}

// TestTexts: every text that a page or a template names is in the catalogue.
func TestTexts(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`(?:\.T |T\(|orElse\(|pageError\(|Notice = |: +)"((?:action|api|code|confirm|choose|error|feedback|first|forgot|label|language|newPassword|notice|passkey|addPasskey|password|reset|setup|signIn|signUp|terms|totp)\.[A-Za-z.]+[A-Za-z])"`)
	found := 0
	for _, pattern := range []string{"*.go", "templates/*.html"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range named.FindAllStringSubmatch(string(body), -1) {
				if filepath.Ext(m[1]) == ".html" {
					continue
				}
				found++
				if translator(defaultLanguage).T(m[1]) == "" {
					t.Errorf("%s names %q, which has no text", file, m[1])
				}
			}
		}
	}
	if found < 40 {
		t.Errorf("only %d texts were found", found)
	}
	if got := translator("xx").T("code.sent", "{1}<"); got != "We sent a code to {1}<." {
		t.Errorf("an unknown language: %q", got)
	}
}
