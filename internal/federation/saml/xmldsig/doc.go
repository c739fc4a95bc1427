// Package xmldsig verifies the signatures of SAML messages (XML Signature 1.1, in the profile
// of SAML Core §5.4).
//
// A signature counts only if it is a child of the element that it signs, and if a pinned key
// verifies it. Keys within the message are ignored. [Verify] returns the element as it is in
// the bytes that were hashed: callers must read nothing else.
package xmldsig
