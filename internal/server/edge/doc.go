// Package edge wraps the handlers of a listener. It applies the limits of requests,
// describes each request (api.Request), finds the client's address behind trusted
// proxies, writes the line of the log, and counts. It also knows host names: those that
// a development server answers to, the web pages that may call it, and the parent host
// of login domains.
//
// It may import api, audit and keys. It reads neither settings nor the clock: package
// server passes both.
package edge
