package document

import (
	"fmt"
	"io"
	"os"
)

// ReadFile reads a file of at most limit MB (1 MB is 2^20 bytes). kind says in errors what the file is.
func ReadFile(name, kind string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit<<20+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit<<20 {
		return nil, fmt.Errorf("%s: the %s is larger than %d MB", name, kind, limit)
	}
	return text, nil
}
