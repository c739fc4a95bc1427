package login

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"cognate/internal/login/texts"
)

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
				if texts.Default.T(m[1]) == "" {
					t.Errorf("%s names %q, which has no text", file, m[1])
				}
			}
		}
	}
	if found < 40 {
		t.Errorf("only %d texts were found", found)
	}
}
