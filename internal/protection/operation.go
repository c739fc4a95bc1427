package protection

import (
	"cmp"
	"context"
	"strings"

	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/risk/score"
)

// An Operation is a request about a user's account, other than a sign-in. It is rated and recorded. The rating never refuses
// it.
type Operation struct {
	Pool   *pool.Snapshot
	Client *pool.Client
	Type   idp.EventType
	// Continues is the id of the event that the operation goes on with; "" for an event of its own.
	Continues string
	// EventID is the id of an event of its own; "" draws one.
	EventID string
	// UserID is the sub. Names are the name that was typed and those that the user has.
	UserID string
	Names  []string
	// Username is the user's.
	Username string
	// IsNew is true for the sign-up of a user, and Decoy for a name that has no user.
	IsNew, Decoy bool
	Source       Source
}

// operationNames are the names of operations in metrics. Others are not counted.
var operationNames = map[idp.EventType]string{idp.EventTypeSignUp: "SignUp", idp.EventTypePasswordChange: "PasswordChange"}

// Observe returns the rated event of an operation. It returns nil if the pool has no threat protection. The caller must write the event,
// which is InProgress until End.
func (s *Service) Observe(ctx context.Context, op *Operation) (*Event, error) {
	if !On(op.Pool, false) {
		return nil, nil
	}
	settings, err := s.deps.Settings.For(ctx, op.Pool, op.Client.ID)
	if err != nil {
		return nil, err
	}
	in := &SignIn{
		Pool: op.Pool, Client: op.Client, EventID: cmp.Or(op.EventID, keys.NewTimeUUID(s.now())), UserID: op.UserID,
		Names: op.Names, Decoy: op.Decoy, Source: op.Source,
	}
	e := &Event{service: s, in: in, settings: settings, dirty: true}
	e.doc = document{
		Version: documentVersion, Client: in.Client.ID, Type: op.Type, Response: idp.EventResponseTypeInProgress,
		Decision: idp.RiskDecisionTypeNoRisk, Address: in.Source.Address, HasContext: in.Source.EncodedData != "",
	}
	if e.log, err = s.openLog(ctx, in.Pool, in.UserID, op.Username); err != nil {
		return nil, err
	}
	attempt := e.describe()
	if err := e.rate(ctx, op, attempt); err != nil {
		return nil, err
	}
	if op.Continues != "" {
		if err := e.continues(ctx, op.Continues); err != nil {
			return nil, err
		}
	}
	audit.From(ctx).SetRisk(e.in.EventID, e.Summary())
	return e, nil
}

// rate computes the risk. A new user has no history.
func (e *Event) rate(ctx context.Context, op *Operation, a *score.Attempt) error {
	history, previous := &score.History{}, score.Previous{}
	if !op.IsNew {
		var err error
		if history, previous, err = e.readPast(ctx); err != nil {
			return err
		}
	}
	if e.settings.Skipped.Contains(e.address) {
		return nil
	}
	scoring, err := e.service.scoring(ctx, op.Pool)
	if err != nil {
		return err
	}
	e.rating = score.Evaluate(scoring, history, previous, a)
	e.doc.Score, e.doc.Level = e.rating.Score, idp.RiskLevelType(e.rating.Level.String())
	if e.rating.Level == score.LevelNone {
		return nil
	}
	e.doc.Decision = idp.RiskDecisionTypeAccountTakeover
	if name := operationNames[op.Type]; name != "" {
		e.service.deps.Count(audit.AccountTakeoverRisk, name, strings.ToLower(e.rating.Level.String()), op.Pool.ID)
	}
	return nil
}

// continues merges the event into the earlier event with this id, if there is one. The origin of the earlier event stays,
// and the higher of both ratings.
func (e *Event) continues(ctx context.Context, id string) error {
	old, err := e.service.Read(ctx, e.in.Pool, e.in.UserID, id)
	if err != nil || old == nil {
		return err
	}
	e.in.EventID = id
	doc := old.doc
	if e.doc.Score > doc.Score {
		doc.Score, doc.Level, doc.Decision = e.doc.Score, e.doc.Level, e.doc.Decision
	}
	e.doc = doc
	return nil
}

// End records how the operation ended.
func (e *Event) End(passed bool) {
	if e == nil {
		return
	}
	e.doc.Response, e.dirty = idp.EventResponseTypeFail, true
	if passed {
		e.doc.Response = idp.EventResponseTypePass
	}
}

// FoundCompromised records that attackers know the password.
func (e *Event) FoundCompromised() {
	if e != nil {
		e.doc.Compromised, e.dirty = true, true
	}
}

// Compromised reports whether attackers know the password.
func (e *Event) Compromised() bool { return e != nil && e.doc.Compromised }
