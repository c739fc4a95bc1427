package userimport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"cognate/internal/keys"
	"cognate/internal/store"
)

// maxLine is the longest line, in characters (Cognito: importing users).
const maxLine = 16_000

// errFile says that a stored file cannot be read. Trying again does not help.
var errFile = errors.New("userimport: the file cannot be read")

// source reads the lines of a stored file from any position. It holds one piece and one
// line in memory.
type source struct {
	piece func(ctx context.Context, seq int64) ([]byte, error)
	size  int64
	next  int64 // where the next line begins

	seq   int64 // of held
	held  []byte
	carry []byte
}

// open returns the source of a job's file, at the position of the job.
func (s *Service) open(j *job) *source {
	poolID, upload := j.rec.PoolID, j.Upload
	return &source{
		size: j.Size, next: j.Offset, seq: -1,
		piece: func(ctx context.Context, seq int64) ([]byte, error) {
			sealed, err := s.deps.Store.ImportChunk(ctx, poolID, upload, seq)
			if errors.Is(err, store.ErrNotFound) {
				return nil, fmt.Errorf("%w: piece %d is missing", errFile, seq)
			}
			if err != nil {
				return nil, err
			}
			plain, err := s.deps.Ring.Open(keys.PurposeImport, chunkAD(poolID, upload, seq), sealed)
			if errors.Is(err, keys.ErrUnknownKey) {
				return nil, err // the file is in order, and this node is not
			}
			if err != nil {
				return nil, fmt.Errorf("%w: piece %d: %w", errFile, seq, err)
			}
			return plain, nil
		},
	}
}

// line returns the next line without its end, and io.EOF after the last. Of a line that is
// too long it returns only the start, which is enough to reject the line.
func (f *source) line(ctx context.Context) (string, error) {
	if f.next >= f.size {
		return "", io.EOF
	}
	const most = maxLine*utf8.UTFMax + 2
	f.carry = f.carry[:0]
	for f.next < f.size {
		if err := f.load(ctx, f.next/chunkSize); err != nil {
			return "", err
		}
		at := int(f.next % chunkSize)
		if at >= len(f.held) {
			return "", fmt.Errorf("%w: piece %d is short", errFile, f.seq)
		}
		rest := f.held[at:]
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			f.carry = append(f.carry, rest[:min(len(rest), most-len(f.carry))]...)
			f.next += int64(len(rest))
			continue
		}
		f.next += int64(end) + 1
		if len(f.carry) == 0 {
			return trimCR(rest[:min(end, most)]), nil
		}
		f.carry = append(f.carry, rest[:min(end, most-len(f.carry))]...)
		break
	}
	return trimCR(f.carry), nil
}

func trimCR(line []byte) string { return string(bytes.TrimSuffix(line, []byte("\r"))) }

func (f *source) load(ctx context.Context, seq int64) error {
	if f.seq == seq {
		return nil
	}
	held, err := f.piece(ctx, seq)
	if err != nil {
		return err
	}
	f.seq, f.held = seq, held
	return nil
}

// values splits a line at its commas. A comma after a backslash belongs to the value.
// Quotes have no meaning, and blanks around a value are removed (Cognito: importing
// users).
func values(line string) []string {
	list := make([]string, 0, 32)
	begin, escaped := 0, false
	take := func(end int) {
		v := line[begin:end]
		if escaped {
			v = strings.ReplaceAll(v, `\,`, ",")
		}
		list = append(list, strings.TrimSpace(v))
		begin, escaped = end+1, false
	}
	for i := range len(line) {
		if line[i] != ',' {
			continue
		}
		if i > begin && line[i-1] == '\\' {
			escaped = true
			continue
		}
		take(i)
	}
	take(len(line))
	return list
}
