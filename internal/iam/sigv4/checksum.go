package sigv4

import (
	"crypto/md5"  //nolint:gosec // Amazon S3 defines these checksums. They protect against accidents.
	"crypto/sha1" //nolint:gosec // See above.
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"hash/crc32"
	"hash/crc64"
)

// nvmePolynomial is the CRC-64 of NVM Express, with its bits reversed.
const nvmePolynomial = 0x9a6c9329ac4bc9b5

// checksums are the trailing checksums that Amazon S3 defines, without those of xxHash.
var checksums = map[string]func() hash.Hash{
	"x-amz-checksum-crc32":     func() hash.Hash { return crc32.NewIEEE() },
	"x-amz-checksum-crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"x-amz-checksum-crc64nvme": func() hash.Hash { return crc64.New(crc64.MakeTable(nvmePolynomial)) },
	"x-amz-checksum-sha1":      sha1.New,
	"x-amz-checksum-sha256":    sha256.New,
	"x-amz-checksum-sha512":    sha512.New,
	"x-amz-checksum-md5":       md5.New,
}

// NewChecksum returns the checksum of a header such as "x-amz-checksum-crc32", in lower
// case, or nil if it is not supported.
func NewChecksum(header string) hash.Hash {
	if f := checksums[header]; f != nil {
		return f()
	}
	return nil
}
