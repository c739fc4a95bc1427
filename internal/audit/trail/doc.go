// Package trail is the audit trail: a record of each operation, each page and each endpoint of a
// login domain, in the shape of CloudTrail's events.
//
// A record holds no secret and no name of a user. What else can name a person is stored apart, so
// that it can be erased. The records of a process are a chain of hashes, and signed checkpoints
// state its heads. So a changed, a removed and a truncated record are found
// ([decision 0019](../../../docs/decisions/0019-audit-trail.md)).
//
// The package decides no request. It may refuse an administrator's change if the change cannot be
// recorded.
package trail
