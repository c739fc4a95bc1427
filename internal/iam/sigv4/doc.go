// Package sigv4 reads and verifies AWS Signature Version 4 in the Authorization
// header, as AWS's JSON and query services do (S3 has rules of its own, which
// are not here; neither are presigned URLs).
//
// It is pure: it looks up no credentials, reads no clock and no body, and knows
// nothing of operations. Its errors carry the sentences that AWS answers.
package sigv4
