package sigv4

// A Kind is a class of failure. Each protocol has its own code for it.
type Kind uint8

const (
	// Missing means that the request is not signed at all.
	Missing Kind = iota + 1
	// Incomplete means that the Authorization header cannot be read.
	Incomplete
	// Invalid means that the signature is wrong.
	Invalid
)

// Error is a failed verification; Message is for the client.
type Error struct {
	Kind    Kind
	Message string
}

func (e *Error) Error() string { return "sigv4: " + e.Message }

const mismatch = "The request signature we calculated does not match the signature you provided. " +
	"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

func incomplete(message string) *Error { return &Error{Kind: Incomplete, Message: message} }
func invalid(message string) *Error    { return &Error{Kind: Invalid, Message: message} }
