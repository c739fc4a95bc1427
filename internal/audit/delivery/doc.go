// Package delivery sends records of the store to destinations outside: the audit trail to the
// operator's systems.
//
// Records wait in the store, not in memory. So a destination may be away for as long as the
// store keeps records, and gets them in order when it is back. A record is sent at least once:
// again if the process ends before it has noted that the destination has it. Of the processes
// on one database, one sends a stream at a time, by a lease.
package delivery
