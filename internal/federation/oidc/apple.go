package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// appleSecretLife is how long a client secret for Apple is valid. Apple permits six months.
	appleSecretLife = 5 * time.Minute
	// maxAppleUser limits the user parameter of Apple's answer, and maxAppleName each name.
	maxAppleUser = 8 << 10
	maxAppleName = 255
)

// errAppleKey does not wrap the cause, which might quote the key.
var errAppleKey = errors.New("private_key must be a private key in PKCS #8 on the curve P-256")

// parseAppleKey reads the content of a .p8 file: PEM, or its body alone.
func parseAppleKey(text string) (*ecdsa.PrivateKey, error) {
	var der []byte
	if block, _ := pem.Decode([]byte(text)); block != nil {
		der = block.Bytes
	} else {
		var err error
		if der, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), "")); err != nil {
			return nil, errAppleKey
		}
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errAppleKey
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errAppleKey
	}
	return key, nil
}

// appleSecret makes the client secret: a JWT that the team's key signs. Apple: "Creating a
// client secret".
func (p *Provider) appleSecret(audience string) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{
		Algorithm: jose.ES256,
		Key:       jose.JSONWebKey{Key: p.appleKey, KeyID: p.details[keyKeyID]},
	}, nil)
	if err != nil {
		return "", err
	}
	now := p.now()
	claims, err := json.Marshal(map[string]any{
		"iss": p.details[keyTeamID], "sub": p.details[keyClientID], "aud": audience,
		"iat": now.Unix(), "exp": now.Add(appleSecretLife).Unix(),
	})
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// appleNames reads the person's names from the user parameter, which Apple sends at the first
// consent only. The browser carries it unsigned, so that it must not say more than names: the
// e-mail address comes from the ID token alone. A malformed parameter is as good as none.
func appleNames(form url.Values) map[string]any {
	text := form.Get("user")
	if text == "" || len(text) > maxAppleUser {
		return nil
	}
	user, err := decodeObject([]byte(text))
	if err != nil {
		return nil
	}
	object, _ := user["name"].(map[string]any)
	names := map[string]any{}
	var parts []string
	for _, key := range []string{"firstName", "lastName"} {
		if name, ok := object[key].(string); ok && name != "" && len(name) <= maxAppleName {
			names[key] = name
			parts = append(parts, name)
		}
	}
	if len(parts) > 0 {
		names["name"] = strings.Join(parts, " ")
	}
	return names
}
