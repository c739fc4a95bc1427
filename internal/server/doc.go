// Package server builds and runs a server: the configuration with its defaults and
// checks, the composition of the services, the listeners, the routes, the requests of
// an operator, and an orderly start and end.
//
// It is the only package that reads the clock. It may import every package except cli,
// which starts it. It decides nothing about any operation. The commands dev and serve,
// and the tests, call [Start].
package server
