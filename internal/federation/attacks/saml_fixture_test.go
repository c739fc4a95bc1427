package attacks_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"hash"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"

	"cognate/internal/federation"
	"cognate/internal/federation/saml"
	"cognate/internal/federation/saml/samltest"
)

const (
	audience   = "urn:amazon:cognito:sp:us-east-1_AbCdEf123"
	consumer   = "https://login.example.com/saml2/idpresponse"
	logout     = "https://login.example.com/saml2/logout"
	victimName = "victim@example.com"
	attacker   = "attacker@example.com"
)

// signIn is the sign-in that the attacks aim at.
var signIn = federation.Attempt{State: "state-1", Callback: consumer, RequestID: "_request-1"}

// world is an identity provider and the service provider that trusts it. Attackers have an
// account at the identity provider, and their own answers.
type world struct {
	testing.TB
	idp      *samltest.IdP
	settings saml.Settings
}

func newWorld(t testing.TB, change func(*saml.Settings)) *world {
	t.Helper()
	idp := samltest.New(t, samltest.RSA)
	w := &world{TB: t, idp: idp}
	w.settings = saml.Settings{
		Metadata: w.metadata(idp), EntityID: audience,
		Signer: samltest.OtherRSA.Signer(t), Decrypter: samltest.Decrypter(t),
		Now: func() time.Time { return samltest.Start },
	}
	if change != nil {
		change(&w.settings)
	}
	return w
}

func (w *world) metadata(idp *samltest.IdP) *saml.Metadata {
	w.Helper()
	metadata, err := saml.ParseMetadata(idp.Metadata(), samltest.Start)
	if err != nil {
		w.Fatal(err)
	}
	return metadata
}

func (w *world) provider() *saml.Provider {
	w.Helper()
	p, err := saml.New(w.settings)
	if err != nil {
		w.Fatal(err)
	}
	return p
}

// answer is what the identity provider says about the attacker.
func answer() samltest.Answer {
	return samltest.Answer{
		Consumer: consumer, Audience: audience, NameID: attacker, InResponseTo: signIn.RequestID,
		Now: samltest.Start, ID: "1",
		Attributes: []samltest.Attribute{{Name: "email", Values: []string{attacker}}},
	}
}

// response returns an answer about the attacker that is not signed yet.
func (w *world) response() *etree.Element { return w.idp.Response(answer()) }

// signedAssertion returns an answer about the attacker with a signed assertion.
func (w *world) signedAssertion() *etree.Element {
	w.Helper()
	e := w.response()
	w.idp.Sign(w, assertionOf(e))
	return e
}

// signedResponse returns an answer about the attacker that is signed as a whole.
func (w *world) signedResponse() *etree.Element {
	w.Helper()
	return w.idp.Sign(w, w.response())
}

func assertionOf(response *etree.Element) *etree.Element   { return response.SelectElement("Assertion") }
func signatureOf(e *etree.Element) *etree.Element          { return e.SelectElement("Signature") }
func nameOf(assertion *etree.Element) *etree.Element       { return assertion.FindElement("Subject/NameID") }
func element(e *etree.Element, path string) *etree.Element { return e.FindElement(path) }

// forge turns a copy of an assertion into one about the victim, with another ID or the same.
func forge(assertion *etree.Element, id string) *etree.Element {
	e := assertion.Copy()
	nameOf(e).SetText(victimName)
	if id != "" {
		e.CreateAttr("ID", id)
	}
	return e
}

// unsigned returns a copy of an element without its signature.
func unsigned(e *etree.Element) *etree.Element {
	e = e.Copy()
	if s := signatureOf(e); s != nil {
		e.RemoveChild(s)
	}
	return e
}

// canonical returns the exclusive canonical form of an element where it stands.
func canonical(t testing.TB, e *etree.Element) []byte {
	t.Helper()
	context, err := etreeutils.NSBuildParentContext(e)
	if err != nil {
		t.Fatal(err)
	}
	detached, err := etreeutils.NSDetatch(context, e)
	if err != nil {
		t.Fatal(err)
	}
	b, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(detached)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func digest(hash crypto.Hash, b []byte) []byte {
	h := hash.New()
	h.Write(b)
	return h.Sum(nil)
}

// resign signs a changed SignedInfo again with the identity provider's own key. So only the
// rule that the change breaks can refuse it.
func (w *world) resign(signature *etree.Element, hash crypto.Hash) {
	w.Helper()
	key := w.idp.Signer.(*rsa.PrivateKey)
	message := canonical(w, signature.SelectElement("SignedInfo"))
	value, err := rsa.SignPKCS1v15(rand.Reader, key, hash, digest(hash, message))
	if err != nil {
		w.Fatal(err)
	}
	signature.SelectElement("SignatureValue").SetText(base64.StdEncoding.EncodeToString(value))
}

// redigest computes the digest of the element that contains a signature.
func (w *world) redigest(signature *etree.Element, hash crypto.Hash) {
	w.Helper()
	value := digest(hash, canonical(w, unsigned(signature.Parent())))
	element(signature, "SignedInfo/Reference/DigestValue").SetText(base64.StdEncoding.EncodeToString(value))
}

// text returns an element as the text of a document.
func text(e *etree.Element) string { return string(samltest.Bytes(e)) }

// replace changes the text of a document at one place.
func (w *world) replace(document, old, replacement string) string {
	w.Helper()
	if strings.Count(document, old) != 1 {
		w.Fatalf("%q occurs %d times in %s", old, strings.Count(document, old), document)
	}
	return strings.Replace(document, old, replacement, 1)
}

func encode(document string) string { return base64.StdEncoding.EncodeToString([]byte(document)) }

// send posts an answer for the sign-in.
func (w *world) send(samlResponse string) (*federation.Identity, error) {
	w.Helper()
	form := url.Values{"SAMLResponse": {samlResponse}, "RelayState": {signIn.State}}
	return w.provider().Finish(w.Context(), signIn, federation.Answer{Form: form})
}

// sendUnsolicited posts an answer that no request asked for.
func (w *world) sendUnsolicited(samlResponse string) (*federation.Identity, error) {
	w.Helper()
	form := url.Values{"SAMLResponse": {samlResponse}}
	return w.provider().FinishUnsolicited(w.Context(), consumer, federation.Answer{Form: form})
}

// attack is a row of the suite.
type attack struct {
	row, name string
	// cause is a part of the error: the rule that has to refuse the attack.
	cause string
	// make returns the value of SAMLResponse.
	make func(*world) string
}

// run sends each attack, and wants it to be refused for its cause.
func run(t *testing.T, attacks []attack) {
	t.Helper()
	w := newWorld(t, nil)
	for name, e := range map[string]*etree.Element{"assertion": w.signedAssertion(), "response": w.signedResponse()} {
		if identity, err := w.send(samltest.Encode(e)); err != nil || identity.Subject != attacker {
			t.Fatalf("an honest answer with a signed %s: %v, %v", name, identity, err)
		}
	}
	for _, a := range attacks {
		t.Run(a.row+" "+a.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			identity, err := w.send(a.make(w))
			wantSAMLRefusal(t, identity, err, a.cause)
		})
	}
}

func wantSAMLRefusal(t testing.TB, identity *federation.Identity, err error, cause string) {
	t.Helper()
	if identity != nil || err == nil {
		t.Fatalf("accepted: %+v", identity)
	}
	var refusal *federation.Error
	if !errors.As(err, &refusal) {
		t.Fatalf("the server's own error: %v", err)
	}
	if refusal.Code != "server_error" || strings.Contains(refusal.Text, victimName) {
		t.Errorf("the app client hears %s, %q", refusal.Code, refusal.Text)
	}
	if !strings.Contains(err.Error(), cause) {
		t.Errorf("refused for another reason: %v, want %q", err, cause)
	}
}

func sha1Hash() hash.Hash { return crypto.SHA1.New() }
