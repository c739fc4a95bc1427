package sigv4

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	isoBasic   = "20060102T150405Z"
	// maxSignedHeaders limits the work that one header can cause.
	maxSignedHeaders = 64
	// maxAccessKey is the longest access key id (IAM: AccessKey, 128 characters).
	maxAccessKey = 128
)

// A Signature is what a request says about its signature, not yet verified.
type Signature struct {
	AccessKeyID string
	// Date, Region and Service are the credential's scope.
	Date, Region, Service string
	// SignedHeaders are sorted and in lower case.
	SignedHeaders []string
	// Time is the request's X-Amz-Date, else its Date.
	Time time.Time
	// SessionToken comes with temporary credentials.
	SessionToken string

	// Presigned reports whether the signature is in the query.
	Presigned bool
	// Lifetime is the X-Amz-Expires of a presigned URL.
	Lifetime time.Duration

	signed string // SignedHeaders as sent
	mac    [sha256.Size]byte
}

// Parse reads the signature of a request's headers.
func Parse(h http.Header) (*Signature, error) {
	auth := h.Values("Authorization")
	switch {
	case len(auth) == 0 || len(auth) == 1 && strings.TrimSpace(auth[0]) == "":
		return nil, &Error{Kind: Missing, Message: "Missing Authentication Token"}
	case len(auth) > 1:
		return nil, incomplete("Authorization header must be sent once.")
	}
	params := parameters(auth[0])
	stamp := h.Get("X-Amz-Date")
	if stamp == "" {
		stamp = h.Get("Date")
	}
	if err := requireParts(params, stamp, auth[0]); err != nil {
		return nil, err
	}
	s := &Signature{SessionToken: h.Get("X-Amz-Security-Token")}
	if err := s.parse(params["Credential"], stamp, params["SignedHeaders"], params["Signature"]); err != nil {
		return nil, err
	}
	return s, nil
}

// parse reads the parameters that both forms have.
func (s *Signature) parse(credential, stamp, signedHeaders, mac string) error {
	if err := s.parseCredential(credential); err != nil {
		return err
	}
	var err error
	if s.Time, err = parseTime(stamp); err != nil {
		return incomplete("Date must be in ISO-8601 'basic format'. Got '" + printable(stamp) + "'. See http://en.wikipedia.org/wiki/ISO_8601")
	}
	if day := s.Time.Format("20060102"); day != s.Date {
		return invalid("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" +
			s.Date + "' != '" + day + "', from '" + s.Time.Format(isoBasic) + "'.").because(BadScope)
	}
	if err := s.parseSignedHeaders(signedHeaders); err != nil {
		return err
	}
	if !decodeMAC(&s.mac, mac) {
		return invalid(mismatch)
	}
	return nil
}

// decodeMAC reads a signature in hexadecimal digits.
func decodeMAC(mac *[sha256.Size]byte, text string) bool {
	if len(text) != 2*len(mac) {
		return false
	}
	_, err := hex.Decode(mac[:], []byte(text))
	return err == nil
}

// ClaimedKey returns the access key id that a request's signature names. The id is not
// verified; it is for the log of refused requests. ClaimedKey returns "" for text that
// does not look like an id: with mixed-up settings, a client sends its secret there.
func ClaimedKey(h http.Header) string {
	key, _, _ := strings.Cut(parameters(h.Get("Authorization"))["Credential"], "/")
	if len(key) > maxAccessKey || strings.Trim(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
		return ""
	}
	return key
}

// parameters reads `AWS4-HMAC-SHA256 a=b, c=d`. For another scheme it returns no
// parameters, so that the error names all of them as missing.
func parameters(header string) map[string]string {
	params := map[string]string{}
	scheme, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	if scheme != algorithm {
		return params
	}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if _, again := params[name]; again {
			// With two values it is not known which one is meant.
			params[name] = ""
		} else if ok {
			params[name] = value
		}
	}
	return params
}

// requireParts returns an error with a sentence for each missing part.
func requireParts(params map[string]string, stamp, header string) error {
	var missing []string
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if params[name] == "" {
			missing = append(missing, "Authorization header requires '"+name+"' parameter.")
		}
	}
	if stamp == "" {
		missing = append(missing, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if missing == nil {
		return nil
	}
	sum := sha256.Sum256([]byte(header))
	return incomplete(strings.Join(missing, " ") + " (Hashed with SHA-256 and encoded with Base64) Authorization=" +
		base64.StdEncoding.EncodeToString(sum[:]))
}

func (s *Signature) parseCredential(credential string) error {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[0] == "" {
		return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '" + printable(credential) + "'")
	}
	s.AccessKeyID, s.Date, s.Region, s.Service = parts[0], parts[1], parts[2], parts[3]
	if parts[4] != terminator {
		return invalid("Credential should be scoped with a valid terminator: 'aws4_request', not '" + printable(parts[4]) + "'.").because(BadScope)
	}
	if len(s.Date) != 8 || strings.Trim(s.Date, "0123456789") != "" {
		return invalid("Credential should be scoped to a valid date.").because(BadScope)
	}
	if !validRegion(s.Region) {
		return invalid("Credential should be scoped to a valid region.").because(BadScope)
	}
	if len(s.AccessKeyID) > maxAccessKey || printable(s.AccessKeyID) != s.AccessKeyID {
		return incomplete("Credential has an access key id that is not one.")
	}
	return nil
}

// validRegion checks the form of a Region: one server serves every Region.
func validRegion(r string) bool {
	if len(r) == 0 || len(r) > 32 || r[0] == '-' || r[len(r)-1] == '-' {
		return false
	}
	return strings.Trim(r, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func (s *Signature) parseSignedHeaders(list string) error {
	s.signed, s.SignedHeaders = list, strings.Split(list, ";")
	if len(s.SignedHeaders) > maxSignedHeaders {
		return incomplete("Authorization header has too many 'SignedHeaders'.")
	}
	for i, name := range s.SignedHeaders {
		// Sorted without repetition, lower case: the canonical form has no other.
		if name == "" || name != strings.ToLower(name) || i > 0 && name <= s.SignedHeaders[i-1] {
			return invalid(mismatch)
		}
	}
	return nil
}

func (s *Signature) signs(name string) bool {
	_, ok := slices.BinarySearch(s.SignedHeaders, name)
	return ok
}

func parseTime(stamp string) (time.Time, error) {
	if t, err := time.Parse(isoBasic, stamp); err == nil {
		return t, nil
	}
	t, err := http.ParseTime(stamp)
	return t.UTC(), err
}

// printable makes the client's text safe and short enough to be sent back.
func printable(s string) string {
	if len(s) > 256 {
		s = s[:256]
	}
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
