package idp_test

import (
	"fmt"
	"strings"
	"testing"

	"cognate/internal/api/idp"
)

// TestProviderDetailsAreRedacted: neither a request nor an answer that is printed shows the
// secrets of an identity provider.
func TestProviderDetailsAreRedacted(t *testing.T) {
	t.Parallel()
	details := map[string]string{"client_secret": "s3cret", "private_key": "s3cret"}
	for _, v := range []any{
		idp.CreateIdentityProviderRequest{ProviderName: "Corp", ProviderDetails: details},
		idp.UpdateIdentityProviderRequest{ProviderName: "Corp", ProviderDetails: details},
		idp.DescribeIdentityProviderResponse{IdentityProvider: &idp.IdentityProviderType{ProviderDetails: details}},
	} {
		if text := fmt.Sprint(v); strings.Contains(text, "s3cret") {
			t.Errorf("%T: %s", v, text)
		}
	}
}
