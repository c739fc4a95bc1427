// Package lists holds lists of addresses, networks and autonomous systems: those of files that an
// operator keeps, and those of a pool's risk configuration.
//
// A file has one entry on a line: an address, a network in CIDR notation, or an autonomous system
// as in AS64500. A number sign begins a comment. A file with a fault is refused as a whole, and
// the version before it stays in use.
package lists
