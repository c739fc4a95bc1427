// Package record is the stored form of the account's users, groups, roles, policies and
// identity providers: their documents, keys, unique ids and ARNs, and the managed policies of
// AWS that every account has.
//
// It reads and writes rows, and decides nothing about requests.
package record
