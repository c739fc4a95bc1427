// Package strictxml reads the XML of SAML messages and writes its canonical form.
//
// It is the only XML parser of the SAML service provider: the same code reads a document to
// find its signature, and reads the signed bytes to find their meaning. It accepts a small
// part of XML 1.0: UTF-8 without a DTD, with the five predefined entities, ASCII names and
// declared namespaces. It rejects every other document. It keeps prefixes and namespaces
// apart, which encoding/xml does not (CVE-2020-29509, CVE-2020-29510, CVE-2020-29511).
//
// The package knows no SAML, makes no calls and verifies no signatures.
package strictxml
