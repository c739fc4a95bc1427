package keys

import (
	"crypto"
	"crypto/rsa"
)

// The seam of this package: all RSA signatures and verifications call these two
// functions. SRP's exponentiations have a seam of their own in keys/srp. A faster engine
// would replace these functions.

// signRS256 is RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2) by the Chinese
// remainder theorem, blinded and checked by crypto/rsa.
func signRS256(key *rsa.PrivateKey, digest []byte) ([]byte, error) {
	return rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest)
}

func verifyRS256(key *rsa.PublicKey, digest, signature []byte) error {
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest, signature)
}
