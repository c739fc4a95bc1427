// Package cli is the command line of Cognate: the grammar, the sources of the
// settings (flags, environment, file), each command, and the client that hands
// an operator's request over to a running server.
//
// It may import package server and those below it. It decides nothing about the
// server: a default and a check of a setting are with the setting, and a request
// of an operator is carried out by package server. It reads neither the clock
// nor the process's environment; [Process] has both streams and variables.
package cli
