//go:build unix

package passwords

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps a file for reading at random places.
func mapFile(file *os.File, size int64) ([]byte, func() error, error) {
	data, err := unix.Mmap(int(file.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, os.NewSyscallError("mmap", err)
	}
	_ = unix.Madvise(data, unix.MADV_RANDOM) // only a hint
	return data, func() error { return unix.Munmap(data) }, nil
}
