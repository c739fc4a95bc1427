package wire

import (
	"errors"
	"testing"

	"cognate/internal/api"
	"cognate/internal/iam"
)

func TestLookupError(t *testing.T) {
	t.Parallel()
	fault := errors.New("database is away")
	tests := []struct {
		name          string
		err           error
		code, message string
	}{
		{"unknown key", iam.ErrUnknownKey, "UnrecognizedClientException", "The security token included in the request is invalid."},
		{"expired token", iam.ErrExpiredToken, "ExpiredTokenException", "The security token included in the request is expired"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, ok := errors.AsType[*api.Error](lookupError(tt.err))
			if !ok || e.Code != tt.code || e.Message != tt.message || !errors.Is(e, tt.err) {
				t.Errorf("lookupError = %v", e)
			}
		})
	}
	if err := lookupError(fault); err != fault {
		t.Errorf("lookupError = %v, want the fault itself", err)
	}
}
