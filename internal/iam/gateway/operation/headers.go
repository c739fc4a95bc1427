package operation

import (
	"net/http"
	"strings"
)

// plainHeaders are the headers of HTTP that an operation of S3 can have. They reach the
// backend. Others, such as those of proxies, do not.
const plainHeaders = "cache-control content-disposition content-encoding content-language content-md5 content-type expires " +
	"if-match if-modified-since if-none-match if-unmodified-since range accept accept-encoding accept-language user-agent origin"

// amzHeaders are the headers of AWS that have a meaning the checks take into account, or
// no meaning for authorization, without "x-amz-".
const amzHeaders = "acl bucket-object-lock-enabled bucket-object-lock-token bypass-governance-retention checksum-algorithm checksum-crc32 " +
	"checksum-crc32c checksum-crc64nvme checksum-md5 checksum-mode checksum-sha1 checksum-sha256 checksum-sha512 checksum-type " +
	"checksum-xxhash128 checksum-xxhash3 checksum-xxhash64 confirm-remove-self-bucket-access copy-source copy-source-if-match " +
	"copy-source-if-modified-since copy-source-if-none-match copy-source-if-unmodified-since copy-source-range " +
	"copy-source-server-side-encryption-customer-algorithm copy-source-server-side-encryption-customer-key " +
	"copy-source-server-side-encryption-customer-key-md5 expected-bucket-owner grant-full-control grant-read grant-read-acp grant-write " +
	"grant-write-acp if-match-initiated-time if-match-last-modified-time if-match-size max-parts metadata-directive mfa mp-object-size " +
	"object-attributes object-lock-legal-hold object-lock-mode object-lock-retain-until-date object-ownership optional-object-attributes " +
	"part-number-marker request-payer sdk-checksum-algorithm server-side-encryption server-side-encryption-aws-kms-key-id " +
	"server-side-encryption-bucket-key-enabled server-side-encryption-context server-side-encryption-customer-algorithm " +
	"server-side-encryption-customer-key server-side-encryption-customer-key-md5 source-expected-bucket-owner storage-class tagging " +
	"tagging-directive transition-default-minimum-object-size website-redirect-location"

// signatureHeaders belong to the signature and the coding of the body, without "x-amz-".
// The proxy replaces them. The last three are of clients and of Amazon CloudFront.
const signatureHeaders = "content-sha256 date decoded-content-length security-token trailer user-agent cf-id te"

// foreignMetadata are metadata with which a store does more than store them: MinIO unpacks
// archives into objects that no check has seen.
var foreignMetadata = []string{"snowball-", "minio-"}

// headersOf returns the headers that an operation of S3 has. Headers of AWS that a
// presigned URL carries in its query are moved to the headers, where S3 looks for them too.
func headersOf(h http.Header, query params) (http.Header, params, *Error) {
	out := http.Header{}
	for name, values := range h {
		lower := strings.ToLower(name)
		amz, isAmz := strings.CutPrefix(lower, "x-amz-")
		switch {
		case isAmz && hasWord(signatureHeaders, amz):
			continue
		case isAmz:
			if err := checkAmzHeader(amz, values); err != nil {
				return nil, nil, err
			}
		case !hasWord(plainHeaders, lower):
			continue
		case len(values) > 1 && lower != "accept" && lower != "accept-encoding" && lower != "accept-language" && lower != "cache-control" && lower != "content-encoding":
			return nil, nil, invalidArgument("The header " + printable(lower) + " must be sent once.")
		}
		out[http.CanonicalHeaderKey(name)] = values
	}
	var rest params
	for _, p := range query {
		amz, isAmz := strings.CutPrefix(strings.ToLower(p.Name), "x-amz-")
		if !isAmz {
			rest = append(rest, p)
			continue
		}
		if err := checkAmzHeader(amz, []string{p.Value}); err != nil {
			return nil, nil, err
		}
		name := http.CanonicalHeaderKey("x-amz-" + amz)
		if out[name] != nil {
			return nil, nil, invalidArgument("The header x-amz-" + printable(amz) + " must be sent once, as a header or in the query.")
		}
		if strings.ContainsAny(p.Value, "\r\n\x00") {
			return nil, nil, invalidArgument("The query parameter " + printable(p.Name) + " is not the value of a header.")
		}
		out[name] = []string{p.Value}
	}
	return out, rest, nil
}

// checkAmzHeader refuses a header of AWS whose meaning is not known.
func checkAmzHeader(amz string, values []string) *Error {
	meta, isMeta := strings.CutPrefix(amz, "meta-")
	for _, prefix := range foreignMetadata {
		if isMeta && strings.HasPrefix(meta, prefix) {
			return unknownHeader("x-amz-" + amz)
		}
	}
	if isMeta {
		return nil
	}
	if !hasWord(amzHeaders, amz) {
		return unknownHeader("x-amz-" + amz)
	}
	if len(values) > 1 {
		return invalidArgument("The header x-amz-" + printable(amz) + " must be sent once.")
	}
	return nil
}

func unknownHeader(name string) *Error {
	return &Error{501, "NotImplemented", "A header you provided implies functionality that is not implemented: " + printable(name)}
}
