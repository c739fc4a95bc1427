package protection

import (
	"context"
	"errors"
	"strconv"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/pool/logs"
	"cognate/internal/store"
)

// A logEntry is what the record of an event in the pool's log has besides the event.
type logEntry struct {
	poolID, userID, username, requestID string
}

// openLog returns what the record of a user's event needs; nil if the pool has no log of events. An empty username is read.
func (s *Service) openLog(ctx context.Context, sn *pool.Snapshot, userID, username string) (*logEntry, error) {
	if s.deps.Logs == nil {
		return nil, nil
	}
	wanted, err := s.deps.Logs.Wants(ctx, sn, idp.EventSourceNameUserAuthEvents)
	if err != nil || !wanted {
		return nil, err
	}
	return s.newLogEntry(ctx, sn.ID, userID, username)
}

// openFeedbackLog is openLog for feedback.
func (s *Service) openFeedbackLog(ctx context.Context, f Feedback) (*logEntry, error) {
	if s.deps.Logs == nil {
		return nil, nil
	}
	wanted, err := s.deps.Logs.WantsOf(ctx, f.PoolID, idp.EventSourceNameUserAuthEvents)
	if err != nil || !wanted {
		return nil, err
	}
	return s.newLogEntry(ctx, f.PoolID, f.UserID, "")
}

func (s *Service) newLogEntry(ctx context.Context, poolID, userID, username string) (*logEntry, error) {
	if username == "" {
		u, err := s.deps.Store.User(ctx, poolID, userID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		username = u.Username
	}
	return &logEntry{poolID: poolID, userID: userID, username: username, requestID: api.RequestFrom(ctx).ID}, nil
}

// decisions are the texts of decisions in logs. Cognito's documentation shows only PASS.
var decisions = map[idp.RiskDecisionType]string{
	idp.RiskDecisionTypeNoRisk: "PASS", idp.RiskDecisionTypeAccountTakeover: "ACCOUNT_TAKEOVER", idp.RiskDecisionTypeBlock: "BLOCK",
}

// message returns the message of the record.
func (l *logEntry) message(eventID string, d *document) *logs.AuthEvent {
	out := &logs.AuthEvent{
		EventID: eventID, EventType: string(d.Type), UserSub: l.userID, UserName: l.username, UserPoolID: l.poolID, ClientID: d.Client,
		CreationDate: logs.Date(keys.TimeOfUUID(eventID)), EventResponse: string(d.Response), RiskLevel: string(d.Level), RiskDecision: decisions[d.Decision],
		DeviceName: d.Device, Address: d.Address, RequestID: l.requestID, Compromised: strconv.FormatBool(d.Compromised),
		City: d.City, Country: d.Country, HasContextData: strconv.FormatBool(d.HasContext),
	}
	for _, c := range d.Challenges {
		out.Challenges = append(out.Challenges, string(c.Name)+":"+string(c.Response))
	}
	if f := d.Feedback; f != nil {
		out.FeedbackValue, out.FeedbackProvider, out.FeedbackDate = string(f.Value), f.Provider, logs.Date(time.UnixMilli(f.At))
	}
	return out
}

// write adds the record of an event to the pool's log. It does nothing for a nil entry. It may run more than once.
func (l *logEntry) write(ctx context.Context, tx *store.Tx, s *Service, eventID string, d *document) error {
	if l == nil {
		return nil
	}
	return s.deps.Logs.PutAuthEvent(ctx, tx, s.now(), l.message(eventID, d))
}

// writeDecoy does the work of write for a user who does not exist.
func (l *logEntry) writeDecoy(ctx context.Context, tx *store.Tx, s *Service, place uint8, eventID string, d *document) error {
	if l == nil {
		return nil
	}
	return s.deps.Logs.PutDecoy(ctx, tx, s.now(), place, l.message(eventID, d))
}
