// Package datafile finds out whether a file of the operator changed, and describes the files that
// the risk engine reads.
package datafile

import (
	"os"
	"time"
)

// A Watch remembers the version of a file that was read last. Its methods must not be called at the
// same time.
type Watch struct {
	info os.FileInfo // of the version that was read; nil if there is none
	err  error
}

// Update calls load if the file differs from the version that was read last. It reports whether the
// status of the file is different now. An empty path is no file.
func (w *Watch) Update(path string, load func() error) bool {
	if path == "" {
		return false
	}
	info, err := os.Stat(path)
	if err != nil {
		changed := w.err == nil || w.info != nil
		w.info, w.err = nil, err
		return changed
	}
	if w.info != nil && os.SameFile(w.info, info) && w.info.Size() == info.Size() && w.info.ModTime().Equal(info.ModTime()) {
		return false
	}
	w.info, w.err = info, load()
	return true
}

// Err returns what was wrong with the newest version, or nil.
func (w *Watch) Err() error { return w.err }

// Status describes a file for the log and for the operator.
type Status struct {
	// Name says what the file is for, and Path where it is.
	Name, Path string
	// Loaded means that a version of the file is in use.
	Loaded bool
	// Built is when the data were made, if the file says so.
	Built time.Time
	// Entries is the number of entries, if it is known.
	Entries int
	// Err is what was wrong with the newest version. An older version may be in use.
	Err error
}
