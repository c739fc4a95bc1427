package passwords

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // the list has these hashes
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"os"
	"runtime/debug"
	"sort"
	"sync"

	"cognate/internal/risk/datafile"
)

// filter is a mapped filter file.
type filter struct {
	header  header
	runs    []run
	payload []byte
	unmap   func() error
}

// openFilter maps a filter file, and checks all but the payload.
func openFilter(path string) (*filter, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	var head [headerSize]byte
	if _, err := io.ReadFull(file, head[:]); err != nil {
		return nil, fmt.Errorf("%s: %w", path, errNoFilter)
	}
	h, err := decodeHeader(head[:], info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	table := make([]byte, h.runs*runSize)
	if _, err := file.ReadAt(table, headerSize+int64(h.payload)); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	runs, err := decodeTable(table, &h)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	data, unmap, err := mapFile(file, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &filter{header: h, runs: runs, payload: data[headerSize : headerSize+int(h.payload)], unmap: unmap}, nil
}

// contains reports whether the filter has the key. It reads three fingerprints, in the mapped
// bytes, as the filters of package xorfilter do.
func (f *filter) contains(key uint64) bool {
	i := sort.Search(len(f.runs), func(i int) bool { return f.runs[i].first > key }) - 1
	r := &f.runs[i] // the first run begins at 0
	hash := murmur64(key + r.seed)
	hi, _ := bits.Mul64(hash, uint64(r.segmentCount)*uint64(r.segmentLength))
	mask := uint64(r.segmentLength) - 1
	h0 := hi
	h1 := (h0 + uint64(r.segmentLength)) ^ (hash >> 18 & mask)
	h2 := (h0 + 2*uint64(r.segmentLength)) ^ (hash & mask)
	fingerprint := hash ^ hash>>32
	if f.header.bits == 8 {
		b := f.payload[r.offset : r.offset+r.fingerprints()]
		return byte(fingerprint) == b[h0]^b[h1]^b[h2]
	}
	b := f.payload[r.offset : r.offset+2*r.fingerprints()]
	at := func(h uint64) uint16 { return binary.LittleEndian.Uint16(b[2*h:]) }
	return uint16(fingerprint) == at(h0)^at(h1)^at(h2)
}

func murmur64(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// digest returns the SHA-1 of a password.
func digest(password string) [sha1.Size]byte { return sha1.Sum([]byte(password)) } //nolint:gosec // the list has these hashes

// keyOf returns the key of a hash.
func keyOf(sum [sha1.Size]byte) uint64 { return binary.BigEndian.Uint64(sum[:8]) }

// filterFile is a filter that is opened again when its file changes.
type filterFile struct {
	path string

	mu     sync.RWMutex // held for reading while the filter is in use
	filter *filter

	refresh sync.Mutex // one refresh at a time; guards what follows
	watch   datafile.Watch
}

// contains reports whether the filter has the key, and the bits of its fingerprints: 0 if there
// is no filter.
func (f *filterFile) contains(key uint64) (found bool, width int) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.filter == nil {
		return false, 0
	}
	// A mapped file that becomes shorter faults when it is read. That must not end the server.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			found, width = false, 0
		}
	}()
	return f.filter.contains(key), f.filter.header.bits
}

func (f *filterFile) replace(next *filter) {
	f.mu.Lock()
	old := f.filter
	f.filter = next
	f.mu.Unlock()
	if old != nil {
		_ = old.unmap() // it was only read
	}
}

// update opens the file if it changed. It reports whether the status is different now.
func (f *filterFile) update() bool {
	f.refresh.Lock()
	defer f.refresh.Unlock()
	return f.watch.Update(f.path, func() error {
		next, err := openFilter(f.path)
		if err == nil {
			f.replace(next)
		}
		return err
	})
}

func (f *filterFile) status() datafile.Status {
	f.refresh.Lock()
	defer f.refresh.Unlock()
	s := datafile.Status{Name: "filter of compromised passwords", Path: f.path, Loaded: f.filter != nil, Err: f.watch.Err()}
	if f.filter != nil {
		s.Built, s.Entries = f.filter.header.built, int(f.filter.header.entries)
	}
	return s
}

// Info describes a filter file.
type Info struct {
	Entries  uint64
	MinCount uint64
	// Bits is 8 or 16.
	Bits int
	// Size is the length of the file.
	Size int64
}

// BitsPerEntry returns the size of the file for each entry.
func (i Info) BitsPerEntry() float64 { return float64(i.Size) * 8 / float64(max(i.Entries, 1)) }

// Verify reads a whole filter file and checks its digests.
func Verify(ctx context.Context, path string) (Info, error) {
	f, err := openFilter(path)
	if err != nil {
		return Info{}, err
	}
	defer f.unmap() //nolint:errcheck // it was only read
	file, err := os.Open(path)
	if err != nil {
		return Info{}, err
	}
	defer file.Close()
	if _, err := file.Seek(headerSize, io.SeekStart); err != nil {
		return Info{}, err
	}
	sum := sha256.New()
	payload := io.LimitReader(&contextReader{ctx, bufio.NewReaderSize(file, 1<<20)}, int64(f.header.payload))
	if _, err := io.Copy(sum, payload); err != nil {
		return Info{}, err
	}
	if [sha256.Size]byte(sum.Sum(nil)) != f.header.payloadSum {
		return Info{}, fmt.Errorf("%s: %w", path, errDigest)
	}
	return f.info(), nil
}

func (f *filter) info() Info {
	h := &f.header
	return Info{Entries: h.entries, MinCount: h.minCount, Bits: h.bits, Size: headerSize + int64(h.payload) + int64(h.runs)*runSize}
}

// contextReader ends a long copy with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (r *contextReader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}
