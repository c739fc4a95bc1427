//go:build !unix

package passwords

import (
	"io"
	"os"
)

// mapFile reads the file: this system has no map that the server uses.
func mapFile(file *os.File, size int64) ([]byte, func() error, error) {
	data := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(file, 0, size), data); err != nil {
		return nil, nil, err
	}
	return data, func() error { return nil }, nil
}
