package server

import (
	"context"
	"encoding/json"
)

// personal carries out a request about the data of one person.
func (o *operator) personal(ctx context.Context, in ControlRequest) (ControlResponse, error) {
	if in.Do == EraseUser {
		report, err := o.services.privacy.Erase(ctx, in.Pool, in.Name, !in.KeepFile)
		return ControlResponse{Erasure: report}, err
	}
	doc, err := o.services.privacy.Export(ctx, in.Pool, in.Name)
	if err != nil {
		return ControlResponse{}, err
	}
	text, err := json.Marshal(doc)
	return ControlResponse{Person: text}, err
}
