package server

import "cognate/internal/api"

//go:generate go run ./compat -root ../..

// codeNotBuilt is what an operation answers that is not there yet.
const codeNotBuilt = "UnsupportedOperationException"

func notBuilt(operation string) error {
	return api.NewError(codeNotBuilt, operation+" is not available in this version of Cognate")
}
