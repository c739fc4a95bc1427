// Package oauth serves the OAuth 2.0 and OpenID Connect endpoints of a pool's
// domains: authorize, token, userInfo, revoke, register and logout.
//
// It parses, authenticates, decides and answers, and knows no HTML: pages ask it
// what an authorization request means ([Service.Authorization]) and end it with what
// a person proved ([Service.Complete]). Which domain a request is for is decided once
// ([Service.Route]); handlers find it by [SiteOf].
package oauth
