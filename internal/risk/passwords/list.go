package passwords

import (
	"bufio"
	"bytes"
	"crypto/sha1" //nolint:gosec // the list has these hashes
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	sha1Digits   = 2 * sha1.Size
	ntlmDigits   = 32
	prefixDigits = 5
	maxListLine  = 128
)

// list reads the list of Pwned Passwords.
type list struct {
	source string
	folder bool
	digits int // of the names of a folder's files
	read   int64
	total  int64 // bytes, or the number of files of a folder

	last [sha1.Size]byte
	any  bool
}

func openList(source string, digits int) (*list, error) {
	info, err := os.Stat(source)
	if err != nil {
		return nil, err
	}
	l := &list{source: source, folder: info.IsDir(), digits: digits, total: info.Size()}
	if l.folder {
		l.total = int64(l.prefixes())
	}
	return l, nil
}

// prefixes returns how many files a folder has.
func (l *list) prefixes() int { return 1 << (4 * l.digits) }

// each calls add with the key and the count of each line.
func (l *list) each(add func(key, count uint64) error) error {
	if !l.folder {
		return l.eachLine(l.source, "", true, add)
	}
	if err := l.checkFolder(); err != nil {
		return err
	}
	for i := range l.prefixes() {
		prefix := l.name(i)
		if err := l.eachLine(filepath.Join(l.source, prefix+".txt"), prefix, false, add); err != nil {
			return err
		}
		l.read++
	}
	return nil
}

// name returns the prefix of a number.
func (l *list) name(i int) string { return fmt.Sprintf("%0*X", l.digits, i) }

// checkFolder looks for missing files first: a filter without them would miss passwords, and a
// fault must not show after half an hour only.
func (l *list) checkFolder() error {
	entries, err := os.ReadDir(l.source)
	if err != nil {
		return err
	}
	have := make([]bool, l.prefixes())
	for _, e := range entries {
		name, text := strings.CutSuffix(e.Name(), ".txt")
		if n, ok := l.number(name); text && ok {
			have[n] = true
		}
	}
	missing, first := 0, 0
	for i, ok := range slices.Backward(have) {
		if !ok {
			missing, first = missing+1, i
		}
	}
	if missing > 0 {
		return fmt.Errorf("%s: %d of %d files are missing, the first is %s.txt: finish the download", l.source, missing, len(have), l.name(first))
	}
	return nil
}

// number reads the capital hexadecimal digits of a file's name.
func (l *list) number(name string) (n int, ok bool) {
	if len(name) != l.digits || name != strings.ToUpper(name) {
		return 0, false
	}
	for i := range len(name) {
		v := hexValue[name[i]]
		if v < 0 {
			return 0, false
		}
		n = n<<4 | int(v)
	}
	return n, true
}

// hexValue has the value of each hexadecimal digit, and -1 for all else.
var hexValue = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
		if v := strings.IndexByte("0123456789abcdef", byte(i)|0x20); v >= 0 && (i >= '0' && i <= '9' || i >= 'A' && i <= 'F' || i >= 'a' && i <= 'f') {
			t[i] = int8(v)
		}
	}
	return t
}()

var errLine = errors.New("want a SHA-1 hash in hexadecimal digits, a colon and a count")

func (l *list) eachLine(path, prefix string, counts bool, add func(key, count uint64) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	r := bufio.NewReaderSize(file, 1<<20)
	for number := 1; ; number++ {
		line, err := r.ReadSlice('\n')
		if counts {
			l.read += int64(len(line))
		}
		end := errors.Is(err, io.EOF)
		if err != nil && !end && !errors.Is(err, bufio.ErrBufferFull) {
			return fmt.Errorf("%s: line %d: %w", path, number, err)
		}
		if end && len(line) == 0 {
			return nil
		}
		if err := l.line(line, prefix, add); err != nil {
			return fmt.Errorf("%s: line %d: %w", path, number, err)
		}
		if end {
			return nil
		}
	}
}

// line reads HASH:COUNT, or the rest of a hash behind its prefix.
func (l *list) line(line []byte, prefix string, add func(key, count uint64) error) error {
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte{'\n'}), []byte{'\r'})
	if len(line) == 0 || len(line) > maxListLine {
		return errLine
	}
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		return errLine
	}
	if len(prefix)+colon == ntlmDigits {
		return errors.New("the list has NTLM hashes: download the list of SHA-1 hashes")
	}
	if len(prefix)+colon != sha1Digits {
		return errLine
	}
	var digits [sha1Digits]byte
	copy(digits[:], prefix)
	copy(digits[len(prefix):], line[:colon])
	var sum [sha1.Size]byte
	for i := range sum {
		high, low := hexValue[digits[2*i]], hexValue[digits[2*i+1]]
		if high < 0 || low < 0 {
			return errLine
		}
		sum[i] = byte(high)<<4 | byte(low)
	}
	count, ok := parseCount(line[colon+1:])
	if !ok {
		return errLine
	}
	if l.any && bytes.Compare(sum[:], l.last[:]) <= 0 {
		return errors.New("the hashes are not in ascending order: take the list that is ordered by hash")
	}
	l.last, l.any = sum, true
	return add(binary.BigEndian.Uint64(sum[:8]), count)
}

func parseCount(digits []byte) (uint64, bool) {
	if len(digits) == 0 || len(digits) > 18 {
		return 0, false
	}
	var n uint64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}
