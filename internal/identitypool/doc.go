// Package identitypool has the identity pools (Cognito: identity pools): who a person is to AWS's
// services. It verifies logins, keeps the identities that they lead to, chooses roles, and issues
// the OpenID tokens of identities.
//
// It knows no signatures of requests and no policies: package iam and those below it do.
package identitypool
