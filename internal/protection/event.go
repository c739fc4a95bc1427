package protection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/pool/risksettings"
	"cognate/internal/risk/contextdata"
	"cognate/internal/risk/score"
	"cognate/internal/store"
)

// An Event is a monitored event of a user. It is changed in memory, and Write stores it. It belongs to one call. The methods
// that change it and write it do nothing for a nil event.
type Event struct {
	// Verdict says what has to follow. It is empty for an event that was read.
	Verdict Verdict

	service    *Service
	in         *SignIn
	settings   *risksettings.Settings
	scoring    score.Settings
	doc        document
	rating     score.Result
	address    netip.Addr
	attempt    *score.Attempt
	history    *score.History
	log        *logEntry            // nil: the pool has no log of events
	historyRow *store.SignInHistory // to be written, once learned is true
	learned    bool
	dirty      bool // Write has something to do
	notified   bool // the first Write has committed, which notifies
}

const documentVersion = 1

// document is the stored form of an event. Its JSON names must not change.
type document struct {
	Version     int                   `json:"v"`
	Client      string                `json:"c"`
	Type        idp.EventType         `json:"t"`
	Response    idp.EventResponseType `json:"r"`
	Decision    idp.RiskDecisionType  `json:"d"`
	Level       idp.RiskLevelType     `json:"l,omitempty"`
	Score       int                   `json:"s,omitempty"`
	Compromised bool                  `json:"w,omitempty"`
	Challenges  []Challenge           `json:"x,omitempty"`
	Address     string                `json:"a,omitempty"`
	Device      string                `json:"n,omitempty"`
	Timezone    string                `json:"z,omitempty"`
	City        string                `json:"y,omitempty"`
	Country     string                `json:"o,omitempty"`
	Feedback    *feedback             `json:"f,omitempty"`
	// Keys, Place, Hosting and Context are what the engine learns from.
	Keys       score.Keys         `json:"k"`
	Place      *place             `json:"p,omitempty"`
	Hosting    bool               `json:"h,omitempty"`
	Context    contextdata.Status `json:"e,omitempty"`
	HasContext bool               `json:"i,omitempty"`
}

type place struct {
	Latitude  float64 `json:"y"`
	Longitude float64 `json:"x"`
	Radius    uint16  `json:"r,omitempty"`
	HasPoint  bool    `json:"h,omitempty"`
	ASN       uint32  `json:"a,omitempty"`
}

// feedback is what somebody said about an event.
type feedback struct {
	Value    idp.FeedbackValueType `json:"v"`
	Provider string                `json:"p"`
	At       int64                 `json:"t"`
}

func parseDocument(b []byte) (*document, error) {
	d := &document{}
	if err := json.Unmarshal(b, d); err != nil {
		return nil, fmt.Errorf("protection: event: %w", err)
	}
	return d, nil
}

// isLastPlace reports whether the event can say where the user was last: it is a sign-in that ended well, and nobody has
// said that it was not the user.
func (d *document) isLastPlace() bool {
	return d.Type == idp.EventTypeSignIn && d.Response == idp.EventResponseTypePass && (d.Feedback == nil || d.Feedback.Value != idp.FeedbackValueTypeInvalid)
}

// Read reads the event of a sign-in that goes on. It returns nil if there is no event.
func (s *Service) Read(ctx context.Context, sn *pool.Snapshot, userID, eventID string) (*Event, error) {
	row, err := s.deps.Store.AuthEvent(ctx, sn.ID, userID, eventID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	doc, err := parseDocument(row.Doc)
	if err != nil {
		return nil, err
	}
	log, err := s.openLog(ctx, sn, userID, "")
	if err != nil {
		return nil, err
	}
	return &Event{service: s, in: &SignIn{Pool: sn, UserID: userID, EventID: eventID}, doc: *doc, log: log}, nil
}

// Dirty reports whether there is something to write. A nil event is not dirty.
func (e *Event) Dirty() bool { return e != nil && e.dirty }

// Join returns onCommit, which leaves a write to a commit of the caller, if the event has to be written, too. It returns nil
// if the caller may have no commit to make.
func (e *Event) Join(onCommit func(write func(tx *store.Tx) error)) func(write func(tx *store.Tx) error) {
	if e.Dirty() {
		return onCommit
	}
	return nil
}

// maxChallenges bounds the list of answers: a session of a second factor takes ten.
const maxChallenges = 20

// Answered records the answer to a second factor. A wrong answer makes the event a failure until a right one follows.
func (e *Event) Answered(right bool) {
	if e == nil {
		return
	}
	c := Challenge{Name: idp.ChallengeNameMfa, Response: idp.ChallengeResponseFailure}
	e.doc.Response = idp.EventResponseTypeFail
	if right {
		c.Response = idp.ChallengeResponseSuccess
		e.doc.Response = idp.EventResponseTypeInProgress
	}
	if len(e.doc.Challenges) < maxChallenges {
		e.doc.Challenges = append(e.doc.Challenges, c)
	}
	e.dirty = true
}

// Abandon records that the sign-in ended without success.
func (e *Event) Abandon() {
	if e != nil && e.doc.Response != idp.EventResponseTypeFail {
		e.doc.Response, e.learned, e.dirty = idp.EventResponseTypeFail, false, true
	}
}

// Pass records that the user has signed in. mfa is true if the user passed a second factor. The history learns from it.
func (e *Event) Pass(ctx context.Context, mfa bool) error {
	if e == nil {
		return nil
	}
	e.doc.Response = idp.EventResponseTypePass
	e.dirty = true
	if e.history == nil && e.attempt == nil { // The event was read: the sign-in began in another call.
		if err := e.readHistory(ctx); err != nil {
			return err
		}
		e.attempt = &score.Attempt{Time: e.service.now(), Keys: e.doc.Keys, Context: e.doc.Context}
	}
	if e.history != nil {
		e.learned = e.history.Learn(e.attempt, score.Outcome{Success: true, MFA: mfa})
	}
	return nil
}

// decoyPlaces is how many rows of a pool are for users who do not exist: enough that writes seldom meet in one.
const decoyPlaces = 64

// decoyPlace returns the row of the event of a user who does not exist.
func (e *Event) decoyPlace() uint8 {
	h := e.service.deps.Ring.Hash(salt, []byte(e.in.EventID))
	return h[0] % decoyPlaces
}

// row returns a text by which the rows of events can be put in an order.
func (e *Event) row() string {
	if e.in.Decoy {
		return string(rune(e.decoyPlace()))
	}
	return e.in.UserID + e.in.EventID
}

// Write stores the event and what was learned from it. It may run more than once.
func (e *Event) Write(ctx context.Context, tx *store.Tx) error {
	if !e.Dirty() {
		return nil
	}
	doc, err := json.Marshal(&e.doc)
	if err != nil {
		return fmt.Errorf("protection: event: %w", err)
	}
	begun := keys.TimeOfUUID(e.in.EventID)
	if begun.IsZero() {
		begun = e.service.now()
	}
	expires := begun.Add(e.service.deps.Keep)
	if e.in.Decoy {
		place := e.decoyPlace()
		if err := e.log.writeDecoy(ctx, tx, e.service, place, e.in.EventID, &e.doc); err != nil {
			return err
		}
		return tx.PutDecoyEvent(ctx, e.in.Pool.ID, place, expires, doc)
	}
	if err := e.log.write(ctx, tx, e.service, e.in.EventID, &e.doc); err != nil {
		return err
	}
	err = tx.PutAuthEvent(ctx, store.AuthEvent{
		PoolID: e.in.Pool.ID, UserID: e.in.UserID, ID: e.in.EventID, ExpiresAt: expires,
		Succeeded: e.doc.isLastPlace(), Doc: doc,
	})
	if err == nil && !e.notified {
		err = e.notify(ctx, tx)
	}
	if err != nil || !e.learned {
		return err
	}
	row := *e.historyRow
	row.Doc = e.history.Append(nil)
	err = tx.PutSignInHistory(ctx, row)
	if errors.Is(err, store.ErrConflict) { // Another sign-in taught the history at the same time.
		return nil
	}
	return err
}

// Written says that the transaction of Write has committed.
func (e *Event) Written() {
	if e == nil {
		return
	}
	if e.Verdict.Notify != "" && !e.notified && e.service.deps.Mail != nil {
		e.service.deps.Mail.Wake()
	}
	e.dirty, e.learned, e.notified = false, false, true
}

// Summary describes the rating for the operator's log: the score, and the points of each signal. It is "" for an event
// that was not rated, or without risk.
func (e *Event) Summary() string {
	if e.rating.Score == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(strconv.Itoa(e.rating.Score))
	for signal, points := range e.rating.Parts() {
		fmt.Fprintf(&b, " %s:%d", signal, points)
	}
	return b.String()
}

// shape returns the event as administrators see it.
func (d *document) shape(id string) idp.AuthEventType {
	out := idp.AuthEventType{
		EventId: &id, EventType: d.Type, CreationDate: keys.TimeOfUUID(id), EventResponse: d.Response,
		EventRisk:        &idp.EventRiskType{RiskDecision: d.Decision, RiskLevel: d.Level, CompromisedCredentialsDetected: &d.Compromised},
		EventContextData: &idp.EventContextDataType{IpAddress: text(d.Address), DeviceName: text(d.Device), Timezone: text(d.Timezone), City: text(d.City), Country: text(d.Country)},
	}
	for _, c := range d.Challenges {
		out.ChallengeResponses = append(out.ChallengeResponses, idp.ChallengeResponseType{ChallengeName: c.Name, ChallengeResponse: c.Response})
	}
	if f := d.Feedback; f != nil {
		out.EventFeedback = &idp.EventFeedbackType{FeedbackValue: f.Value, Provider: f.Provider, FeedbackDate: time.UnixMilli(f.At).UTC()}
	}
	return out
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
