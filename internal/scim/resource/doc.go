// Package resource has the documents of SCIM 2.0 (RFC 7643, RFC 7644) as pure
// functions: it parses, changes, renders, filters and describes users and groups. It
// knows no store, no request and no user of a pool.
//
// It may read schemas, and it validates every text that a directory sends. It may not
// do input or output, and it may not decide which user a document belongs to.
//
// Directories deviate from the standards in documented ways. The functions accept these
// deviations: the operation names and texts of Microsoft Entra ID, the id in changes of
// Okta, single values in place of lists. They refuse what is ambiguous.
package resource
