// Package development serves the tools of a development server: the inbox with the mail
// and SMS of all users, the clock that can be set, the reset, snapshots, and the logs of
// imports. It does not authenticate requests, so a production server never mounts it.
//
// It may import api, audit, message, store, user and the edge. It reads from the
// services, and changes only the clock and the database as a whole.
package development
