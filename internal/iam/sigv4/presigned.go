package sigv4

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The parameters of a presigned URL.
const (
	paramAlgorithm     = "X-Amz-Algorithm"
	paramCredential    = "X-Amz-Credential"
	paramDate          = "X-Amz-Date"
	paramExpires       = "X-Amz-Expires"
	paramSignedHeaders = "X-Amz-SignedHeaders"
	paramSignature     = "X-Amz-Signature"
	paramToken         = "X-Amz-Security-Token"
	paramContentHash   = "X-Amz-Content-Sha256"
)

const (
	textTwoForms = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, " +
		"Signature query string parameter or the Authorization header should be specified"
	textQueryParts = "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, " +
		"X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
	textOtherAlgorithm = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
)

// IsPresignParameter reports whether a query parameter belongs to the signature of a
// presigned URL. Such parameters are not the operation's.
func IsPresignParameter(name string) bool {
	switch name {
	case paramAlgorithm, paramCredential, paramDate, paramExpires, paramSignedHeaders, paramSignature, paramToken, paramContentHash:
		return true
	}
	return false
}

// ParseHTTP reads the signature of a request: in its Authorization header or in its
// query, never in both.
func ParseHTTP(r *http.Request) (*Signature, error) {
	params, foreign, err := presignParameters(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	auth := r.Header.Values("Authorization")
	switch {
	case len(auth) > 0 && (len(params) > 0 || foreign):
		// A parameter that is not part of a signature, X-Amz-Security-Token for example,
		// is refused too: the header has its own.
		return nil, incomplete(textTwoForms).because(TwoForms)
	case foreign:
		return nil, incomplete(textOtherAlgorithm).because(OtherAlgorithm)
	case len(auth) == 0 && len(params) > 0:
		return parsePresigned(params, r.Header)
	}
	s, err := Parse(r.Header)
	if err == nil || len(auth) != 1 {
		return s, err
	}
	if scheme, _, _ := strings.Cut(strings.TrimSpace(auth[0]), " "); scheme != algorithm && scheme != "" {
		return nil, incomplete(textOtherAlgorithm).because(OtherAlgorithm)
	}
	return nil, err
}

// presignParameters returns the parameters of a presigned URL, each of which may occur
// once. foreign reports whether the query has a signature of version 2.
func presignParameters(query string) (params map[string]string, foreign bool, err error) {
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		name = decoded(name)
		if name == "Signature" || name == "AWSAccessKeyId" {
			foreign = true
		}
		if !IsPresignParameter(name) {
			continue
		}
		if _, again := params[name]; again {
			return nil, false, incomplete(textQueryParts)
		}
		if params == nil {
			params = map[string]string{}
		}
		params[name] = decoded(value)
	}
	return params, foreign, nil
}

func parsePresigned(params map[string]string, h http.Header) (*Signature, error) {
	if a, ok := params[paramAlgorithm]; ok && a != algorithm {
		return nil, incomplete(textOtherAlgorithm).because(OtherAlgorithm)
	}
	for _, name := range []string{paramAlgorithm, paramCredential, paramDate, paramSignedHeaders, paramSignature} {
		if params[name] == "" {
			return nil, incomplete(textQueryParts)
		}
	}
	s := &Signature{Presigned: true, SessionToken: params[paramToken]}
	if s.SessionToken != "" && h.Get(paramToken) != "" {
		return nil, incomplete(textTwoForms).because(TwoForms)
	}
	if err := s.parse(params[paramCredential], params[paramDate], params[paramSignedHeaders], params[paramSignature]); err != nil {
		return nil, err
	}
	if s.SessionToken == "" {
		// A header that is not signed is refused by checkCoverage.
		s.SessionToken = h.Get(paramToken)
	}
	return s, s.parseExpires(params)
}

func (s *Signature) parseExpires(params map[string]string) error {
	text, ok := params[paramExpires]
	if !ok {
		if s.isS3() {
			return incomplete(textQueryParts)
		}
		s.Lifetime = maxQueryLifetime
		return nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || text != strconv.FormatInt(seconds, 10):
		return incomplete("X-Amz-Expires should be a number").because(BadExpiry)
	case seconds < 1:
		return incomplete("X-Amz-Expires must be non-negative").because(BadExpiry)
	case seconds > int64(maxLifetime/time.Second):
		return incomplete("X-Amz-Expires must be less than a week (in seconds) that is less than 604800").because(BadExpiry)
	}
	s.Lifetime = time.Duration(seconds) * time.Second
	return nil
}
