package keys

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// TestDecryptCBC has the examples of NIST SP 800-38A, F.2.2 and F.2.6.
func TestDecryptCBC(t *testing.T) {
	t.Parallel()
	decode := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	iv := decode("000102030405060708090a0b0c0d0e0f")
	plaintext := decode("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
	for key, ciphertext := range map[string]string{
		"2b7e151628aed2a6abf7158809cf4f3c":                                 "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2",
		"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4": "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d",
	} {
		got, err := DecryptCBC(decode(key), iv, decode(ciphertext))
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Errorf("%x, %v", got, err)
		}
	}
	key := make([]byte, 16)
	for name, err := range map[string]error{
		"short key":       second(DecryptCBC(key[:15], iv, make([]byte, 16))),
		"short vector":    second(DecryptCBC(key, iv[:15], make([]byte, 16))),
		"nothing":         second(DecryptCBC(key, iv, nil)),
		"no whole blocks": second(DecryptCBC(key, iv, make([]byte, 17))),
	} {
		if err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func second(_ []byte, err error) error { return err }
