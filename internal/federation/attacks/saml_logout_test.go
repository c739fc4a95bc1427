package attacks_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"cognate/internal/federation"
	"cognate/internal/federation/saml/samltest"
)

func TestSAMLLogout(t *testing.T) {
	t.Parallel()
	const requestID = "_logout-1"
	w := newWorld(t, nil)
	honest := func(change func(e *etree.Element)) *etree.Element {
		e := w.idp.LogoutResponse(samltest.Answer{Consumer: logout, InResponseTo: requestID, Now: samltest.Start, ID: "1"})
		change(e)
		return w.idp.Sign(t, e)
	}
	same := func(*etree.Element) {}
	check := func(e *etree.Element) error {
		return w.provider().CheckLogoutResponse(url.Values{"SAMLResponse": {samltest.Encode(e)}}, requestID, logout)
	}
	if err := check(honest(same)); err != nil {
		t.Fatalf("an honest answer: %v", err)
	}
	tests := []struct {
		name, cause string
		make        func() *etree.Element
	}{
		{"unsigned", "SAML Response signature is invalid", func() *etree.Element { return unsigned(honest(same)) }},
		{"signed by another key", unverified, func() *etree.Element {
			return samltest.New(t, samltest.OtherRSA).Sign(t, unsigned(honest(same)))
		}},
		{"changed", "the content was changed", func() *etree.Element {
			e := honest(same)
			e.CreateAttr("InResponseTo", requestID+"x")
			return e
		}},
		{"answer to another request", "does not belong to the request", func() *etree.Element {
			return honest(func(e *etree.Element) { e.CreateAttr("InResponseTo", "_logout-2") })
		}},
		{"unsolicited", "does not belong to the request", func() *etree.Element {
			return honest(func(e *etree.Element) { e.RemoveAttr("InResponseTo") })
		}},
		{"another destination", "the destination is not the logout endpoint", func() *etree.Element {
			return honest(func(e *etree.Element) { e.CreateAttr("Destination", "https://attacker.example.com/") })
		}},
		{"no destination", "the destination is not the logout endpoint", func() *etree.Element {
			return honest(func(e *etree.Element) { e.RemoveAttr("Destination") })
		}},
		{"another issuer", "the issuer is not the identity provider", func() *etree.Element {
			return honest(func(e *etree.Element) { e.SelectElement("Issuer").SetText("https://other.example.com") })
		}},
		{"no issuer", "the issuer is not the identity provider", func() *etree.Element {
			return honest(func(e *etree.Element) { e.RemoveChild(e.SelectElement("Issuer")) })
		}},
		{"no success", "the identity provider did not sign the user", func() *etree.Element {
			return honest(func(e *etree.Element) {
				element(e, "Status/StatusCode").CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:Requester")
			})
		}},
		{"future", "is not yet valid", func() *etree.Element {
			return honest(func(e *etree.Element) { e.CreateAttr("IssueInstant", at(time.Hour)) })
		}},
		{"old", "is too old", func() *etree.Element {
			return honest(func(e *etree.Element) { e.CreateAttr("IssueInstant", at(-25*time.Hour)) })
		}},
		{"answer to a sign-in", "not LogoutResponse", w.signedResponse},
		{"assertion in it", misplacedAssertion, func() *etree.Element {
			return honest(func(e *etree.Element) { e.AddChild(assertionOf(w.signedAssertion())) })
		}},
		{"original in another one", nestedMessage, func() *etree.Element {
			signed := honest(same)
			forged := unsigned(signed)
			forged.CreateAttr("ID", "_forged")
			forged.InsertChildAt(1, signatureOf(signed).Copy())
			forged.CreateElement("samlp:Extensions").AddChild(unsigned(signed))
			return forged
		}},
		{"signature of another one", wrongReference, func() *etree.Element {
			signed := honest(same)
			signed.CreateAttr("ID", "_forged")
			return signed
		}},
	}
	for _, test := range tests {
		err := check(test.make())
		var refusal *federation.Error
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), test.cause) {
			t.Errorf("32 %s: %v, want %q", test.name, err, test.cause)
		}
	}
	form := url.Values{"SAMLResponse": {samltest.Encode(honest(func(e *etree.Element) { e.RemoveAttr("InResponseTo") }))}}
	if err := w.provider().CheckLogoutResponse(form, "", logout); err == nil {
		t.Error("32 an answer is accepted although there was no request")
	}
}
