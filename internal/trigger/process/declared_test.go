package process_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cognate/internal/trigger/process"
	"cognate/test/patience"
)

// TestDeclared: declared functions run without a folder of functions, with their variables. Another
// declaration replaces them, and hides a function of the folder.
func TestDeclared(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(folder(t), "f")
	f := open(t, process.Options{})
	if f.Has("f") || len(f.Names()) > 0 {
		t.Error("there is a function without a folder and a declaration")
	}
	declare := func(value string) {
		f.Declare(map[string]process.Function{"f": {Dir: dir, Runtime: "provided.al2023", Handler: "f", Env: map[string]string{"COLOUR": value}}})
	}
	declare("red")
	pid := must(t, f, "pid", "")
	if got := must(t, f, "env", "COLOUR"); got != `"red"` {
		t.Errorf("the variable is %s", got)
	}
	declare("red")
	if again := must(t, f, "pid", ""); again != pid {
		t.Error("an equal declaration has replaced the process")
	}
	declare("blue")
	if got := must(t, f, "env", "COLOUR"); got != `"blue"` {
		t.Errorf("the variable is %s after the change", got)
	}
	f.Declare(nil)
	if _, _, err := invoke(t, f, 2*time.Minute, "pid", ""); name(err) != "ResourceNotFoundException" {
		t.Errorf("a function that is not declared any more: %v", err)
	}

	both := open(t, process.Options{Dir: folder(t)})
	if got := must(t, both, "env", "COLOUR"); got != `""` {
		t.Errorf("the function of the folder has the variable %s", got)
	}
	both.Declare(map[string]process.Function{"f": {Dir: dir, Runtime: "provided", Env: map[string]string{"COLOUR": "green"}}})
	if got := must(t, both, "env", "COLOUR"); got != `"green"` {
		t.Errorf("the declared function has the variable %s", got)
	}
}

// TestDeclaredRelative declares a folder by its path from the working folder. A process runs in its own.
func TestDeclaredRelative(t *testing.T) {
	dir := filepath.Join(folder(t), "f")
	t.Chdir(filepath.Dir(dir))
	write(t, filepath.Join(dir, "index.js"), "exports.handler = async () => 'here'", 0o600)
	f := open(t, process.Options{})
	for runtime, handler := range map[string]string{"provided.al2023": "f", "nodejs24.x": "index.handler"} {
		f.Declare(map[string]process.Function{"f": {Dir: "f", Runtime: runtime, Handler: handler}})
		must(t, f, "pid", "")
	}
}

// TestHandlers finds the file of a handler, and says why there is none.
func TestHandlers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"index.js", "src/app.mjs", "handlers/main.py", "pkg/__init__.py", "typed.ts"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), "", 0o600)
	}
	for _, tt := range []struct{ runtime, handler, problem string }{
		{"nodejs24.x", "index.handler", ""},
		{"nodejs24.x", "src/app.handler", ""},
		{"python3.13", "handlers.main.handler", ""},
		{"python3.13", "handlers/main.handler", ""},
		{"python3.13", "pkg.handler", ""},
		{"python3.13", "index.handler", "has no file"},
		{"nodejs24.x", "typed.handler", "must be built first"},
		{"nodejs24.x", "../index.handler", "outside of the code"},
		{"nodejs24.x", "handler", "must name a file and a function"},
		{"nodejs24.x", "", "must name a file and a function"},
		{"provided.al2023", "any", "no executable bootstrap"},
	} {
		err := process.Function{Dir: dir, Runtime: tt.runtime, Handler: tt.handler}.Check()
		if tt.problem == "" && err != nil || tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)) {
			t.Errorf("%s %q: %v, want %q", tt.runtime, tt.handler, err, tt.problem)
		}
	}
	for name, want := range map[string]bool{"nodejs24.x": true, "python3.13": true, "provided.al2023": true, "python2.7": false, "java21": false, "dotnet8": false, "": false} {
		if got := process.Supports(name); got != want {
			t.Errorf("Supports(%q) = %v", name, got)
		}
	}
}

// TestDirs: the folders of functions include those in which a process of an earlier declaration still runs.
func TestDirs(t *testing.T) {
	t.Parallel()
	first, second := filepath.Join(folder(t), "f"), filepath.Join(folder(t), "f")
	f := open(t, process.Options{})
	declare := func(dir string) {
		f.Declare(map[string]process.Function{"f": {Dir: dir, Runtime: "provided"}})
	}
	want := func(dirs ...string) func() bool {
		slices.Sort(dirs)
		return func() bool { return slices.Equal(f.Dirs(), dirs) }
	}
	declare(first)
	must(t, f, "pid", "")
	if !want(first)() {
		t.Errorf("the folders are %v", f.Dirs())
	}
	meeting := filepath.Join(t.TempDir(), "here-")
	ended := make(chan error, 1)
	go func() {
		_, _, err := invoke(t, f, 2*time.Minute, "meet", meeting)
		ended <- err
	}()
	patience.Until(t, "the event runs", func() bool {
		met, _ := filepath.Glob(meeting + "*")
		return len(met) > 0
	})
	declare(second)
	if !want(first, second)() {
		t.Errorf("the folders are %v while an event runs in %s", f.Dirs(), first)
	}
	must(t, f, "meet", meeting)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	patience.Until(t, "the earlier process has ended", want(second))
	f.Declare(nil)
	patience.Until(t, "all processes have ended", want())
}

// TestDeclareDuringEvents: an event that is running ends where it began, although its function was declared
// again. The event waits until another process has one, too: that of the new declaration.
func TestDeclareDuringEvents(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(folder(t), "f")
	f := open(t, process.Options{})
	declare := func(value string) {
		f.Declare(map[string]process.Function{"f": {Dir: dir, Runtime: "provided", Env: map[string]string{"COLOUR": value}}})
	}
	meeting := filepath.Join(t.TempDir(), "here-")
	declare("red")
	first := make(chan string, 1)
	go func() {
		out, _, err := invoke(t, f, 2*time.Minute, "meet", meeting)
		if err != nil {
			out = err.Error()
		}
		first <- out
	}()
	patience.Until(t, "the event runs", func() bool {
		met, _ := filepath.Glob(meeting + "*")
		return len(met) > 0
	})
	declare("blue")
	if got := must(t, f, "meet", meeting); got != `"met"` {
		t.Errorf("the event of the new function: %s", got)
	}
	if got := <-first; got != `"met"` {
		t.Errorf("the event of the old function: %s", got)
	}
	if got := must(t, f, "env", "COLOUR"); got != `"blue"` {
		t.Errorf("the variable is %s", got)
	}
}
