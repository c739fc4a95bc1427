// Package cli is the command line of Cognate: the grammar, the sources of the
// settings (flags, environment, file), each command, and the client that sends
// an operator's request to a running server.
//
// It may import server, iam, keys, outbound, spelling and store. It decides
// nothing about the server: the default and the check of a setting are in package
// server, which also carries out an operator's requests. It does not read the
// clock. Streams and environment come in a [Process].
package cli
