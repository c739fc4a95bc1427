package attacks_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"cognate/internal/federation"
	"cognate/internal/federation/saml"
	"cognate/internal/federation/saml/samltest"
)

// says has the identity provider sign a changed answer. The change is its own statement: about
// another sign-in, another service provider or another time.
func says(change func(response, assertion *etree.Element)) func(*world) string {
	return func(w *world) string {
		response := w.response()
		change(response, assertionOf(response))
		w.idp.Sign(w, assertionOf(response))
		return samltest.Encode(w.idp.Sign(w, response))
	}
}

// sets has the identity provider sign an answer with another value of an attribute. The path
// begins at the response; "" removes the attribute.
func sets(path, attribute, value string) func(*world) string {
	return says(func(response, _ *etree.Element) {
		e := response
		if path != "" {
			e = response.FindElement(path)
		}
		if value == "" {
			e.RemoveAttr(attribute)
		} else {
			e.CreateAttr(attribute, value)
		}
	})
}

func at(d time.Duration) string { return samltest.Start.Add(d).Format(time.RFC3339) }

const (
	conditions   = "Assertion/Conditions"
	confirmation = "Assertion/Subject/SubjectConfirmation"
	bearerData   = confirmation + "/SubjectConfirmationData"
	statement    = "Assertion/AuthnStatement"
)

func TestSAMLAddressee(t *testing.T) {
	t.Parallel()
	const (
		noAudience  = "Audience restriction was not met"
		noRecipient = "the recipient is not the assertion consumer service"
		destination = "the destination is not the assertion consumer service"
		unrelated   = "the response does not belong to the request"
	)
	restriction := func(audiences ...string) func(*world) string {
		return says(func(response, _ *etree.Element) {
			e := response.FindElement(conditions).CreateElement("saml:AudienceRestriction")
			for _, audience := range audiences {
				e.CreateElement("saml:Audience").SetText(audience)
			}
		})
	}
	run(t, []attack{
		{"22", "another service provider's assertion", noAudience, says(func(response, _ *etree.Element) {
			response.FindElement("//Audience").SetText("urn:amazon:cognito:sp:us-east-1_Other")
		})},
		{"22", "audience with our name as its beginning", noAudience, says(func(response, _ *etree.Element) {
			response.FindElement("//Audience").SetText(audience + ".evil.example")
		})},
		{"22", "no restriction", noAudience, says(func(response, _ *etree.Element) {
			e := response.FindElement(conditions)
			e.RemoveChild(e.SelectElement("AudienceRestriction"))
		})},
		{"22", "no conditions", noAudience, says(func(_, assertion *etree.Element) {
			assertion.RemoveChild(assertion.SelectElement("Conditions"))
		})},
		{"22", "second restriction to others", noAudience, restriction("urn:other")},
		{"22", "second restriction to no service provider", noAudience, restriction()},
		{"22", "unknown condition", "the assertion has an unknown condition", says(func(response, _ *etree.Element) {
			response.FindElement(conditions).CreateElement("saml:Condition").CreateAttr("xsi:type", "x")
		})},
		{"23", "recipient of another service provider", noRecipient, sets(bearerData, "Recipient", "https://attacker.example.com/saml2/idpresponse")},
		{"23", "recipient with another case", noRecipient, sets(bearerData, "Recipient", strings.ToUpper(consumer))},
		{"23", "recipient with a query", noRecipient, sets(bearerData, "Recipient", consumer+"?x=1")},
		{"23", "no recipient", noRecipient, sets(bearerData, "Recipient", "")},
		{"23", "destination of another service provider", destination, sets("", "Destination", "https://attacker.example.com/saml2/idpresponse")},
		{"23", "no destination", destination, sets("", "Destination", "")},
		{"24", "answer to another request", unrelated, sets("", "InResponseTo", "_request-2")},
		{"24", "confirmation of another request", unrelated, sets(bearerData, "InResponseTo", "_request-2")},
		{"24", "answer without a request", unrelated, sets("", "InResponseTo", "")},
		{"24", "confirmation without a request", unrelated, sets(bearerData, "InResponseTo", "")},
		{"26", "holder-of-key confirmation", "the subject has no bearer confirmation", sets(confirmation, "Method", "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key")},
		{"26", "sender-vouches confirmation", "the subject has no bearer confirmation", sets(confirmation, "Method", "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches")},
		{"26", "no confirmation", "the subject has no bearer confirmation", says(func(_, assertion *etree.Element) {
			e := assertion.SelectElement("Subject")
			e.RemoveChild(e.SelectElement("SubjectConfirmation"))
		})},
		{"26", "no confirmation data", "SubjectConfirmation has no SubjectConfirmationData", says(func(response, _ *etree.Element) {
			e := response.FindElement(confirmation)
			e.RemoveChild(e.SelectElement("SubjectConfirmationData"))
		})},
		{"26", "beginning of a bearer confirmation", "a bearer confirmation must not have a beginning", sets(bearerData, "NotBefore", at(-time.Hour))},
		{"27", "assertion of another issuer", "the issuer is not the identity provider", says(func(_, assertion *etree.Element) {
			assertion.SelectElement("Issuer").SetText("https://other.example.com/metadata")
		})},
		{"27", "assertion without an issuer", "the issuer is not the identity provider", says(func(_, assertion *etree.Element) {
			assertion.RemoveChild(assertion.SelectElement("Issuer"))
		})},
		{"27", "response of another issuer", "the issuer is not the identity provider", says(func(response, _ *etree.Element) {
			response.SelectElement("Issuer").SetText("https://other.example.com/metadata")
		})},
		{"27", "answer of another provider of the pool", unverified, func(w *world) string {
			other := samltest.New(w, samltest.OtherRSA)
			other.EntityID = "https://other.example.com/metadata"
			response := other.Response(answer())
			other.Sign(w, assertionOf(response))
			return samltest.Encode(response)
		}},
	})
}

func TestSAMLTimes(t *testing.T) {
	t.Parallel()
	const (
		expired = "the assertion has expired"
		early   = "is not yet valid"
	)
	run(t, []attack{
		{"25", "confirmation has expired", expired, sets(bearerData, "NotOnOrAfter", at(-2*time.Minute))},
		{"25", "confirmation without an end", "the confirmation has no end", sets(bearerData, "NotOnOrAfter", "")},
		{"25", "end that is no time", "the confirmation has no end", sets(bearerData, "NotOnOrAfter", "never")},
		{"25", "year beyond four digits", "the confirmation has no end", sets(bearerData, "NotOnOrAfter", "99999-01-01T00:00:00Z")},
		{"25", "conditions have expired", expired, sets(conditions, "NotOnOrAfter", at(-2*time.Minute))},
		{"25", "conditions in the future", early, sets(conditions, "NotBefore", at(2*time.Minute+time.Second))},
		{"25", "beginning that is no time", "the assertion is malformed", sets(conditions, "NotBefore", "now")},
		{"25", "session has expired", "the session has expired", sets(statement, "SessionNotOnOrAfter", at(-2*time.Minute))},
		{"25", "response of the future", early, sets("", "IssueInstant", at(2*time.Minute+time.Second))},
		{"25", "assertion of the future", early, sets("Assertion", "IssueInstant", at(2*time.Minute+time.Second))},
		{"25", "assertion without a time", "the assertion has no time of issue", sets("Assertion", "IssueInstant", "")},
		{"25", "old assertion that never ends", "the response is too old", says(func(response, assertion *etree.Element) {
			assertion.CreateAttr("IssueInstant", at(-24*time.Hour-time.Second))
			response.FindElement(conditions).CreateAttr("NotOnOrAfter", "9999-12-31T23:59:59Z")
			response.FindElement(bearerData).CreateAttr("NotOnOrAfter", "9999-12-31T23:59:59Z")
		})},
		{"25", "no authentication", "the assertion has no authentication statement", says(func(_, assertion *etree.Element) {
			assertion.RemoveChild(assertion.SelectElement("AuthnStatement"))
		})},
		{"25", "another version", "the Version of Assertion", sets("Assertion", "Version", "1.1")},
		{"25", "status that is no success", "the identity provider did not sign the user in", sets("Status/StatusCode", "Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")},
	})
}

// TestSAMLReplay wants an answer to name the IDs that must not be used again, until a time at
// which the answer is refused for its age.
func TestSAMLReplay(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*etree.Element){
		"as usual": func(*etree.Element) {},
		"without an end": func(response *etree.Element) {
			response.FindElement(conditions).RemoveAttr("NotOnOrAfter")
			response.FindElement(bearerData).CreateAttr("NotOnOrAfter", "9999-12-31T23:59:59Z")
		},
	} {
		w := newWorld(t, nil)
		now := samltest.Start
		w.settings.Now = func() time.Time { return now }
		encoded := says(func(response, _ *etree.Element) { change(response) })(w)
		first, err := w.send(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if len(first.Uses) != 2 || first.Uses[0].ID != "_r1" || first.Uses[1].ID != "_a1" {
			t.Fatalf("21 %s: uses %v", name, first.Uses)
		}
		// The same assertion in another response has the same ID.
		again := w.response()
		again.CreateAttr("ID", "_r2")
		w.idp.Sign(t, assertionOf(again))
		if second, err := w.send(samltest.Encode(again)); err != nil || second.Uses[1] != first.Uses[1] && name == "as usual" {
			t.Errorf("21 %s: uses %v, then %v, %v", name, first.Uses, second, err)
		}
		now = first.Uses[1].Until
		identity, err := w.send(encoded)
		if err == nil {
			t.Errorf("21 %s: %v is accepted when its IDs may be forgotten", name, identity)
		}
		if limit := samltest.Start.Add(25 * time.Hour); first.Uses[1].Until.After(limit) {
			t.Errorf("21 %s: its IDs are kept until %v", name, first.Uses[1].Until)
		}
	}
}

func TestSAMLRelayState(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	encoded := samltest.Encode(w.signedAssertion())
	for name, states := range map[string][]string{
		"28 missing":          nil,
		"28 another sign-in":  {"state-2"},
		"28 two":              {"state-1", "state-1"},
		"28 a URL":            {"https://attacker.example.com/"},
		"29 login CSRF":       {"state-of-the-attacker"},
		"28 with a longer ID": {"state-1x"},
	} {
		form := url.Values{"SAMLResponse": {encoded}, "RelayState": states}
		identity, err := w.provider().Finish(t.Context(), signIn, federation.Answer{Form: form})
		wantSAMLRefusal(t, identity, err, saml.TextUnexpected)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	form := url.Values{"SAMLResponse": {encoded, encoded}, "RelayState": {signIn.State}}
	identity, err := w.provider().Finish(t.Context(), signIn, federation.Answer{Form: form})
	wantSAMLRefusal(t, identity, err, "the form has 2 values of SAMLResponse")
}

// TestSAMLUnsolicited has answers that no request asked for, and answers to a request that pose
// as such.
func TestSAMLUnsolicited(t *testing.T) {
	t.Parallel()
	const unrelated = "the response does not belong to the request"
	unsolicited := func(w *world) string {
		a := answer()
		a.InResponseTo = ""
		return samltest.Encode(w.idp.Sign(w, w.idp.Response(a)))
	}
	open := func(s *saml.Settings) { s.IDPInit = true }
	w := newWorld(t, open)
	if identity, err := w.sendUnsolicited(unsolicited(w)); err != nil || identity.Subject != attacker {
		t.Fatalf("an honest answer: %v, %v", identity, err)
	}
	// The assertion lives longer than Cognito accepts it.
	aged := func(age time.Duration) (*federation.Identity, error) {
		a := answer()
		a.InResponseTo, a.Now = "", samltest.Start.Add(-age)
		response := w.idp.Response(a)
		for _, path := range []string{conditions, bearerData} {
			response.FindElement(path).CreateAttr("NotOnOrAfter", at(time.Hour))
		}
		return w.sendUnsolicited(samltest.Encode(w.idp.Sign(w, response)))
	}
	if _, err := aged(6 * time.Minute); err != nil {
		t.Errorf("an answer of six minutes: %v", err)
	}
	identity, err := aged(6*time.Minute + time.Second)
	wantSAMLRefusal(t, identity, err, "the response is too old")

	closed := newWorld(t, nil)
	identity, err = closed.sendUnsolicited(unsolicited(closed))
	wantSAMLRefusal(t, identity, err, saml.TextUnexpected)
	for name, encoded := range map[string]string{
		"24 answer to a request":       samltest.Encode(w.signedResponse()),
		"24 confirmation of a request": sets("", "InResponseTo", "")(w),
		"24 response to a request":     sets(bearerData, "InResponseTo", "")(w),
	} {
		t.Log(name)
		identity, err := w.sendUnsolicited(encoded)
		wantSAMLRefusal(t, identity, err, unrelated)
	}
	// An attempt without a request must not turn an answer into an unsolicited one.
	_, err = w.provider().Finish(context.Background(), federation.Attempt{Callback: consumer},
		federation.Answer{Form: url.Values{"SAMLResponse": {unsolicited(w)}}})
	var refusal *federation.Error
	if err == nil || errors.As(err, &refusal) {
		t.Errorf("24 an attempt without a request: %v", err)
	}
	// A request's attempt does not accept an unsolicited answer, even if those are allowed.
	identity, err = w.send(unsolicited(w))
	wantSAMLRefusal(t, identity, err, unrelated)
}
