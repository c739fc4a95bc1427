package xmldsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	_ "crypto/sha256" // SHA-256 as a crypto.Hash
	_ "crypto/sha512" // SHA-384 and SHA-512
	"errors"
	"math/big"
)

// digestAlgorithms are the digests that are accepted (XML Encryption 1.1 §5.8, RFC 9231 §2.1).
// SHA-1 is missing on purpose.
var digestAlgorithms = map[string]crypto.Hash{
	"http://www.w3.org/2001/04/xmlenc#sha256":       crypto.SHA256,
	"http://www.w3.org/2001/04/xmldsig-more#sha384": crypto.SHA384,
	"http://www.w3.org/2001/04/xmlenc#sha512":       crypto.SHA512,
}

type family int

const (
	pkcs1 family = iota
	pss
	ellipticCurve
)

type signatureAlgorithm struct {
	family family
	hash   crypto.Hash
}

// RSASHA256 is the algorithm of the service provider's own signatures.
const RSASHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"

// signatureAlgorithms are the algorithms that are accepted (RFC 9231 §2.3). HMAC, DSA and SHA-1
// are missing on purpose.
var signatureAlgorithms = map[string]signatureAlgorithm{
	RSASHA256: {pkcs1, crypto.SHA256},
	"http://www.w3.org/2001/04/xmldsig-more#rsa-sha384":      {pkcs1, crypto.SHA384},
	"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512":      {pkcs1, crypto.SHA512},
	"http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1": {pss, crypto.SHA256},
	"http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1": {pss, crypto.SHA384},
	"http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1": {pss, crypto.SHA512},
	"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256":    {ellipticCurve, crypto.SHA256},
	"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384":    {ellipticCurve, crypto.SHA384},
	"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512":    {ellipticCurve, crypto.SHA512},
}

// verify reports whether a signature is valid. A key of another family never verifies it.
func (a signatureAlgorithm) verify(key crypto.PublicKey, message, signature []byte) bool {
	h := a.hash.New()
	h.Write(message)
	digest := h.Sum(nil)
	switch key := key.(type) {
	case *rsa.PublicKey:
		switch a.family {
		case pkcs1:
			return rsa.VerifyPKCS1v15(key, a.hash, digest, signature) == nil
		case pss:
			return rsa.VerifyPSS(key, a.hash, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		}
	case *ecdsa.PublicKey:
		return a.family == ellipticCurve && verifyECDSA(key, digest, signature)
	}
	return false
}

// verifyECDSA verifies the two numbers r and s, one after the other (RFC 9231 §2.3.6). It
// accepts them in ASN.1, too: identity providers that use goxmldsig write them so.
func verifyECDSA(key *ecdsa.PublicKey, digest, signature []byte) bool {
	size := (key.Curve.Params().BitSize + 7) / 8
	if len(signature) != 2*size {
		return ecdsa.VerifyASN1(key, digest, signature)
	}
	r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
	return ecdsa.Verify(key, digest, r, s)
}

// MinRSABits is the length of the shortest RSA key that is accepted.
const MinRSABits = 2048

// CheckKey rejects keys that cannot be trusted to verify signatures.
func CheckKey(key crypto.PublicKey) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < MinRSABits {
			return errors.New("its RSA key is shorter than 2048 bits")
		}
		return nil
	case *ecdsa.PublicKey:
		if key.Curve.Params().BitSize < 256 {
			return errors.New("its curve is shorter than 256 bits")
		}
		return nil
	}
	return errors.New("its key is neither RSA nor ECDSA")
}

// Spend takes about the time of one verification with the first of the keys.
func Spend(keys []crypto.PublicKey) {
	for _, key := range keys[:min(1, len(keys))] {
		switch key := key.(type) {
		case *rsa.PublicKey:
			signature := make([]byte, key.Size())
			signature[len(signature)-1] = 2
			signatureAlgorithm{pkcs1, crypto.SHA256}.verify(key, nil, signature)
		case *ecdsa.PublicKey:
			signature := make([]byte, 2*((key.Curve.Params().BitSize+7)/8))
			signature[len(signature)/2-1], signature[len(signature)-1] = 1, 1
			signatureAlgorithm{ellipticCurve, crypto.SHA256}.verify(key, nil, signature)
		}
	}
}
