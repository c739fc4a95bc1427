// Package branding keeps what customises the login pages of a user pool: the CSS and logo of classic pages, the styles and
// assets of managed login, and the links to terms documents.
//
// It may import package pool and what pool may import; pool must not import it. It checks all that an administrator
// sends, because browsers of other people show it. Appearance returns what applies to one app client; the pages
// themselves are elsewhere.
package branding
