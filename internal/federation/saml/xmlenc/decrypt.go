package xmlenc

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" //nolint:gosec // SHA-1 of RSA-OAEP, where its collisions do not matter
	_ "crypto/sha256"
	_ "crypto/sha512" // SHA-384 and SHA-512
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"cognate/internal/federation/saml/strictxml"
	"cognate/internal/federation/saml/xmldsig"
	"cognate/internal/keys"
)

// Space is the namespace of XML Encryption.
const Space = "http://www.w3.org/2001/04/xmlenc#"

const space11 = "http://www.w3.org/2009/xmlenc11#"

// ErrDecrypt means that the content could not be decrypted. It never says why.
var ErrDecrypt = errors.New("the content cannot be decrypted")

type cipherMode struct {
	keySize int
	isGCM   bool
}

var contentAlgorithms = map[string]cipherMode{
	space11 + "aes128-gcm": {16, true},
	space11 + "aes192-gcm": {24, true},
	space11 + "aes256-gcm": {32, true},
	Space + "aes128-cbc":   {16, false},
	Space + "aes192-cbc":   {24, false},
	Space + "aes256-cbc":   {32, false},
}

const (
	oaepMGF1P = Space + "rsa-oaep-mgf1p"
	oaep      = space11 + "rsa-oaep"
)

var oaepDigests = map[string]crypto.Hash{
	"":                                       crypto.SHA1,
	"http://www.w3.org/2000/09/xmldsig#sha1": crypto.SHA1,
	"http://www.w3.org/2001/04/xmlenc#sha256":       crypto.SHA256,
	"http://www.w3.org/2001/04/xmldsig-more#sha384": crypto.SHA384,
	"http://www.w3.org/2001/04/xmlenc#sha512":       crypto.SHA512,
}

var maskFunctions = map[string]crypto.Hash{
	"":                     crypto.SHA1,
	space11 + "mgf1sha1":   crypto.SHA1,
	space11 + "mgf1sha256": crypto.SHA256,
	space11 + "mgf1sha384": crypto.SHA384,
	space11 + "mgf1sha512": crypto.SHA512,
}

// Decrypt returns what the EncryptedData of an element contains. The key must be an RSA key.
// The error is [ErrDecrypt] unless the message's own structure is at fault.
func Decrypt(e *strictxml.Element, key crypto.Decrypter) ([]byte, error) {
	m, err := read(e)
	if err != nil {
		return nil, fmt.Errorf("encryption: %w", err)
	}
	return m.decrypt(key)
}

// message is an encrypted content and its encrypted key.
type message struct {
	mode         cipherMode
	content      []byte
	encryptedKey []byte
	options      *rsa.OAEPOptions
}

func read(e *strictxml.Element) (*message, error) {
	data, err := required(e, "EncryptedData")
	if err != nil {
		return nil, err
	}
	method, err := required(data, "EncryptionMethod")
	if err != nil {
		return nil, err
	}
	m := &message{}
	name, _ := method.Attribute("Algorithm")
	var ok bool
	if m.mode, ok = contentAlgorithms[name]; !ok {
		return nil, fmt.Errorf("the algorithm %.100q is not accepted", name)
	}
	encryptedKey, err := findKey(e, data)
	if err != nil {
		return nil, err
	}
	if method, err = required(encryptedKey, "EncryptionMethod"); err != nil {
		return nil, err
	}
	if m.options, err = readOAEP(method); err != nil {
		return nil, err
	}
	if m.encryptedKey, err = cipherValue(encryptedKey); err != nil {
		return nil, err
	}
	m.content, err = cipherValue(data)
	return m, err
}

func required(e *strictxml.Element, local string) (*strictxml.Element, error) {
	child, err := e.Child(Space, local)
	if err == nil && child == nil {
		err = fmt.Errorf("%s has no %s", e.Local, local)
	}
	return child, err
}

// findKey returns the only EncryptedKey: in the KeyInfo of the data, or beside the data (SAML
// Core §2.3.4).
func findKey(e, data *strictxml.Element) (*strictxml.Element, error) {
	found := e.Children(Space, "EncryptedKey")
	info, err := data.Child(xmldsig.Space, "KeyInfo")
	if err != nil {
		return nil, err
	}
	if info != nil {
		found = append(found, info.Children(Space, "EncryptedKey")...)
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("there are %d encrypted keys, not one", len(found))
	}
	return found[0], nil
}

// readOAEP reads the parameters of RSA-OAEP (XML Encryption 1.1 §5.5.2).
func readOAEP(method *strictxml.Element) (*rsa.OAEPOptions, error) {
	name, _ := method.Attribute("Algorithm")
	if name != oaep && name != oaepMGF1P {
		return nil, fmt.Errorf("the algorithm %.100q is not accepted", name)
	}
	digest, err := parameter(method, xmldsig.Space, "DigestMethod")
	if err != nil {
		return nil, err
	}
	mask, err := parameter(method, space11, "MGF")
	if err != nil {
		return nil, err
	}
	if mask != "" && name == oaepMGF1P {
		return nil, errors.New("the mask function of rsa-oaep-mgf1p is fixed")
	}
	options := &rsa.OAEPOptions{Hash: oaepDigests[digest], MGFHash: maskFunctions[mask]}
	if options.Hash == 0 || options.MGFHash == 0 {
		return nil, errors.New("the parameters of RSA-OAEP are not accepted")
	}
	label, err := method.Child(Space, "OAEPparams")
	if err != nil || label == nil {
		return options, err
	}
	options.Label, err = decode(label)
	return options, err
}

// parameter returns the algorithm that an optional child names.
func parameter(method *strictxml.Element, space, local string) (string, error) {
	child, err := method.Child(space, local)
	if err != nil || child == nil {
		return "", err
	}
	name, _ := child.Attribute("Algorithm")
	if name == "" {
		return "", fmt.Errorf("%s names no algorithm", local)
	}
	return name, nil
}

func cipherValue(e *strictxml.Element) ([]byte, error) {
	data, err := required(e, "CipherData")
	if err != nil {
		return nil, err
	}
	value, err := required(data, "CipherValue")
	if err != nil {
		return nil, err
	}
	return decode(value)
}

func decode(e *strictxml.Element) ([]byte, error) {
	text, err := e.Text()
	if err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, fmt.Errorf("%s is not Base64", e.Local)
	}
	return b, nil
}

// decrypt continues with a random key if the key cannot be unwrapped. So the two failures
// take about the same time.
func (m *message) decrypt(key crypto.Decrypter) ([]byte, error) {
	contentKey := make([]byte, m.mode.keySize)
	rand.Read(contentKey)
	unwrapped, err := key.Decrypt(rand.Reader, m.encryptedKey, m.options)
	if isUnwrapped := err == nil && len(unwrapped) == len(contentKey); isUnwrapped {
		copy(contentKey, unwrapped)
	}
	if m.mode.isGCM {
		return m.openGCM(contentKey)
	}
	return m.openCBC(contentKey)
}

// openGCM opens a nonce of 12 bytes, the ciphertext and the tag (XML Encryption 1.1 §5.2.4).
func (m *message) openGCM(key []byte) ([]byte, error) {
	aead, err := keys.NewGCM(key)
	if err != nil || len(m.content) < aead.NonceSize() {
		return nil, ErrDecrypt
	}
	plaintext, err := aead.Open(nil, m.content[:aead.NonceSize()], m.content[aead.NonceSize():], nil)
	if err != nil {
		return nil, ErrDecrypt
	}
	return plaintext, nil
}

const blockSize = 16

// openCBC decrypts an initialization vector, the ciphertext and the padding, whose last byte
// is its length (XML Encryption 1.1 §5.2). It keeps a wrong padding: then the content is not
// what was signed, and callers see one failure for both faults.
func (m *message) openCBC(key []byte) ([]byte, error) {
	if len(m.content) < 2*blockSize {
		return nil, ErrDecrypt
	}
	plaintext, err := keys.DecryptCBC(key, m.content[:blockSize], m.content[blockSize:])
	if err != nil {
		return nil, ErrDecrypt
	}
	if padding := int(plaintext[len(plaintext)-1]); padding >= 1 && padding <= blockSize {
		plaintext = plaintext[:len(plaintext)-padding]
	}
	return plaintext, nil
}
