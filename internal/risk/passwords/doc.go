// Package passwords finds out whether a password is known from breaches of other services, or is
// one of the first that an attacker tries.
//
// [Checker.Compromised] asks up to three sources: a built-in rule for the commonest passwords, a
// filter file that [Build] makes from the list of Pwned Passwords, and the range API of Pwned
// Passwords. No password leaves the server: the API gets five of the 40 digits of its SHA-1.
//
// # The filter file
//
// The file has one binary fuse filter for each run of about a million hashes, so that making it
// needs little memory, and a table of the runs. The key of a hash is its first 64 bits. The file
// is mapped into memory and never read as a whole. All numbers are little-endian:
//
//	header   160 bytes: magic, version, hash, bits of a fingerprint, numbers of runs, entries,
//	         smallest count, time, length of the payload, SHA-256 of payload, table and header
//	payload  the fingerprints of all runs
//	table    32 bytes for each run: first key, offset, seed, segment length, segment count
//
// A filter never misses an entry. It also takes some other passwords for an entry: with 8 bits
// one of 256, with 16 bits one of 65,536.
package passwords
