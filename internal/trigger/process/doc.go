// Package process runs Lambda functions in a folder as processes on this
// machine, over the Lambda Runtime API: the server's side of
// runtime/invocation/next, response, error and init/error.
//
// Each folder below the root is one function, named as the folder. Node.js and
// Python handlers run under small runtimes of this package; a Go module is
// built; an executable called bootstrap is run as it is. Functions can also be
// declared: with the folder of their code, their handler and their environment. A process handles one
// event at a time; more are started, up to a limit, while events wait. A changed
// file replaces the processes before the next event.
//
// It is for development: functions run as the server's own user. They end with
// the server. Each process has a process group of its own, which is killed when the
// process ends: so programs that it has started end, too, unless they have left the
// group. The package starts processes, listens on loopback, and reads the
// folder; it writes binaries of Go functions to a folder for temporary files,
// which exists only once there is one.
package process
