// Code generated from docs/compatibility.yaml by test/compat; DO NOT EDIT.

package server

import (
	"context"

	"cognate/internal/api"
	"cognate/internal/api/idp"
)

// unimplemented has a method for each operation of cognito-idp that no service has yet.
// Where one does get it, composing both does not compile until
// docs/compatibility.yaml says so.
type unimplemented struct{}

func (unimplemented) CreateUserPoolReplica(context.Context, *idp.CreateUserPoolReplicaRequest) (*idp.CreateUserPoolReplicaResponse, error) {
	return nil, api.Unimplemented("CreateUserPoolReplica")
}

func (unimplemented) DeleteUserPoolReplica(context.Context, *idp.DeleteUserPoolReplicaRequest) (*idp.DeleteUserPoolReplicaResponse, error) {
	return nil, api.Unimplemented("DeleteUserPoolReplica")
}

func (unimplemented) ListUserPoolReplicas(context.Context, *idp.ListUserPoolReplicasRequest) (*idp.ListUserPoolReplicasResponse, error) {
	return nil, api.Unimplemented("ListUserPoolReplicas")
}

func (unimplemented) UpdateUserPoolReplica(context.Context, *idp.UpdateUserPoolReplicaRequest) (*idp.UpdateUserPoolReplicaResponse, error) {
	return nil, api.Unimplemented("UpdateUserPoolReplica")
}
