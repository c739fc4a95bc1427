package process_test

import (
	"os"
	"path/filepath"
	"testing"

	"cognate/internal/trigger/process"
	"cognate/test/patience"
)

// TestFolderOfBinaries: only the build of a function makes the folder of binaries, and its end removes it.
func TestFolderOfBinaries(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	found := func() int {
		t.Helper()
		folders, err := filepath.Glob(filepath.Join(temporary, "cognate-functions-*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(folders)
	}
	dir := folder(t)
	f := open(t, process.Options{Dir: dir})
	must(t, f, "pid", "")
	if n := found(); n > 0 {
		t.Errorf("%d folders of binaries without a function to build", n)
	}
	if err := os.Remove(filepath.Join(dir, "f", "bootstrap")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "f", "go.mod"), "module f\n\ngo 1.25\n", 0o600)
	write(t, filepath.Join(dir, "f", "main.go"), "package main\n\nfunc main() {}\n", 0o600)
	if _, _, err := invoke(t, f, patience.Limit, "pid", ""); name(err) != "Runtime.ExitError" {
		t.Errorf("the built function, which ends at once: %v", err)
	}
	if n := found(); n != 1 {
		t.Errorf("%d folders of binaries after a build", n)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if n := found(); n > 0 {
		t.Errorf("%d folders of binaries after the end", n)
	}
}
