package process

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"cognate/internal/trigger"
)

// TestRetired: no process starts for a declaration that another has replaced, as the folder of its code may be gone.
func TestRetired(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bootstrap"), []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	f.Declare(map[string]Function{"f": {Dir: dir, Runtime: "provided"}})
	fn, err := f.function("f")
	if err != nil {
		t.Fatal(err)
	}
	g, err := fn.generation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.Declare(nil)
	g.slots <- struct{}{}
	if _, err := g.start(); !errors.Is(err, errRetired) {
		t.Fatalf("start: %v", err)
	}
	<-g.slots
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 { // A slot, the end of the declaration and that of the caller are there at once: any of them may be seen first.
		if out, handed := g.invoke(ended, trigger.Invocation{}); handed && !errors.Is(out.err, context.Canceled) {
			t.Errorf("invoke: %+v", out)
		}
	}
	if dirs := f.Dirs(); len(dirs) > 0 || len(g.slots) > 0 {
		t.Errorf("processes run in %v; %d slots are taken", dirs, len(g.slots))
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
