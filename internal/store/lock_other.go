//go:build !unix

package store

import (
	"context"
	"fmt"
	"os"
)

// lockFile has no lock to take on this system; SQLite's own locks keep the file whole.
func lockFile(_ context.Context, path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return f, nil
}
