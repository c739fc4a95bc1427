package keys

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// A sealed value is: version 1, the data key's id (4 bytes), nonce (24),
// ciphertext, tag (16).
const (
	sealVersion  = 1
	sealHeader   = 1 + 4
	sealOverhead = sealHeader + nonceSize + tagSize
)

// Seal encrypts a value of the database, with the newest key of its purpose. It binds the
// value to ad, which must name the row that the value belongs to. It panics if the purpose
// is not one for rows.
func (r *Ring) Seal(purpose Purpose, ad, plaintext []byte) []byte {
	if isTokenPurpose(purpose) {
		panic(fmt.Sprintf("keys: purpose %q is of tokens, not of rows", purpose))
	}
	return r.seal(purpose, ad, plaintext)
}

func (r *Ring) seal(purpose Purpose, ad, plaintext []byte) []byte {
	key := r.state.Load().seal[purpose]
	if key == nil || key.aead == nil {
		panic(fmt.Sprintf("keys: purpose %q has no data key", purpose))
	}
	out := make([]byte, sealHeader, sealOverhead+len(plaintext))
	out[0] = sealVersion
	binary.BigEndian.PutUint32(out[1:], key.id)
	var buf [128]byte
	return sealRandom(key.aead, out, plaintext, sealAD(buf[:0], out, purpose, ad))
}

// rowReload is how long Open waits at most for the records to be loaded again.
const rowReload = 2 * time.Second

// Open decrypts a value that Seal returned for the same purpose and ad. Retired keys open
// it, too: a thief who can write the database could change the row anyway.
func (r *Ring) Open(purpose Purpose, ad, sealed []byte) ([]byte, error) {
	if isTokenPurpose(purpose) {
		return nil, errOpen
	}
	id, ok := SealedBy(sealed)
	if !ok {
		return nil, errOpen
	}
	ref := keyRef{purpose, id}
	held, known := r.state.Load().open[ref]
	if !known {
		ctx, cancel := context.WithTimeout(context.Background(), rowReload)
		defer cancel()
		var err error
		if held, err = r.find(ctx, ref); err != nil {
			return nil, err
		}
	}
	return held.open(purpose, ad, sealed)
}

// Retired reports whether a value of the database was sealed by a retired key. The thief
// of that key may know the value.
func (r *Ring) Retired(purpose Purpose, sealed []byte) bool {
	id, ok := SealedBy(sealed)
	return ok && r.state.Load().open[keyRef{purpose, id}].retired
}

// Notice loads the records if the data key that sealed a value of the database is
// not loaded.
func (r *Ring) Notice(ctx context.Context, purpose Purpose, sealed []byte) error {
	id, ok := SealedBy(sealed)
	if !ok {
		return nil
	}
	if _, err := r.find(ctx, keyRef{purpose, id}); err != nil && !errors.Is(err, errOpen) {
		return err
	}
	return nil
}

// SealedBy returns the id of the data key that sealed a value.
func SealedBy(sealed []byte) (id uint32, ok bool) {
	if len(sealed) < sealOverhead || sealed[0] != sealVersion {
		return 0, false
	}
	return binary.BigEndian.Uint32(sealed[1:]), true
}

func (h heldKey) open(purpose Purpose, ad, sealed []byte) ([]byte, error) {
	if h.key == nil {
		return nil, ErrUnknownKey
	}
	if h.key.aead == nil {
		return nil, errOpen
	}
	header, box := sealed[:sealHeader], sealed[sealHeader:]
	var buf [128]byte
	return openRandom(h.key.aead, box, sealAD(buf[:0], header, purpose, ad))
}

// sealAD returns header ‖ length of purpose ‖ purpose ‖ ad. Different pairs of a purpose
// and an ad have different encodings.
func sealAD(dst, header []byte, purpose Purpose, ad []byte) []byte {
	dst = append(dst, header...)
	dst = append(dst, byte(len(purpose)))
	dst = append(dst, purpose...)
	return append(dst, ad...)
}
