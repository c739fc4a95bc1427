package saml_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/crewjam/saml/xmlenc"

	"cognate/internal/federation"
	"cognate/internal/federation/saml"
	"cognate/internal/federation/saml/samltest"
)

// largeResponse returns a response of 20 KiB with attributes, signed once.
func largeResponse(b *testing.B, idp *samltest.IdP) *etree.Element {
	b.Helper()
	answer := goodAnswer()
	for i := range 56 {
		answer.Attributes = append(answer.Attributes, samltest.Attribute{
			Name:   fmt.Sprintf("http://schemas.example.com/claims/%d", i),
			Values: []string{strings.Repeat("value ", 17)},
		})
	}
	response := idp.Response(answer)
	idp.Sign(b, response.SelectElement("Assertion"))
	if size := len(samltest.Bytes(response)); size < 20<<10 || size > 21<<10 {
		b.Fatalf("the response has %d bytes", size)
	}
	return response
}

func benchmarkFinish(b *testing.B, p *saml.Provider, response *etree.Element) {
	form := url.Values{"SAMLResponse": {samltest.Encode(response)}, "RelayState": {attempt.State}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Finish(b.Context(), attempt, federation.Answer{Form: form}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkResponse verifies a response of 20 KiB with one signature. Its floor is
// BenchmarkVerifyRSA.
func BenchmarkResponse(b *testing.B) {
	idp := samltest.New(b, samltest.RSA)
	benchmarkFinish(b, newProvider(b, idp, nil), largeResponse(b, idp))
}

// BenchmarkEncryptedResponse verifies and decrypts. Its floor is BenchmarkDecryptRSA and
// BenchmarkVerifyRSA together.
func BenchmarkEncryptedResponse(b *testing.B) {
	idp := samltest.New(b, samltest.RSA)
	certificate := samltest.Certificate(b, samltest.Encryption.Signer(b), samltest.Start)
	for name, content := range map[string]xmlenc.BlockCipher{"GCM": xmlenc.AES256GCM, "CBC": xmlenc.AES256CBC} {
		b.Run(name, func(b *testing.B) {
			response := samltest.Encrypt(b, largeResponse(b, idp), certificate, samltest.OAEP(xmlenc.OAEP(), content))
			benchmarkFinish(b, newProvider(b, idp, func(s *saml.Settings) { s.EncryptedResponses = true }), response)
		})
	}
}

func BenchmarkVerifyRSA(b *testing.B) {
	signer := samltest.RSA.Signer(b)
	digest := sha256.Sum256([]byte("x"))
	signature, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		b.Fatal(err)
	}
	key := signer.Public().(*rsa.PublicKey)
	for b.Loop() {
		if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecryptRSA(b *testing.B) {
	options := &rsa.OAEPOptions{Hash: crypto.SHA1}
	ciphertext, err := rsa.EncryptOAEP(crypto.SHA1.New(), rand.Reader, samltest.Encryption.Signer(b).Public().(*rsa.PublicKey), make([]byte, 32), nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := samltest.Decrypter(b).Decrypt(rand.Reader, ciphertext, options); err != nil {
			b.Fatal(err)
		}
	}
}
