// Package scim serves SCIM 2.0 (RFC 7643, RFC 7644): a company's directory adds, changes and
// removes the people of an identity provider, and the groups that it makes for them.
//
// A directory belongs to one provider of one user pool. It sees and changes only the resources
// that it has made itself. A user resource stands for the user who signs in at the provider under
// the same name. A group resource stands for a group of the pool. Package user/identities changes
// the user, and package scim/resource reads and changes the documents.
package scim
