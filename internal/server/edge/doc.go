// Package edge is what every request of a listener passes before and after its
// handler: its limits, its description (api.Request), the address of the client
// and the proxies that are believed about it, the line in the log and the counts.
// It also knows the names of hosts: which of them a development server answers
// to, which web pages may call it, and below which of them login domains are.
//
// It wraps handlers and knows none of them. It may import api, audit and keys, and
// reads neither settings nor the clock: package server hands both over.
package edge
