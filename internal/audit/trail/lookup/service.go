// Package lookup has the operation LookupEvents of CloudTrail: it searches the audit trail.
//
// It only reads. Package trail decides what a record shows.
package lookup

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/cloudtrail"
	"cognate/internal/audit/trail"
	"cognate/internal/keys"
	"cognate/internal/store"
)

// Deps are what a Service is built from.
type Deps struct {
	Trail *trail.Trail
	Pages *keys.PageTokens
	Now   func() time.Time
}

// Service answers LookupEvents.
type Service struct{ deps Deps }

// New makes a Service.
func New(d Deps) *Service { return &Service{deps: d} }

var _ cloudtrail.Service = (*Service)(nil)

const (
	maxResults = 50
	// lookBack is how far back a lookup goes (CloudTrail: LookupEvents).
	lookBack = 90 * 24 * time.Hour
	maxValue = 2000
	// tokenLife is how long the next page can be read.
	tokenLife = time.Hour
	// categoryInsight is the category of events that this server does not make.
	categoryInsight = "insight"

	pageTokenOp = "cloudtrail:LookupEvents"
)

// LookupEvents returns a page of records, the newest first.
func (s *Service) LookupEvents(ctx context.Context, in *cloudtrail.LookupEventsRequest) (*cloudtrail.LookupEventsResponse, error) {
	limit := maxResults
	if in.MaxResults != nil {
		if limit = int(*in.MaxResults); limit < 1 || limit > maxResults {
			return nil, cloudtrail.InvalidMaxResultsException("A maximum of 50 results and a minimum of 1 can be requested.")
		}
	}
	if in.EventCategory != nil {
		if *in.EventCategory != categoryInsight {
			return nil, cloudtrail.InvalidEventCategoryException("The event category must be insight, or absent.")
		}
		return &cloudtrail.LookupEventsResponse{Events: []cloudtrail.Event{}}, nil
	}
	q, err := queryOf(in)
	if err != nil {
		return nil, err
	}
	now := s.deps.Now()
	if first := now.Add(-lookBack); q.From.Before(first) {
		q.From = first
	}
	bind := bindingOf(in)
	after, err := s.place(in, bind, now)
	if err != nil {
		return nil, err
	}
	found, err := s.deps.Trail.Search(ctx, q, after, limit)
	if err != nil {
		return nil, err
	}
	out := &cloudtrail.LookupEventsResponse{Events: make([]cloudtrail.Event, 0, len(found.Events))}
	for i := range found.Events {
		e, err := eventOf(&found.Events[i])
		if err != nil {
			return nil, err
		}
		out.Events = append(out.Events, *e)
	}
	if found.Next != nil {
		cursor, err := json.Marshal(found.Next)
		if err != nil {
			return nil, err
		}
		out.NextToken = new(s.deps.Pages.Encode(pageTokenOp, bind, cursor, now.Add(tokenLife)))
	}
	return out, nil
}

// bindingOf returns what a token is bound to: a request for the next page must be the same but for
// the token and the size.
func bindingOf(in *cloudtrail.LookupEventsRequest) []string {
	bind := []string{strconv.FormatInt(in.StartTime.UnixMilli(), 10), strconv.FormatInt(in.EndTime.UnixMilli(), 10)}
	for _, a := range in.LookupAttributes {
		bind = append(bind, api.Val(a.AttributeKey), api.Val(a.AttributeValue))
	}
	return bind
}

func (s *Service) place(in *cloudtrail.LookupEventsRequest, bind []string, now time.Time) (*store.AuditPlace, error) {
	if in.NextToken == nil {
		return nil, nil
	}
	invalid := cloudtrail.InvalidNextTokenException("The token is not valid, has expired, or is for another request.")
	cursor, err := s.deps.Pages.Decode(pageTokenOp, bind, *in.NextToken, now)
	if err != nil {
		return nil, invalid.WithCause(err)
	}
	place := &store.AuditPlace{}
	if err := json.Unmarshal(cursor, place); err != nil {
		return nil, invalid.WithCause(err)
	}
	return place, nil
}

// queryOf returns the query of an input.
func queryOf(in *cloudtrail.LookupEventsRequest) (*trail.Query, error) {
	q := &trail.Query{From: in.StartTime, To: in.EndTime}
	if !q.From.IsZero() && !q.To.IsZero() && q.From.After(q.To) {
		return nil, cloudtrail.InvalidTimeRangeException("The start time must not be after the end time.")
	}
	if len(in.LookupAttributes) > 1 {
		return nil, cloudtrail.InvalidLookupAttributesException("Only one lookup attribute can be used.")
	}
	for _, a := range in.LookupAttributes {
		key, value := api.Val(a.AttributeKey), api.Val(a.AttributeValue)
		if value == "" || len(value) > maxValue {
			return nil, cloudtrail.InvalidLookupAttributesException("The value of a lookup attribute has 1 to 2000 characters.")
		}
		if !setAttribute(q, key, value) {
			return nil, cloudtrail.InvalidLookupAttributesException("The lookup attribute is not one of EventId, EventName, ReadOnly, Username, ResourceType, ResourceName, EventSource and AccessKeyId, or its value is not valid.")
		}
	}
	return q, nil
}

// setAttribute adds an attribute to a query, and reports whether it is valid.
func setAttribute(q *trail.Query, key, value string) bool {
	texts := map[string]*string{
		"EventId": &q.EventID, "EventName": &q.Name, "Username": &q.Username, "ResourceType": &q.ResourceType,
		"ResourceName": &q.Resource, "EventSource": &q.Source, "AccessKeyId": &q.AccessKey,
	}
	if text := texts[key]; text != nil {
		*text = value
		return true
	}
	if key != "ReadOnly" || !slices.Contains([]string{"true", "false"}, value) {
		return false
	}
	q.ReadOnly = new(value == "true")
	return true
}

// eventOf returns a record as CloudTrail lists it.
func eventOf(e *store.AuditEvent) (*cloudtrail.Event, error) {
	text, err := trail.Render(e)
	if err != nil {
		return nil, err
	}
	out := &cloudtrail.Event{
		EventId: new(trail.EventID(e.Chain, e.Seq)), EventName: new(e.Name), ReadOnly: new(strconv.FormatBool(e.ReadOnly)),
		EventTime: e.At.Truncate(time.Second), EventSource: new(e.Source), CloudTrailEvent: new(string(text)),
	}
	if e.AccessKey != "" {
		out.AccessKeyId = new(e.AccessKey)
	}
	if e.Username != "" {
		out.Username = new(e.Username)
	}
	for _, r := range trail.ResourcesOf(e) {
		out.Resources = append(out.Resources, cloudtrail.Resource{ResourceType: new(r.Type), ResourceName: new(r.Name)})
	}
	return out, nil
}
