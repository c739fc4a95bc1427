// Package sigv4 reads and verifies AWS Signature Version 4, and signs requests with it.
//
// [Parse] reads the Authorization header, as AWS's JSON and Query services have it.
// [ParseHTTP] also reads presigned URLs. [Signature.Verify] checks a signature over a
// body that the caller has read. [Signature.Open] checks a signature of Amazon S3 and
// returns a [Body], which verifies a body of any size while it is read: its SHA-256, the
// signatures of its chunks and its trailing checksum. [Sign] signs a request.
//
// The package is pure: it looks up no credentials, reads no clock, and knows nothing of
// operations. Its errors carry the texts that AWS answers. It supports neither Signature
// Version 4A nor the forms of browsers' POST uploads.
package sigv4
