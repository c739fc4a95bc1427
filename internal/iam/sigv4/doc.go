// Package sigv4 reads and verifies AWS Signature Version 4 in the Authorization
// header, as AWS's JSON and query services do. It does not support S3's own rules and
// presigned URLs.
//
// The package is pure: it looks up no credentials, reads no clock and no body, and
// knows nothing of operations. Its errors carry the texts that AWS answers.
package sigv4
