package login

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"cognate/internal/protection"
)

// TestPreviewStates: every page, every template, every challenge and every notice has a state in
// the preview. So a change that adds a page must add its states, too.
func TestPreviewStates(t *testing.T) {
	t.Parallel()
	paths, templatesShown, challenges, notified, names := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	byPath := map[string]page{}
	for _, p := range pages() {
		byPath[p.path] = p
	}
	for _, s := range previewStates() {
		if names[s.path+" "+s.name] || s.name == "" || s.title == "" {
			t.Errorf("state %q %q of %s: its name is not unique, or something is empty", s.name, s.title, s.path)
		}
		names[s.path+" "+s.name] = true
		paths[s.path], templatesShown[byPath[s.path].template], notified[s.notice] = true, true, true
		if s.state != nil {
			challenges[string(s.state.Challenge)] = true
		}
		if p := byPath[s.path]; s.write == nil && (p.show == nil || p.state != "" && !p.signedIn && s.state == nil) {
			t.Errorf("state %q of %s: the page needs a state", s.name, s.path)
		}
	}
	// These have no row of their own in pages().
	templatesShown["error.html"], templatesShown["confirmed.html"], templatesShown["feedback.html"] = paths[pathError], paths[pathConfirmUser], paths[protection.FeedbackPath]
	// It is another address of the sign-in page.
	paths["/oauth2/login"] = paths[pathSignIn]

	for path, p := range byPath {
		if p.show != nil && !paths[path] {
			t.Errorf("%s has no state in previewStates", path)
		}
	}
	for name := range templates {
		if !templatesShown[name] {
			t.Errorf("%s has no state in previewStates", name)
		}
	}
	for challenge, p := range challengePages() {
		// The pages for a choice and for a set-up do not depend on the challenge's name.
		if p.path == pathCode && !challenges[string(challenge)] {
			t.Errorf("challenge %s has no state in previewStates", challenge)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(notices)) {
		if !notified[key] {
			t.Errorf("%s has no state in previewStates", key)
		}
	}
}

// TestStatesAreListed: the tables of the documents list the states of each page.
func TestStatesAreListed(t *testing.T) {
	t.Parallel()
	titles := map[string][]string{}
	for _, s := range previewStates() {
		titles[s.path] = append(titles[s.path], s.title)
	}
	for document, row := range map[string][2]string{
		"../../docs/compatibility.md": {"| ", " | works | "}, "../../docs/pages/README.md": {"| `", "` | "},
	} {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for path, list := range titles {
			states, found := strings.Join(list, "; "), false
			for line := range strings.Lines(string(text)) {
				found = found || strings.HasPrefix(line, row[0]+path+row[1]) && strings.Contains(line, " "+states+" |")
			}
			if !found {
				t.Errorf("%s has no row for %s with %q", document, path, states)
			}
		}
	}
}
