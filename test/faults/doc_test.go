// Package faults_test holds the server to what must be true when things go
// wrong: hostile requests, forged and stolen secrets, a crash, a database that
// is gone or full, several servers at once, an end in the middle of work. It
// runs the real server on real engines: in this process where the test looks
// inside, as the built program where it kills it.
package faults_test
