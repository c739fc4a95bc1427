//go:build !unix

package server

// FreeBytes returns false: the free space is not known on this system.
func FreeBytes(string) (uint64, bool) { return 0, false }
