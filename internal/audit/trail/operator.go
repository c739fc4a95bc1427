package trail

import (
	"context"
	"encoding/json"
	"time"

	"cognate/internal/store"
)

// sourceOperator is the event source of commands on the machine.
const sourceOperator = "operator.cognate"

// A Command is a command of an operator on the machine that changes something.
type Command struct {
	Name   string
	PoolID string
	// Error says that the command failed, and why.
	Error string
	// Facts are further facts, none of which is secret.
	Facts map[string]string
	At    time.Time
}

// RecordCommand stores the record of a command.
func (t *Trail) RecordCommand(ctx context.Context, c *Command) error {
	if t == nil {
		return nil
	}
	facts, err := json.Marshal(c.Facts)
	if err != nil {
		return err
	}
	e := &store.AuditEvent{At: c.At, Kind: KindOperator, Source: sourceOperator, Name: c.Name, PoolID: clip(c.PoolID)}
	d := &details{Account: t.deps.AccountID, Identity: json.RawMessage(`{"type":"Operator","accountId":"` + t.deps.AccountID + `"}`), Service: facts}
	if c.Error != "" {
		e.Error, d.ErrorMessage = "Failed", clip(c.Error)
	}
	seal(e, d, &personal{SourceIP: sourceOperator})
	return t.write(ctx, e, true)
}
