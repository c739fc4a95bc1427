// Package attacks holds the attacks that sign-in at other providers must withstand. Each is a
// test against a provider that behaves as an attacker wants. docs/federation-attacks.md lists
// them with the rules that they would break. The package has no code of its own.
package attacks
