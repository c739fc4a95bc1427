// Package account is the IAM API: the operations on the account's users, groups, roles,
// policies, access keys and identity providers, and the policy simulator.
//
// It checks names, documents, quotas and references, and answers with AWS's texts. Package iam
// above it decides requests by what is stored here. The package knows no signatures and no
// sessions.
package account
