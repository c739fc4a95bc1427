package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"
)

// hasher makes keyed hashes below one root key.
type hasher struct {
	root []byte
	// macs holds a pool of HMAC states for each label: resetting one is half the
	// work of making one. Labels are constants of the code, so the map is small.
	macs sync.Map // string → *sync.Pool
}

func newHasher(root []byte) *hasher { return &hasher{root: root} }

// sum is HMAC-SHA-256 over the parts, each after its length, under a key that is
// derived from the root for the label: (NIST SP 800-108r1 §4.1, one step).
func (h *hasher) sum(kind string, purpose Purpose, parts [][]byte) (out [sha256.Size]byte) {
	label := kind + string(purpose)
	p, ok := h.macs.Load(label)
	if !ok {
		p, _ = h.macs.LoadOrStore(label, h.pool(label))
	}
	mac := p.(*sync.Pool).Get().(hash.Hash)
	mac.Reset()
	var length [8]byte
	for _, part := range parts {
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		mac.Write(length[:])
		mac.Write(part)
	}
	mac.Sum(out[:0])
	p.(*sync.Pool).Put(mac)
	return out
}

func (h *hasher) pool(label string) *sync.Pool {
	derive := hmac.New(sha256.New, h.root)
	derive.Write([]byte("cognate/" + label))
	key := derive.Sum(nil)
	return &sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}
}

// Hash returns the keyed hash under which a token, a code or a session is stored. The
// parts are separated: Hash(p, "ab", "c") differs from Hash(p, "a", "bc"). A rotation of
// data keys does not change it.
func (r *Ring) Hash(purpose Purpose, parts ...[]byte) [32]byte {
	return r.state.Load().hasher.sum("hash/", purpose, parts)
}

// Derive returns bytes that look random without the key and are the same each time. They
// serve as the salt and the user id of a user that does not exist, for example. Derive
// and Hash never return the same bytes.
func (r *Ring) Derive(purpose Purpose, parts ...[]byte) [32]byte {
	return r.state.Load().hasher.sum("derive/", purpose, parts)
}
