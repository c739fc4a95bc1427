// Package server is where Cognate is put together: the configuration with its
// defaults and checks, the composition of the services, the listeners, the
// routes, the requests of an operator, and an orderly start and end.
//
// It is the only package that reads the clock, and it may import every other
// except cli, which starts it. It decides nothing about any operation. [Start] is
// what the commands dev and serve call, and what tests call.
package server
