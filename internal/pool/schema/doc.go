// Package schema has the attributes of a user pool: the standard ones, the rules by
// which an administrator changes them and adds custom ones, and the types and bounds
// of their values.
//
// Its functions are pure. It stores nothing, and it knows neither users nor app
// clients: package pool keeps the schema among a pool's settings, and package user
// holds the attributes of users to it.
package schema
