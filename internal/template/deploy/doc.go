// Package deploy creates the resources of a CloudFormation template in a development server, and keeps
// them as the template has them: user pools and what belongs to them, identity pools, roles, and the
// functions that user pools call.
//
// It calls the operations of the API, so that the rules of the API apply. It keeps a record of each
// resource, so that a changed template changes only what differs. If a change fails, it undoes what it
// has done.
package deploy
