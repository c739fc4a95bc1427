// Package datafile finds out whether a file of the operator changed, and describes the files that
// the risk engine reads.
package datafile

import (
	"os"
	"time"
)

// Stamp identifies the version of a file that was read. The zero value is no version.
type Stamp struct{ info os.FileInfo }

// Stat returns the version of a file, and whether it differs from the earlier version.
func (s Stamp) Stat(path string) (Stamp, bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Stamp{}, s.info != nil, err
	}
	same := s.info != nil && os.SameFile(s.info, info) && s.info.Size() == info.Size() && s.info.ModTime().Equal(info.ModTime())
	return Stamp{info}, !same, nil
}

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
