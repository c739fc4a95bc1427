// Package server is where Cognate is put together: configuration and commands,
// the composition of the services, the listeners, the routes, and an orderly
// start and end.
//
// It is the only package that reads the clock, the environment and the command
// line, and the only one that may import every other. It decides nothing about
// any operation. [Start] is what the commands dev and serve call, and what
// tests call.
package server
