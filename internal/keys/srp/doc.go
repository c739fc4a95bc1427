// Package srp is the server's side of SRP-6a (RFC 2945, RFC 5054) with the
// group, the paddings and the key derivation that Amazon Cognito's clients
// expect. It serves users and remembered devices alike: for a device the pool
// is the device group key and the user the device key.
//
// It is pure: bytes in, bytes out. It may use the standard library only; it
// keeps no state but a table of powers of the generator, knows no clock and no
// store, and seals nothing. The caller keeps the verifier and the ephemeral
// secret sealed.
//
// Integers travel as fixed, big-endian byte strings of [Size] bytes. Arithmetic
// that touches a verifier, a password or an ephemeral secret takes the same
// path and touches the same memory whatever their values; only A, B and u,
// which an eavesdropper knows too, steer branches.
package srp
