// Package policy is IAM's policy language: reading policies of every kind, and deciding
// by several of them together whether they allow a request.
//
// [Parse] reads a document: an identity policy, a session policy, a permissions
// boundary, a role's trust policy or a resource's policy. [Evaluate] decides a [Request]
// by the documents of all [Layers] and allocates nothing. [Explain] decides the same and
// lists the statements and the missing condition keys, for simulations.
//
// The package is pure: it reads no clock and no store. A decision depends only on the
// documents and the request. A document that cannot be evaluated completely is rejected,
// so that no condition is ever ignored. A document that was stored but can no longer be
// read belongs into its layer as [Unreadable], which denies every request.
package policy
