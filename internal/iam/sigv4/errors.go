package sigv4

// A Kind is a class of failure. Each protocol has its own code for it.
type Kind uint8

const (
	// Missing means that the request is not signed at all.
	Missing Kind = iota + 1
	// Incomplete means that the signature's parameters cannot be read.
	Incomplete
	// Invalid means that the signature is wrong.
	Invalid
)

// A Reason refines a Kind. Amazon S3 has codes of its own for reasons; the other
// protocols need only the Kind.
type Reason uint8

const (
	// Unspecified is the reason of errors that S3 distinguishes by their Kind alone.
	Unspecified Reason = iota
	// OtherAlgorithm means another version of the signature, or a key pair.
	OtherAlgorithm
	// TwoForms means a signature in the header and another in the query.
	TwoForms
	// BadScope means a scope of another date, service or form.
	BadScope
	// OtherRegion means a scope of another Region.
	OtherRegion
	// Skewed means a time too far from the server's.
	Skewed
	// Expired means a presigned URL beyond its time.
	Expired
	// NotYetValid means a presigned URL of the future.
	NotYetValid
	// BadExpiry means an X-Amz-Expires that is not a time between 1 second and a week.
	BadExpiry
	// UnsignedHeader means a header that must be signed and is not.
	UnsignedHeader
	// NoPayloadHash means that X-Amz-Content-Sha256 is absent where S3 needs it.
	NoPayloadHash
	// BadPayloadHash means an X-Amz-Content-Sha256 that is neither a hash nor a known mode.
	BadPayloadHash
)

// Error is a failed verification; Message is for the client.
type Error struct {
	Kind    Kind
	Reason  Reason
	Message string
}

func (e *Error) Error() string { return "sigv4: " + e.Message }

const mismatch = "The request signature we calculated does not match the signature you provided. " +
	"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

func incomplete(message string) *Error { return &Error{Kind: Incomplete, Message: message} }
func invalid(message string) *Error    { return &Error{Kind: Invalid, Message: message} }

// because adds the reason.
func (e *Error) because(r Reason) *Error {
	e.Reason = r
	return e
}

// A Fault is a class of failure of a body.
type Fault uint8

const (
	// HashMismatch means a body with another SHA-256 than the signed one.
	HashMismatch Fault = iota + 1
	// ChunkMismatch means a wrong signature of a chunk or of the trailer.
	ChunkMismatch
	// ChecksumMismatch means a body with another checksum than its trailer.
	ChecksumMismatch
	// Truncated means a body that is shorter or longer than its length.
	Truncated
	// BadChunk means chunks that cannot be read.
	BadChunk
	// SmallChunk means a signed chunk below the smallest size that is not the last.
	SmallChunk
	// BadTrailer means a trailer that cannot be read or was not announced.
	BadTrailer
	// NoLength means a body whose length the request does not say.
	NoLength
	// BadHeader means headers that contradict each other about the body.
	BadHeader
)

// A BodyError is a body that does not match what was signed.
type BodyError struct {
	Fault   Fault
	Message string
}

func (e *BodyError) Error() string { return "sigv4: " + e.Message }

func bodyFault(f Fault, message string) *BodyError { return &BodyError{Fault: f, Message: message} }
