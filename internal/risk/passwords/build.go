package passwords

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"time"

	"github.com/FastFilter/xorfilter"
)

// runEntries is how many hashes a run has. A larger run needs more memory while it is made, a
// smaller one more bits for each entry.
const runEntries = 1 << 20

// BuildOptions are those of [Build].
type BuildOptions struct {
	// MinCount leaves out passwords that were seen less often; 0 means 1.
	MinCount uint64
	// Bits is the size of a fingerprint: 8 (the default, for 0) or 16.
	Bits int
	// Now is the time that the file gets.
	Now time.Time
	// Progress hears from time to time how much was read, of how many bytes.
	Progress func(read, total int64, entries uint64)

	// Tests have shorter runs and smaller folders.
	runEntries, prefixDigits int
}

// Build makes a filter file from the list of Pwned Passwords: one file with lines of
// HASH:COUNT in the order of the hashes, or a folder with a file for each of the 1,048,576
// prefixes. It writes a new file beside the old one and puts it in its place at the end.
func Build(ctx context.Context, source, target string, o BuildOptions) (info Info, err error) {
	o.MinCount = max(o.MinCount, 1)
	if o.Bits == 0 {
		o.Bits = 8
	}
	if o.Bits != 8 && o.Bits != 16 {
		return Info{}, fmt.Errorf("a fingerprint has 8 or 16 bits, not %d", o.Bits)
	}
	if o.runEntries == 0 {
		o.runEntries = runEntries
	}
	if o.prefixDigits == 0 {
		o.prefixDigits = prefixDigits
	}
	list, err := openList(source, o.prefixDigits)
	if err != nil {
		return Info{}, err
	}
	file, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*")
	if err != nil {
		return Info{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close(), os.Remove(file.Name()))
		}
	}()
	b := &builder{
		options: o, file: file, out: bufio.NewWriterSize(file, 1<<20), sum: sha256.New(), list: list,
		header: header{bits: o.Bits, minCount: o.MinCount, built: o.Now},
	}
	if _, err := b.out.Write(make([]byte, headerSize)); err != nil {
		return Info{}, err
	}
	if err := list.each(func(key, count uint64) error { return b.add(ctx, key, count) }); err != nil {
		return Info{}, err
	}
	if err := b.finish(target); err != nil {
		return Info{}, err
	}
	return (&filter{header: b.header}).info(), nil
}

type builder struct {
	options BuildOptions
	file    *os.File
	out     *bufio.Writer
	sum     hash.Hash
	list    *list
	header  header
	table   []byte
	keys    []uint64 // of the run
	last    uint64   // the key before
	any     bool
	fuse    xorfilter.BinaryFuseBuilder
	bytes   []byte
}

// add adds one hash. The list is sorted, so the same key twice is in two calls in a row.
func (b *builder) add(ctx context.Context, key, count uint64) error {
	if count < b.options.MinCount || b.any && key == b.last {
		return nil
	}
	if len(b.keys) == b.options.runEntries {
		if err := b.flush(ctx); err != nil {
			return err
		}
	}
	b.keys = append(b.keys, key)
	b.last, b.any = key, true
	return nil
}

// flush makes the filter of the run.
func (b *builder) flush(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.header.runs++; b.header.runs > maxRuns {
		return fmt.Errorf("the list has more than %d hashes", maxRuns*b.options.runEntries)
	}
	r := run{offset: b.header.payload}
	if b.header.runs > 1 {
		r.first = b.keys[0]
	}
	b.header.entries += uint64(len(b.keys))
	b.bytes = b.bytes[:0]
	if b.options.Bits == 8 {
		f, err := xorfilter.BuildBinaryFuse[uint8](&b.fuse, b.keys)
		if err != nil {
			return err
		}
		r.seed, r.segmentLength, r.segmentCount = f.Seed, f.SegmentLength, f.SegmentCount
		b.bytes = append(b.bytes, f.Fingerprints...)
	} else {
		f, err := xorfilter.BuildBinaryFuse[uint16](&b.fuse, b.keys)
		if err != nil {
			return err
		}
		r.seed, r.segmentLength, r.segmentCount = f.Seed, f.SegmentLength, f.SegmentCount
		for _, n := range f.Fingerprints {
			b.bytes = binary.LittleEndian.AppendUint16(b.bytes, n)
		}
	}
	// The builder may have more fingerprints than the segments need.
	b.bytes = b.bytes[:r.fingerprints()*uint64(b.options.Bits)/8]
	b.keys = b.keys[:0]
	b.header.payload += uint64(len(b.bytes))
	b.table = r.append(b.table)
	b.sum.Write(b.bytes)
	if _, err := b.out.Write(b.bytes); err != nil {
		return err
	}
	if b.options.Progress != nil {
		b.options.Progress(b.list.read, b.list.total, b.header.entries)
	}
	return nil
}

// finish writes table and header, and puts the file in its place.
func (b *builder) finish(target string) error {
	if len(b.keys) > 0 {
		if err := b.flush(context.Background()); err != nil {
			return err
		}
	}
	if b.header.runs == 0 {
		return fmt.Errorf("the list has no password with a count of at least %d", b.options.MinCount)
	}
	if _, err := b.out.Write(b.table); err != nil {
		return err
	}
	if err := b.out.Flush(); err != nil {
		return err
	}
	b.header.payloadSum = [sha256.Size]byte(b.sum.Sum(nil))
	b.header.tableSum = sha256.Sum256(b.table)
	if _, err := b.file.WriteAt(b.header.encode(), 0); err != nil {
		return err
	}
	// The list is public, so the server's user may read the filter whoever made it.
	if err := b.file.Chmod(0o644); err != nil {
		return err
	}
	if err := b.file.Sync(); err != nil {
		return err
	}
	if err := os.Rename(b.file.Name(), target); err != nil {
		return err
	}
	return b.file.Close()
}
