// Package passkey verifies the answers of authenticators (Web Authentication Level 3):
// registrations and assertions, against a relying party, a challenge and a key.
//
// It parses input from the network. It is pure: it stores nothing and knows no user pool.
// It trusts no attestation, since the server does not request one.
package passkey

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
)

// The faults of an answer. Errors wrap one of these.
var (
	ErrMalformed    = errors.New("passkey: the answer cannot be read")
	ErrChallenge    = errors.New("passkey: the answer is to another challenge")
	ErrOrigin       = errors.New("passkey: the origin may not use the relying party")
	ErrRelyingParty = errors.New("passkey: the answer is for another relying party")
	ErrUnsupported  = errors.New("passkey: the authenticator is not supported")
	ErrAssertion    = errors.New("passkey: the assertion does not hold")
)

// maxAnswer is the largest answer that is parsed. An attestation with its certificates has
// a few thousand bytes.
const maxAnswer = 64 << 10

// maxID is the longest credential id (WebAuthn §4, Credential ID).
const maxID = 1023

// Algorithms returns the accepted signature algorithms, the preferred one first: ES256,
// RS256, EdDSA (RFC 9053 §2, RFC 8812 §2).
func Algorithms() []int { return []int{-7, -257, -8} }

// A RelyingParty is the site that a passkey is for.
type RelyingParty struct {
	// ID is a domain.
	ID string
	// Verify requires that the authenticator verified its user.
	Verify bool
}

// A Key is a registered passkey: the values that verify later assertions, and the values
// that are shown.
type Key struct {
	ID           string   `json:"-"` // base64url without padding
	RelyingParty string   `json:"rp"`
	Public       []byte   `json:"key"` // COSE_Key (RFC 9052 §7)
	AAGUID       []byte   `json:"aaguid,omitempty"`
	Attachment   string   `json:"attachment,omitempty"`
	Transports   []string `json:"transports,omitempty"`
	// BackedUp: the passkey is one of several copies.
	BackedUp  bool   `json:"backedUp,omitempty"`
	SignCount uint32 `json:"-"`
}

// Roaming reports whether the passkey is in an authenticator that can be taken from one
// device to another, such as a security key. The browser reports it, and no signature
// covers the report.
func (k *Key) Roaming() bool {
	switch k.Attachment {
	case "cross-platform":
		return true
	case "":
		return len(k.Transports) > 0 && !slices.Contains(k.Transports, "internal") && !slices.Contains(k.Transports, "hybrid")
	}
	return false
}

// Challenge returns the challenge that an answer claims to be for, unverified.
func Challenge(answer []byte) ([]byte, error) {
	var a struct {
		Response struct {
			ClientDataJSON protocol.URLEncodedBase64 `json:"clientDataJSON"`
		} `json:"response"`
	}
	if len(answer) > maxAnswer {
		return nil, ErrMalformed
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	var data protocol.CollectedClientData
	if err := json.Unmarshal(a.Response.ClientDataJSON, &data); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	challenge, err := base64.RawURLEncoding.DecodeString(data.Challenge)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return challenge, nil
}

// UserHandle returns the id of the user that an assertion claims to be of, unverified; "" if
// the answer names none.
func UserHandle(answer []byte) string {
	var a struct {
		Response struct {
			UserHandle protocol.URLEncodedBase64 `json:"userHandle"`
		} `json:"response"`
	}
	if len(answer) > maxAnswer || json.Unmarshal(answer, &a) != nil {
		return ""
	}
	return string(a.Response.UserHandle)
}

// Register verifies a new credential (WebAuthn §7.1).
func Register(rp RelyingParty, challenge, answer []byte) (*Key, error) {
	if len(answer) > maxAnswer {
		return nil, ErrMalformed
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	object := &parsed.Response.AttestationObject
	if err := checkClient(rp, &parsed.Response.CollectedClientData, object.AuthData.RPIDHash); err != nil {
		return nil, err
	}
	// Packed statements are verified, since an authenticator with a wrong signature is
	// broken. Other statements only name the maker of the authenticator, which the server
	// did not request.
	if object.Format != string(protocol.AttestationFormatPacked) {
		object.Format, object.AttStatement, object.SubStatements = string(protocol.AttestationFormatNone), nil, nil
	}
	var algorithms []protocol.CredentialParameter
	for _, alg := range Algorithms() {
		algorithms = append(algorithms, protocol.CredentialParameter{
			Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.COSEAlgorithmIdentifier(alg),
		})
	}
	if !same(challenge, parsed.Response.CollectedClientData.Challenge) {
		return nil, ErrChallenge
	}
	_, err = parsed.Verify(encode(challenge), rp.ID, []string{parsed.Response.CollectedClientData.Origin}, nil, nil,
		protocol.TopOriginExplicitVerificationMode, false, rp.Verify, true, nil, algorithms, protocol.AttestationPolicy{}, protocol.SignaturePolicy{})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	data := object.AuthData.AttData
	if len(data.CredentialID) == 0 || len(data.CredentialID) > maxID {
		return nil, fmt.Errorf("%w: an id of %d bytes", ErrUnsupported, len(data.CredentialID))
	}
	if _, err := webauthncose.ParsePublicKey(data.CredentialPublicKey); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return &Key{
		ID: encode(data.CredentialID), RelyingParty: rp.ID, Public: data.CredentialPublicKey, AAGUID: data.AAGUID,
		Attachment: string(parsed.AuthenticatorAttachment), Transports: transports(parsed.Response.Transports),
		BackedUp: object.AuthData.Flags.HasBackupState(), SignCount: object.AuthData.Counter,
	}, nil
}

// An Assertion is the result of a verified assertion.
type Assertion struct {
	Key *Key
	// Verified: the authenticator verified its user.
	Verified bool
	// SignCount is the authenticator's counter now; 0 if it has no counter.
	SignCount uint32
}

// Assert verifies an assertion by one of the user's keys (WebAuthn §7.2). userID is
// the id of the user that the keys belong to.
func Assert(rp RelyingParty, challenge, answer []byte, userID string, keys []*Key) (*Assertion, error) {
	if len(answer) > maxAnswer {
		return nil, ErrMalformed
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	id := encode(parsed.RawID)
	at := slices.IndexFunc(keys, func(k *Key) bool { return k.ID == id && k.RelyingParty == rp.ID })
	if at < 0 {
		return nil, fmt.Errorf("%w: no such passkey", ErrAssertion)
	}
	key := keys[at]
	if handle := parsed.Response.UserHandle; len(handle) > 0 && string(handle) != userID {
		return nil, fmt.Errorf("%w: it is another user's", ErrAssertion)
	}
	if err := checkClient(rp, &parsed.Response.CollectedClientData, parsed.Response.AuthenticatorData.RPIDHash); err != nil {
		return nil, err
	}
	if !same(challenge, parsed.Response.CollectedClientData.Challenge) {
		return nil, ErrChallenge
	}
	err = parsed.Verify(encode(challenge), rp.ID, "", []string{parsed.Response.CollectedClientData.Origin}, nil, nil,
		protocol.TopOriginExplicitVerificationMode, false, rp.Verify, true, key.Public, protocol.SignaturePolicy{})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAssertion, err)
	}
	count := parsed.Response.AuthenticatorData.Counter
	if (count != 0 || key.SignCount != 0) && count <= key.SignCount {
		// Two authenticators hold the key, one of them a copy (§6.1.1).
		return nil, fmt.Errorf("%w: the counter went from %d to %d", ErrAssertion, key.SignCount, count)
	}
	return &Assertion{Key: key, Verified: parsed.Response.AuthenticatorData.Flags.HasUserVerified(), SignCount: count}, nil
}

// checkClient checks the browser's part of an answer against the relying party.
func checkClient(rp RelyingParty, data *protocol.CollectedClientData, rpIDHash []byte) error {
	if data.CrossOrigin || !OriginAllowed(rp.ID, data.Origin) {
		return fmt.Errorf("%w: %.200q", ErrOrigin, data.Origin)
	}
	if hash := sha256.Sum256([]byte(rp.ID)); !slices.Equal(hash[:], rpIDHash) {
		return ErrRelyingParty
	}
	return nil
}

// OriginAllowed reports whether a web page may use the relying party. The page must be on
// its domain or a subdomain, by HTTPS. Names of the machine itself do not need HTTPS, as in
// browsers (Secure Contexts §3.1).
func OriginAllowed(rpID, origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return false
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	if host != rpID && !strings.HasSuffix(host, "."+rpID) {
		return false
	}
	local := host == "localhost" || strings.HasSuffix(host, ".localhost")
	return u.Scheme == "https" || u.Scheme == "http" && local
}

// known are the transports that are kept and shown (WebAuthn §5.8.4).
var known = []string{"usb", "nfc", "ble", "smart-card", "hybrid", "internal"}

func transports(list []protocol.AuthenticatorTransport) []string {
	var out []string
	for _, t := range list {
		if slices.Contains(known, string(t)) && !slices.Contains(out, string(t)) {
			out = append(out, string(t))
		}
	}
	return out
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func same(challenge []byte, got string) bool { return encode(challenge) == got }
