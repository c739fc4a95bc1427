package idp_test

import (
	"slices"
	"testing"

	"cognate/internal/api"
	"cognate/internal/api/idp"
)

// TestEveryCodeHasAReason wants the log to say why a request was refused: each
// code has one reason, or is among those whose reason is named where the error
// is made.
func TestEveryCodeHasAReason(t *testing.T) {
	t.Parallel()
	for _, b := range idp.Bind(idp.Unimplemented{}) {
		for _, code := range b.Errors {
			if code == idp.CodeInternalErrorException || code == idp.CodeInternalServerException {
				continue // The server's own fault: the log has the cause.
			}
			if api.ReasonOf(api.NewError(code, "")) == "" && !slices.Contains(api.NeedsReason, code) {
				t.Errorf("%s: %s has no reason", b.Name, code)
			}
		}
	}
}
