package trigger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/outbound"
)

// The triggers, as error texts name them.
const (
	PreSignUp                   = "PreSignUp"
	PostConfirmation            = "PostConfirmation"
	PreAuthentication           = "PreAuthentication"
	PostAuthentication          = "PostAuthentication"
	PreTokenGeneration          = "PreTokenGeneration"
	DefineAuthChallenge         = "DefineAuthChallenge"
	CreateAuthChallenge         = "CreateAuthChallenge"
	VerifyAuthChallengeResponse = "VerifyAuthChallengeResponse"
	UserMigration               = "UserMigration"
	CustomMessage               = "CustomMessage"
	CustomEmailSender           = "CustomEmailSender"
	CustomSMSSender             = "CustomSMSSender"
	InboundFederation           = "InboundFederation"
)

// Limits on a call.
const (
	// Timeout is how long a function has to answer (Cognito: 5 seconds).
	Timeout = 5 * time.Second
	// SenderTimeout is how long a custom sender has. No client waits for it.
	SenderTimeout = 30 * time.Second
	// MaxAttempts is the largest value of Deps.Attempts (Cognito: three in all).
	MaxAttempts = 3

	maxErrorText = 1 << 10
)

// Texts of the exceptions.
const (
	textUnrecognizable = "Unrecognizable lambda output"
	textInvalidJSON    = "Invalid lambda function output : Invalid JSON"
	textTimeout        = "Socket timeout while invoking Lambda function"
)

// Deps are what the service is built from.
type Deps struct {
	// Transport runs the functions: a [*Router] in the server.
	Transport Transport
	// Keys encrypts the codes that custom senders get. Nil: there are no keys.
	Keys *SenderKeys
	// Attempts is how often a call is tried if the function did not answer or could
	// not be reached. 0 means 1, since a silent function may have done its work.
	Attempts int
	// Strict rejects answers without the event's envelope, as Cognito does. Without
	// Strict they are accepted with a warning.
	Strict bool
	// Timeout replaces the limit of 5 seconds; 0 keeps it.
	Timeout time.Duration
	Now     func() time.Time
	Log     *slog.Logger
	Metrics *audit.Metrics // may be nil
}

// A Service calls functions. Its methods are safe for concurrent use.
type Service struct{ deps Deps }

// New builds the service.
func New(d Deps) *Service {
	d.Attempts = min(max(d.Attempts, 1), MaxAttempts)
	if d.Timeout == 0 {
		d.Timeout = Timeout
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{d}
}

// call is one call of a trigger.
type call struct {
	trigger  string
	arn      string
	envelope Envelope
	request  any
	response string // pre-filled
}

// run calls the function and passes the response of its answer to read. read
// returns an error if the response cannot be used.
func (s *Service) run(ctx context.Context, c call, read func(members) error) error {
	if c.envelope.SDKVersion == "" {
		c.envelope.SDKVersion = SDKVersion(api.RequestFrom(ctx).UserAgent)
	}
	payload, err := c.envelope.encode(c.request, c.response)
	if err != nil {
		return fmt.Errorf("trigger: %s event: %w", c.trigger, err)
	}
	began := s.deps.Now()
	called, end := audit.Span(ctx, "trigger "+c.trigger)
	res, err := s.invoke(called, Invocation{ARN: c.arn, Payload: payload})
	end(err)
	took := s.deps.Now().Sub(began)
	audit.From(ctx).TriggerRan(c.envelope.Source, took)
	s.deps.Metrics.TriggerCall(c.trigger, err == nil && !res.Failed, took)
	if err != nil {
		return s.refused(ctx, c, err)
	}
	if res.Failed {
		return functionFailed(c.trigger, res.Payload)
	}
	answer, whole, err := readAnswer(res.Payload)
	switch {
	case errors.Is(err, errNotJSON):
		return idp.InvalidLambdaResponseException(textInvalidJSON).WithCause(err)
	case err == nil && !whole && s.deps.Strict:
		err = errors.New("the answer lost the event's envelope")
	case err == nil && !whole:
		s.deps.Log.WarnContext(ctx, "a trigger's answer lost the event's envelope: Cognito would refuse it; return the whole event",
			slog.String("trigger", c.trigger), slog.String("function", c.arn))
	}
	if err == nil {
		err = read(answer)
	}
	if err == nil {
		err = *answer.err
	}
	if err != nil {
		return idp.InvalidLambdaResponseException(textUnrecognizable).WithCause(fmt.Errorf("trigger: %s: %w", c.trigger, err))
	}
	return nil
}

// invoke makes the attempts, each within the time limit.
func (s *Service) invoke(ctx context.Context, in Invocation) (Result, error) {
	if len(in.Payload) > MaxPayload {
		return Result{}, &InvokeError{Name: NameRequestTooLarge, Err: fmt.Errorf("the event has %d bytes", len(in.Payload))}
	}
	in.ID = uuid.NewString()
	var res Result
	var err error
	for range s.deps.Attempts {
		res, err = s.attempt(ctx, in)
		if err == nil || ctx.Err() != nil {
			break
		}
		if e, ok := errors.AsType[*InvokeError](err); ok && !e.Retry && !timedOut(err) {
			break
		}
	}
	if err == nil && len(res.Payload) > MaxPayload {
		return Result{}, &InvokeError{Name: NameResponseTooLarge, Err: fmt.Errorf("the answer has more than %d bytes", MaxPayload)}
	}
	return res, err
}

func (s *Service) attempt(ctx context.Context, in Invocation) (Result, error) {
	limit := s.deps.Timeout
	if in.Async {
		limit = max(limit, SenderTimeout)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return s.deps.Transport.Invoke(ctx, in)
}

// refused returns the exception for a function that could not be run.
func (s *Service) refused(ctx context.Context, c call, err error) error {
	err = outbound.Clean(err)
	audit.From(ctx).TriggerFailed(c.envelope.Source, err)
	s.deps.Log.WarnContext(ctx, "a trigger's function could not be run",
		slog.String("trigger", c.trigger), slog.String("function", c.arn), slog.Any("error", err))
	name := NameUnreachable
	if e, ok := errors.AsType[*InvokeError](err); ok {
		name = e.Name
	}
	if timedOut(err) {
		name = textTimeout
	}
	return idp.UnexpectedLambdaExceptionf("%s invocation failed due to error %s.", c.trigger, name).WithCause(err)
}

// functionFailed returns the exception for a function that threw. The client sees
// the function's message: that is how functions refuse users.
func functionFailed(trigger string, payload []byte) error {
	return idp.UserLambdaValidationExceptionf("%s failed with error %s.", trigger, errorMessage(payload))
}

// errorMessage returns the errorMessage of an error object, or "null".
func errorMessage(payload []byte) string {
	m, err := object(payload)
	if err != nil {
		return "null"
	}
	raw, ok := m["errorMessage"]
	if !ok {
		return "null"
	}
	text := string(raw)
	var s *string
	if json.Unmarshal(raw, &s) == nil && s != nil {
		text = *s
	}
	return truncate(strings.ToValidUTF8(text, "\uFFFD"), maxErrorText)
}

// truncate cuts s to at most limit bytes, between characters.
func truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
