package saml

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/url"
	"strings"
	"sync"

	"cognate/internal/federation/saml/xmldsig"
)

// deflaters are used again, because a new one takes much memory.
var deflaters = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(io.Discard, flate.DefaultCompression) // The level is a valid one.
	return w
}}

// redirect returns a URL that carries a request (SAML Bindings §3.4.4.1). The destination keeps
// its own query. A signature covers the parameters exactly as they are sent.
func redirect(destination string, request []byte, relayState string, signer crypto.Signer) (string, error) {
	var deflated bytes.Buffer
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&deflated)
	if _, err := w.Write(request); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	query := "SAMLRequest=" + escapeQuery(base64.StdEncoding.EncodeToString(deflated.Bytes()))
	if relayState != "" {
		query += "&RelayState=" + escapeQuery(relayState)
	}
	if signer != nil {
		query += "&SigAlg=" + escapeQuery(xmldsig.RSASHA256)
		digest := sha256.Sum256([]byte(query))
		signature, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil {
			return "", err
		}
		query += "&Signature=" + escapeQuery(base64.StdEncoding.EncodeToString(signature))
	}
	return withQuery(destination, query), nil
}

// withQuery adds a query to a URL that may have one.
func withQuery(destination, query string) string {
	separator := "?"
	if before, own, found := strings.Cut(destination, "?"); found {
		separator = "&"
		if own == "" || strings.HasSuffix(own, "&") {
			separator = ""
		}
		destination = before + "?" + own
	}
	return destination + separator + query
}

// escapeQuery escapes a space as %20. Some providers decode and encode again to verify the
// signature, and they disagree about the plus sign.
func escapeQuery(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
