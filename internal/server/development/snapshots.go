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

// PutBack writes a copy over the file of a closed database, in one step.
func (s Snapshots) PutBack(name, database string) error {
	content, err := os.ReadFile(s.File(name))
	if err != nil {
		return err
	}
	unfinished := database + ".new"
	if err := os.WriteFile(unfinished, content, 0o600); err != nil {
		return err
	}
	// SQLite would replay the log of the old file into the new one.
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(database + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.Rename(unfinished, database)
}
