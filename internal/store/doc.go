// Package store keeps Cognate's records in SQLite or PostgreSQL. It is the only package that knows SQL.
//
// It may open and migrate a database, run transactions, and read and write the records of records.go. It knows no rule
// of the protocol, opens no sealed value, and imports nothing else of the project.
//
// Reads: [Store] embeds a [Reader] whose every call sees what was committed when the call began; [Store.View] gives one
// snapshot for several reads. Writes: [Store.Update] runs a closure in one transaction. The closure may run more than
// once (a serialization failure, a neighbour's failure in a group commit), so it must not touch the network and must
// overwrite, not add to, what it hands to the outside. When Update returns nil the changes are on disk.
//
// An insert that meets an existing key answers an [*ExistsError] and leaves the transaction usable. A compare-and-set
// that lost answers [ErrConflict].
//
// Times are whole milliseconds. Text is UTF-8 without NUL and compares bytewise on both engines; a look-up of any other
// text finds nothing, a write of it is refused with [ErrText].
package store
