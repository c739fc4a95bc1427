package passwords

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

const (
	magic         = "COGNPWF\n"
	formatVersion = 1
	hashSHA1      = 1
	headerSize    = 160
	runSize       = 32
	// maxRuns bounds the table: ten thousand times a million hashes are ten times what is known.
	maxRuns = 10_000
	// maxSegment is the largest segment of a binary fuse filter.
	maxSegment = 1 << 18
)

var (
	errNoFilter = errors.New("not a filter that cognate passwords build has made")
	errDigest   = errors.New("the checksum is wrong: the file is damaged")
)

// header describes a filter file.
type header struct {
	bits     int // of a fingerprint: 8 or 16
	runs     int
	entries  uint64
	minCount uint64
	built    time.Time
	payload  uint64 // bytes
	// payloadSum and tableSum are SHA-256.
	payloadSum, tableSum [sha256.Size]byte
}

// encode returns the header with its own digest.
func (h *header) encode() []byte {
	b := make([]byte, 0, headerSize)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, formatVersion)
	b = binary.LittleEndian.AppendUint32(b, hashSHA1)
	b = binary.LittleEndian.AppendUint32(b, uint32(h.bits))
	b = binary.LittleEndian.AppendUint32(b, uint32(h.runs))
	b = binary.LittleEndian.AppendUint64(b, h.entries)
	b = binary.LittleEndian.AppendUint64(b, h.minCount)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.built.Unix()))
	b = binary.LittleEndian.AppendUint64(b, h.payload)
	b = append(b, make([]byte, 8)...) // reserved
	b = append(b, h.payloadSum[:]...)
	b = append(b, h.tableSum[:]...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// decodeHeader reads a header and checks that a file of this size can have it.
func decodeHeader(b []byte, size int64) (header, error) {
	var h header
	if len(b) < headerSize || !bytes.HasPrefix(b, []byte(magic)) {
		return h, errNoFilter
	}
	if version := binary.LittleEndian.Uint32(b[8:]); version != formatVersion {
		return h, fmt.Errorf("the filter has version %d, and this program reads version %d: build it again", version, formatVersion)
	}
	if sum := sha256.Sum256(b[:headerSize-sha256.Size]); !bytes.Equal(sum[:], b[headerSize-sha256.Size:headerSize]) {
		return h, errDigest
	}
	h.bits = int(binary.LittleEndian.Uint32(b[16:]))
	h.runs = int(binary.LittleEndian.Uint32(b[20:]))
	h.entries = binary.LittleEndian.Uint64(b[24:])
	h.minCount = binary.LittleEndian.Uint64(b[32:])
	h.built = time.Unix(int64(binary.LittleEndian.Uint64(b[40:])), 0).UTC()
	h.payload = binary.LittleEndian.Uint64(b[48:])
	copy(h.payloadSum[:], b[64:])
	copy(h.tableSum[:], b[96:])
	if binary.LittleEndian.Uint32(b[12:]) != hashSHA1 || h.bits != 8 && h.bits != 16 || h.runs < 1 || h.runs > maxRuns || h.payload > 1<<50 {
		return h, errNoFilter
	}
	if want := headerSize + int64(h.payload) + int64(h.runs)*runSize; size != want {
		return h, fmt.Errorf("the file has %d bytes and should have %d: it is cut or was not copied as a whole", size, want)
	}
	return h, nil
}

// run is the filter of one run of hashes.
type run struct {
	first         uint64 // the smallest key; 0 for the first run
	offset        uint64 // of its fingerprints in the payload, in bytes
	seed          uint64
	segmentLength uint32 // a power of two
	segmentCount  uint32
}

func (r *run) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, r.first)
	b = binary.LittleEndian.AppendUint64(b, r.offset)
	b = binary.LittleEndian.AppendUint64(b, r.seed)
	b = binary.LittleEndian.AppendUint32(b, r.segmentLength)
	return binary.LittleEndian.AppendUint32(b, r.segmentCount)
}

// fingerprints returns how many fingerprints the run has.
func (r *run) fingerprints() uint64 {
	return (uint64(r.segmentCount) + 2) * uint64(r.segmentLength)
}

// decodeTable reads the table of a filter and checks that no lookup can leave the payload.
func decodeTable(b []byte, h *header) ([]run, error) {
	if sum := sha256.Sum256(b); sum != h.tableSum {
		return nil, errDigest
	}
	runs := make([]run, 0, h.runs)
	offset := uint64(0)
	for i := range h.runs {
		e := b[i*runSize:]
		r := run{
			first: binary.LittleEndian.Uint64(e), offset: binary.LittleEndian.Uint64(e[8:]), seed: binary.LittleEndian.Uint64(e[16:]),
			segmentLength: binary.LittleEndian.Uint32(e[24:]), segmentCount: binary.LittleEndian.Uint32(e[28:]),
		}
		ordered := i == 0 && r.first == 0 || i > 0 && r.first > runs[i-1].first
		if !ordered || r.offset != offset || r.segmentCount == 0 || r.segmentLength == 0 || r.segmentLength > maxSegment || r.segmentLength&(r.segmentLength-1) != 0 ||
			uint64(r.segmentCount)*uint64(r.segmentLength) > 1<<32-1 {
			return nil, errNoFilter
		}
		offset += r.fingerprints() * uint64(h.bits) / 8
		runs = append(runs, r)
	}
	if offset != h.payload {
		return nil, errNoFilter
	}
	return runs, nil
}
