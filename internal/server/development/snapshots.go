package development

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Snapshots is the folder with the copies of the database, each in a file of its name.
type Snapshots string

const snapshotSuffix = ".db"

// Make makes the folder.
func (s Snapshots) Make() error { return os.MkdirAll(string(s), 0o700) }

// File returns the path of a copy.
func (s Snapshots) File(name string) string { return filepath.Join(string(s), name+snapshotSuffix) }

// Names returns the names of the copies.
func (s Snapshots) Names() ([]string, error) {
	entries, err := os.ReadDir(string(s))
	if errors.Is(err, fs.ErrNotExist) {
		return []string{}, nil
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), snapshotSuffix); ok {
			names = append(names, name)
		}
	}
	return names, err
}

// Prepare copies a snapshot to another file, from which it can be put back.
func (s Snapshots) Prepare(name, file string) error {
	content, err := os.ReadFile(s.File(name))
	if err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o600) //nolint:gosec // names have no separator: snapshotName
}

// PutBack moves a prepared file over the file of a closed database, in one step.
func PutBack(file, database string) error {
	// SQLite would replay the log of the old file into the new one.
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(database + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.Rename(file, database)
}
