package xmlenc_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/beevik/etree"
	foreign "github.com/crewjam/saml/xmlenc"

	"cognate/internal/federation/saml/samltest"
	"cognate/internal/federation/saml/strictxml"
	"cognate/internal/federation/saml/xmlenc"
)

const plaintext = "<a>text</a>"

// encrypt returns an element with encrypted data.
func encrypt(t *testing.T, transport foreign.RSA, change func(data *etree.Element)) *strictxml.Element {
	t.Helper()
	certificate := samltest.Certificate(t, samltest.Encryption.Signer(t), samltest.Start)
	transport.BlockCipher = foreign.AES128GCM
	data, err := transport.Encrypt(certificate, []byte(plaintext), nil)
	if err != nil {
		t.Fatal(err)
	}
	parent := etree.NewElement("x")
	parent.CreateAttr("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")
	parent.CreateAttr("xmlns:xenc", xmlenc.Space)
	parent.AddChild(data)
	change(data)
	e, err := strictxml.Parse(samltest.Bytes(parent), strictxml.Message)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func encryptedKey(data *etree.Element) *etree.Element {
	return data.FindElement("KeyInfo/EncryptedKey")
}

// TestPlacesAndParameters has the forms that identity providers choose from.
func TestPlacesAndParameters(t *testing.T) {
	t.Parallel()
	withSHA1, withSHA256 := foreign.OAEP(), foreign.OAEP()
	withSHA1.DigestMethod, withSHA256.DigestMethod = &foreign.SHA1, &foreign.SHA256
	for name, test := range map[string]struct {
		transport foreign.RSA
		change    func(data *etree.Element)
	}{
		"key in the data": {withSHA1, func(*etree.Element) {}},
		"key beside the data": {withSHA1, func(data *etree.Element) {
			key := encryptedKey(data)
			data.Parent().AddChild(key)
			data.SelectElement("KeyInfo").CreateElement("ds:RetrievalMethod").CreateAttr("URI", "#"+key.SelectAttrValue("Id", ""))
		}},
		"no digest named": {withSHA1, func(data *etree.Element) {
			method := encryptedKey(data).SelectElement("EncryptionMethod")
			method.RemoveChild(method.SelectElement("DigestMethod"))
		}},
		"SHA-256 with the mask of SHA-1":   {withSHA256, func(*etree.Element) {}},
		"SHA-256 with the mask of SHA-256": {foreign.OAEP_SHA256(), func(*etree.Element) {}},
		"a label": {withSHA1, func(data *etree.Element) {
			key, err := rsa.EncryptOAEP(crypto.SHA1.New(), rand.Reader, samltest.Encryption.Signer(t).Public().(*rsa.PublicKey), make([]byte, 16), []byte("label"))
			if err != nil {
				t.Fatal(err)
			}
			encryptedKey(data).SelectElement("EncryptionMethod").CreateElement("xenc:OAEPparams").SetText(base64.StdEncoding.EncodeToString([]byte("label")))
			encryptedKey(data).FindElement("CipherData/CipherValue").SetText(base64.StdEncoding.EncodeToString(key))
			other := foreign.AES128GCM
			content, err := other.Encrypt(make([]byte, 16), []byte(plaintext), nil)
			if err != nil {
				t.Fatal(err)
			}
			data.FindElement("CipherData/CipherValue").SetText(content.FindElement("CipherData/CipherValue").Text())
		}},
	} {
		got, err := xmlenc.Decrypt(encrypt(t, test.transport, test.change), samltest.Decrypter(t))
		if err != nil || string(got) != plaintext {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestDecryptRejects(t *testing.T) {
	t.Parallel()
	method := func(data *etree.Element) *etree.Element { return encryptedKey(data).SelectElement("EncryptionMethod") }
	for _, test := range []struct {
		name, want string
		change     func(data *etree.Element)
	}{
		{"no data", "x has no EncryptedData", func(data *etree.Element) { data.Tag = "Other" }},
		{"no key", "there are 0 encrypted keys", func(data *etree.Element) { data.SelectElement("KeyInfo").RemoveChild(encryptedKey(data)) }},
		{"no algorithm", "is not accepted", func(data *etree.Element) { data.SelectElement("EncryptionMethod").RemoveAttr("Algorithm") }},
		{"RSA PKCS #1 v1.5", "is not accepted", func(data *etree.Element) {
			method(data).CreateAttr("Algorithm", xmlenc.Space+"rsa-1_5")
		}},
		{"key wrapped by AES", "is not accepted", func(data *etree.Element) {
			method(data).CreateAttr("Algorithm", xmlenc.Space+"kw-aes128")
		}},
		{"digest by MD5", "the parameters of RSA-OAEP are not accepted", func(data *etree.Element) {
			method(data).SelectElement("DigestMethod").CreateAttr("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#md5")
		}},
		{"mask where it is fixed", "the mask function of rsa-oaep-mgf1p is fixed", func(data *etree.Element) {
			mask := method(data).CreateElement("y:MGF")
			mask.CreateAttr("xmlns:y", "http://www.w3.org/2009/xmlenc11#")
			mask.CreateAttr("Algorithm", "http://www.w3.org/2009/xmlenc11#mgf1sha256")
		}},
		{"no Base64", "CipherValue is not Base64", func(data *etree.Element) { data.FindElement("CipherData/CipherValue").SetText("!") }},
	} {
		_, err := xmlenc.Decrypt(encrypt(t, foreign.OAEP(), test.change), samltest.Decrypter(t))
		if err == nil || errors.Is(err, xmlenc.ErrDecrypt) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}
