// Package deploy creates the resources of a CloudFormation template in a development server, and keeps
// them as the template has them: user pools and what belongs to them, identity pools, roles, and the
// functions that user pools call.
//
// It works through the operations of the API, so that its rules are those of the API. It remembers what
// it has made, so that a changed template changes only what differs. If a change fails, it takes back
// what it has done.
package deploy
