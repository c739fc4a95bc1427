// Package login serves the pages on which a person signs in, signs up and recovers an
// account, on the domains of pools.
//
// A page is a row of a table (pages.go): a path, a template, what it shows and what
// its form does. A page drives the same engine as the API ([signin.Service]) and ends
// in what the authorization request asks for ([oauth.Service.Complete]): it knows no
// grants and no factors. Templates, styles and scripts are files below templates and
// static. Another table (previewstates.go) has the states of every page, for the preview
// of development servers.
package login
