package protection

import (
	"context"
	"time"

	"cognate/internal/keys"
	"cognate/internal/risk/score"
	"cognate/internal/store"
)

// An EventRecord is an event as an export of a person's data shows it.
type EventRecord struct {
	ID          string      `json:"eventId"`
	Type        string      `json:"type"`
	At          time.Time   `json:"at"`
	AppClient   string      `json:"appClient,omitempty"`
	Response    string      `json:"response"`
	Risk        string      `json:"riskLevel,omitempty"`
	Score       int         `json:"riskScore,omitempty"`
	Decision    string      `json:"decision,omitempty"`
	Compromised bool        `json:"passwordWasCompromised"`
	Address     string      `json:"address,omitempty"`
	Device      string      `json:"device,omitempty"`
	Timezone    string      `json:"timezone,omitempty"`
	City        string      `json:"city,omitempty"`
	Country     string      `json:"country,omitempty"`
	Latitude    float64     `json:"latitude,omitempty"`
	Longitude   float64     `json:"longitude,omitempty"`
	Challenges  []Challenge `json:"challenges,omitempty"`
	Feedback    string      `json:"feedback,omitempty"`
	ExpiresAt   time.Time   `json:"deletedAfter"`
}

// eventPage is how many events are read at a time.
const eventPage = 500

// EventsOfUser lists all events of a user, the newest first.
func EventsOfUser(ctx context.Context, r *store.Reader, poolID, userID string) ([]EventRecord, error) {
	var list []EventRecord
	for before := ""; ; {
		page, err := r.AuthEvents(ctx, poolID, userID, before, eventPage)
		if err != nil {
			return nil, err
		}
		for _, row := range page {
			d, err := parseDocument(row.Doc)
			if err != nil {
				return nil, err
			}
			e := EventRecord{
				ID: row.ID, Type: string(d.Type), At: keys.TimeOfUUID(row.ID), AppClient: d.Client, Response: string(d.Response), Risk: string(d.Level),
				Score: d.Score, Decision: string(d.Decision), Compromised: d.Compromised, Address: d.Address, Device: d.Device, Timezone: d.Timezone,
				City: d.City, Country: d.Country, Challenges: d.Challenges, ExpiresAt: row.ExpiresAt,
			}
			if d.Place != nil {
				e.Latitude, e.Longitude = d.Place.Latitude, d.Place.Longitude
			}
			if d.Feedback != nil {
				e.Feedback = string(d.Feedback.Value)
			}
			list, before = append(list, e), row.ID
		}
		if len(page) < eventPage {
			return list, nil
		}
	}
}

// A HistoryRecord is the history of a user's sign-ins as an export shows it. Document has keyed
// hashes of devices, networks and addresses, countries, network operators, and counts.
type HistoryRecord struct {
	SignIns  int    `json:"signInsOrDaysWithSignIns"`
	Document []byte `json:"document"`
}

// NewHistoryRecord describes a stored history.
func NewHistoryRecord(row store.SignInHistory) HistoryRecord {
	out := HistoryRecord{Document: row.Doc}
	if h, err := score.Decode(row.Doc); err == nil {
		out.SignIns = h.Successes
	}
	return out
}
