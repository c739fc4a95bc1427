// Package store keeps Cognate's records in SQLite or PostgreSQL. It is the only package that knows SQL.
//
// It may open and migrate a database, run transactions, and read and write the records of records.go. It knows no rule
// of the protocol, opens no sealed value, and imports no other package of the project.
//
// Reads: [Store] embeds a [Reader]. Each of its calls sees what was committed when the call began. [Store.View] reads
// several times from one snapshot.
//
// Writes: [Store.Update] runs a closure in one transaction. The closure may run more than once (after a serialization
// failure, or another closure's failure in a group commit). So it must not use the network, and it must overwrite the
// variables outside, not add to them. When Update returns nil the changes are on disk.
//
// An insert of an existing key returns an [*ExistsError] and leaves the transaction usable. A lost compare-and-set returns
// [ErrConflict].
//
// Times are whole milliseconds. Text is UTF-8 without NUL and compares bytewise on both engines. A look-up of other text
// finds nothing; a write of it returns [ErrText].
package store
