package lists

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"cognate/internal/risk/datafile"
)

// File is a list in a file, which is read again when it changes. It is safe for concurrent use.
type File struct {
	name, path string
	set        atomic.Pointer[Set]

	mu    sync.Mutex // one Refresh at a time
	watch datafile.Watch
}

// Open returns the list of a file. The file may be missing or broken: then the list is empty until
// [File.Refresh] finds a good version. Name says what the list is for. No path is an empty list.
func Open(name, path string) *File {
	f := &File{name: name, path: path}
	f.Refresh()
	return f
}

// Set returns the entries in use; it is nil for no file. A nil File has no entries.
func (f *File) Set() *Set {
	if f == nil {
		return nil
	}
	return f.set.Load()
}

// Refresh reads the file if it changed since the last call. It reports whether it did.
func (f *File) Refresh() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.watch.Update(f.path, func() error {
		set, err := f.read()
		if err == nil {
			f.set.Store(set)
		}
		return err
	})
}

func (f *File) read() (*Set, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	set, err := Parse(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	return set, nil
}

// Status describes the file.
func (f *File) Status() datafile.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	set := f.set.Load()
	return datafile.Status{Name: f.name, Path: f.path, Loaded: set != nil, Entries: set.Len(), Err: f.watch.Err()}
}
