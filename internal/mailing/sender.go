package mailing

import (
	"context"
	"encoding/json"
	"errors"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/message"
	"cognate/internal/pool"
	"cognate/internal/trigger"
)

// functionCall is the input of a function that sends messages. It is stored with the
// message, sealed, until a worker of the outbox calls the function.
type functionCall struct {
	ARN            string            `json:"arn"`
	KMSKeyID       string            `json:"kmsKeyId"`
	Envelope       trigger.Envelope  `json:"envelope"`
	UserAttributes map[string]string `json:"userAttributes"`
	ClientMetadata map[string]string `json:"clientMetadata"`
}

// senderFunction returns the pool's function that sends messages of the medium, or "".
func senderFunction(sn *pool.Snapshot, medium string) (arn string) {
	t := sn.Triggers()
	switch {
	case medium == message.Email && t.CustomEmailSender != nil:
		return t.CustomEmailSender.LambdaArn
	case medium == message.SMS && t.CustomSMSSender != nil:
		return t.CustomSMSSender.LambdaArn
	}
	return ""
}

// senderOf returns the call of the pool's function that sends messages of the medium, or
// nil if the server sends them.
func senderOf(ctx context.Context, mail *Batch, to Recipient, medium string) (json.RawMessage, error) {
	arn := senderFunction(mail.Pool, medium)
	if arn == "" {
		return nil, nil
	}
	source := trigger.SourceCustomEmailSender
	if medium == message.SMS {
		source = trigger.SourceCustomSMSSender
	}
	call := functionCall{
		ARN: arn, KMSKeyID: api.Val(mail.Pool.Triggers().KMSKeyID),
		Envelope:       mail.Pool.Event(source+mail.Occasion, to.EventName, mail.ClientID),
		UserAttributes: to.EventAttributes(), ClientMetadata: mail.ToSender,
	}
	call.Envelope.SDKVersion = trigger.SDKVersion(api.RequestFrom(ctx).UserAgent)
	return json.Marshal(call)
}

// FunctionSender sends messages by the functions of their pools.
type FunctionSender struct{ Triggers *trigger.Service }

// maxFailures is how often a function that received the message may fail: it may have
// sent the message before (Lambda: an asynchronous event is tried three times).
const maxFailures = 3

// Send implements message.Sender.
func (f FunctionSender) Send(ctx context.Context, m message.Message) error {
	var call functionCall
	if err := json.Unmarshal(m.Function, &call); err != nil {
		return message.PermanentError{Err: err}
	}
	send := f.Triggers.CustomEmailSender
	if m.Medium == message.SMS {
		send = f.Triggers.CustomSMSSender
	}
	err := send(ctx, call.ARN, call.Envelope, trigger.CustomSenderRequest{
		UserAttributes: call.UserAttributes, ClientMetadata: call.ClientMetadata, Code: m.Code, KMSKeyID: call.KMSKeyID,
	})
	if err != nil && m.Attempts >= maxFailures && !wasNotReceived(err) {
		return message.PermanentError{Err: err}
	}
	return err
}

// wasNotReceived reports whether the function cannot have received the message. Then a
// retry may help while the message is still of use.
func wasNotReceived(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || api.CodeOf(err) == idp.CodeUserLambdaValidationException {
		return false
	}
	return true
}

// FunctionOf returns the function that a message was handed to, or "".
func FunctionOf(m message.Message) string {
	var call functionCall
	if m.Function == nil || json.Unmarshal(m.Function, &call) != nil {
		return ""
	}
	return call.ARN
}
