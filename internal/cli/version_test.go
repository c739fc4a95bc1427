package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestVersion compares the version with the newest one of the changelog.
func TestVersion(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "CHANGELOG.md"))
	if err != nil {
		t.Fatal(err)
	}
	newest := regexp.MustCompile(`(?m)^## ([0-9.]+)`).FindStringSubmatch(string(text))
	if newest == nil || newest[1] != release {
		t.Errorf("this is %s, the newest version of the changelog %v", release, newest)
	}
	if v := version(); v != release && !strings.HasPrefix(v, release+"+") {
		t.Errorf("the version is %s", v)
	}
}
