package logs

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/store"
)

// A record is a record of a log (Cognito: Exporting logs from user pools).
type record struct {
	// Timestamp is in milliseconds.
	Timestamp string   `json:"eventTimestamp"`
	Source    string   `json:"eventSource"`
	Level     string   `json:"logLevel"`
	Message   any      `json:"message"`
	ID        sourceID `json:"logSourceId"`
}

type sourceID struct {
	UserPoolID string `json:"userPoolId"`
}

// Event sources as records name them.
const (
	recordNotification = "USER_NOTIFICATION"
	recordActivity     = "USER_ACTIVITY"
)

// An AuthEvent is the message of a record about an event of threat protection. All values but Challenges are texts.
type AuthEvent struct {
	Version          string   `json:"version"`
	EventID          string   `json:"eventId"`
	EventType        string   `json:"eventType"`
	UserSub          string   `json:"userSub"`
	UserName         string   `json:"userName"`
	UserPoolID       string   `json:"userPoolId"`
	ClientID         string   `json:"clientId"`
	CreationDate     string   `json:"creationDate"`
	EventResponse    string   `json:"eventResponse"`
	RiskLevel        string   `json:"riskLevel"`
	RiskDecision     string   `json:"riskDecision"`
	Challenges       []string `json:"challenges"`
	DeviceName       string   `json:"deviceName"`
	Address          string   `json:"ipAddress"`
	RequestID        string   `json:"requestId"`
	Provider         string   `json:"idpName"`
	Compromised      string   `json:"compromisedCredentialDetected"`
	City             string   `json:"city"`
	Country          string   `json:"country"`
	FeedbackValue    string   `json:"eventFeedbackValue"`
	FeedbackDate     string   `json:"eventFeedbackDate"`
	FeedbackProvider string   `json:"eventFeedbackProvider"`
	HasContextData   string   `json:"hasContextData"`
}

// dateFormat is that of dates in messages, in UTC.
const dateFormat = "Mon Jan 02 15:04:05 MST 2006"

// Date returns a time as messages have it; "" for none.
func Date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(dateFormat)
}

// PutAuthEvent writes the record of an event, at the time of the pool's clock. The caller has asked Wants. It may run more
// than once.
func (s *Service) PutAuthEvent(ctx context.Context, tx *store.Tx, at time.Time, e *AuthEvent) error {
	body, err := activity(at, e)
	if err != nil {
		return err
	}
	return tx.PutLogRecord(ctx, s.row(e.UserPoolID, e.UserSub, idp.EventSourceNameUserAuthEvents, body))
}

// PutDecoy writes as PutAuthEvent does for a user who does not exist, so that the time does not tell. The record is never
// delivered. place is one of a few of the pool.
func (s *Service) PutDecoy(ctx context.Context, tx *store.Tx, at time.Time, place uint8, e *AuthEvent) error {
	body, err := activity(at, e)
	if err != nil {
		return err
	}
	return tx.PutLogOfNobody(ctx, e.UserPoolID, place, body)
}

func activity(at time.Time, e *AuthEvent) ([]byte, error) {
	e.Version = "1"
	if e.Challenges == nil {
		e.Challenges = []string{}
	}
	return encode(at, e.UserPoolID, recordActivity, idp.LogLevelInfo, e)
}

// PutNotification writes the record of a message that was not delivered to a user.
func (s *Service) PutNotification(ctx context.Context, tx *store.Tx, at time.Time, poolID, userID, details string) error {
	body, err := encode(at, poolID, recordNotification, idp.LogLevelError, map[string]string{"details": details})
	if err != nil {
		return err
	}
	return tx.PutLogRecord(ctx, s.row(poolID, userID, idp.EventSourceNameUserNotification, body))
}

func encode(at time.Time, poolID, source string, level idp.LogLevel, message any) ([]byte, error) {
	b, err := json.Marshal(record{strconv.FormatInt(at.UnixMilli(), 10), source, string(level), message, sourceID{poolID}})
	if err != nil {
		return nil, fmt.Errorf("pool/logs: record: %w", err)
	}
	return b, nil
}

// row returns a row of the store. Rows of one process have the order in which they were made, also within a millisecond.
func (s *Service) row(poolID, userID string, source idp.EventSourceName, body []byte) store.LogRecord {
	return store.LogRecord{
		PoolID: poolID, Source: string(source), At: s.deps.Now(), ID: fmt.Sprintf("%012x-%s", s.sequence.Add(1), keys.NewUUID()[:8]), UserID: userID, Body: body,
	}
}
