// Package geo looks addresses up in databases of places and of autonomous systems, in the MaxMind
// DB format: GeoLite2 and GeoIP2 of MaxMind, DB-IP Lite, and others with the same fields.
//
// The files are mapped into memory, not read. Replace a file by a rename, as geoipupdate does: the
// server maps the new file at the next check. A file that is written in place may have faults for
// a while. Its addresses then have no place.
package geo
