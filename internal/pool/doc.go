// Package pool keeps the settings of user pools: the pools themselves, app
// clients and their secrets, domains, resource servers, tags, custom attributes
// and multi-factor settings, and the operations by which administrators change
// them.
//
// Every other package reads settings through [Service.Load] and
// [Service.LoadClient] only. These return immutable values that are at most one second
// older than the database, and never older than this process's own writes.
//
// The package knows nothing of users, sign-ins or tokens, and sends nothing. It rejects
// the settings that docs/compatibility.md lists as missing (unimplemented.go): a setting is
// never stored and ignored.
package pool
