//go:build !unix

package server

// FreeBytes knows nothing on this system.
func FreeBytes(string) (uint64, bool) { return 0, false }
