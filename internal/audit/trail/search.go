package trail

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"cognate/internal/store"
)

// A Query says which records a search wants. Empty members want all.
type Query struct {
	// From and To bound the time of the event. Both are included.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`

	EventID, Pool, Name, Sub, AccessKey, Error, RequestID string
	Username, Resource, Source                            string
	// ResourceType is a type of CloudTrail's, such as AWS::Cognito::UserPool.
	ResourceType string
	ReadOnly     *bool
	// AnyError wants all requests that failed.
	AnyError bool
}

// Search limits.
const (
	// MaxPage is the most records of a page.
	MaxPage = 500
	// maxScan is how many records one page may read.
	maxScan = 5000
)

// A Result is a page of a search.
type Result struct {
	Events []store.AuditEvent
	// Next is where the next page begins. It is nil at the end.
	Next *store.AuditPlace
}

// firstPlace returns the place before all records of a query.
func (q *Query) firstPlace(now time.Time) store.AuditPlace {
	to := q.To
	if to.IsZero() {
		to = now.Add(time.Hour) // Another node's clock may be ahead.
	}
	return store.AuditPlace{At: to.Truncate(time.Millisecond).Add(time.Millisecond)}
}

// index returns the index that leaves the fewest records to look at.
func (q *Query) index() (store.AuditIndex, []string) {
	switch {
	case q.RequestID != "":
		return store.AuditByRequest, []string{q.RequestID}
	case q.Sub != "" && q.Pool != "":
		return store.AuditBySub, []string{q.Pool, q.Sub}
	case q.AccessKey != "":
		return store.AuditByAccessKey, []string{q.AccessKey}
	case q.Username != "":
		return store.AuditByUsername, []string{q.Username}
	case poolForm.MatchString(q.Resource):
		return store.AuditByPool, []string{q.Resource}
	case q.Resource != "":
		return store.AuditByResource, []string{q.Resource}
	case q.Error != "":
		return store.AuditByError, []string{q.Error}
	case q.Pool != "":
		return store.AuditByPool, []string{q.Pool}
	case q.Name != "":
		return store.AuditByName, []string{q.Name}
	}
	return store.AuditByTime, nil
}

// poolForm is the form of the ids of user pools and identity pools, which begin with a Region.
var poolForm = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+[_:]`)

// matches reports whether a record is one that the query wants. The index has checked a part.
func (q *Query) matches(e *store.AuditEvent) bool {
	for _, c := range [...]struct{ want, is string }{
		{q.Pool, e.PoolID}, {q.Name, e.Name}, {q.Sub, e.Sub}, {q.AccessKey, e.AccessKey}, {q.Error, e.Error}, {q.RequestID, e.RequestID},
		{q.Username, e.Username}, {q.Source, e.Source},
	} {
		if c.want != "" && c.want != c.is {
			return false
		}
	}
	if q.Resource != "" && q.Resource != e.Resource && q.Resource != e.PoolID {
		return false
	}
	if q.ResourceType != "" && !slices.ContainsFunc(ResourcesOf(e), func(r Resource) bool { return r.Type == q.ResourceType }) {
		return false
	}
	if q.ReadOnly != nil && *q.ReadOnly != e.ReadOnly || q.AnyError && e.Error == "" {
		return false
	}
	return !e.At.Before(q.From) && (q.To.IsZero() || !e.At.After(q.To))
}

// Search returns a page of records, the newest first. A page may have fewer records than limit, also
// none, although there are more: it reads a bounded number of records.
func (t *Trail) Search(ctx context.Context, q *Query, after *store.AuditPlace, limit int) (*Result, error) {
	limit = min(max(limit, 1), MaxPage)
	if q.EventID != "" {
		return t.byID(ctx, q)
	}
	place := q.firstPlace(t.deps.Now())
	if after != nil {
		place = *after
	}
	by, values := q.index()
	out := &Result{}
	size := min(limit+1, MaxPage)
	for read := 0; read < maxScan; {
		list, err := t.deps.Store.AuditEvents(ctx, by, values, q.From, place, size)
		if err != nil {
			return nil, err
		}
		read += len(list)
		for i := range list {
			e := &list[i]
			place = store.AuditPlace{At: e.At, Chain: e.Chain, Seq: e.Seq}
			if !q.matches(e) {
				continue
			}
			if out.Events = append(out.Events, *e); len(out.Events) == limit {
				out.Next = &place
				return out, nil
			}
		}
		if len(list) < size {
			return out, nil
		}
		size = MaxPage // The index left out too little.
	}
	out.Next = &place
	return out, nil
}

// byID returns the record of an event id.
func (t *Trail) byID(ctx context.Context, q *Query) (*Result, error) {
	out := &Result{}
	chain, seq, ok := parseEventID(q.EventID)
	if !ok {
		return out, nil
	}
	list, err := t.deps.Store.AuditEventsOf(ctx, chain, seq-1, 1)
	if err == nil && len(list) == 1 && list[0].Seq == seq && q.matches(&list[0]) {
		out.Events = list
	}
	return out, err
}

// A Resource is a resource that a record refers to.
type Resource struct{ Type, Name string }

// iamTypes are CloudTrail's types of the entities of IAM, by the part of the operation's name.
var iamTypes = []struct{ part, kind string }{
	{"OpenIDConnectProvider", "AWS::IAM::OIDCProvider"}, {"SAMLProvider", "AWS::IAM::SAMLProvider"}, {"Role", "AWS::IAM::Role"},
	{"Group", "AWS::IAM::Group"}, {"Policy", "AWS::IAM::Policy"}, {"", "AWS::IAM::User"},
}

// ResourcesOf returns the resources that a record refers to.
func ResourcesOf(e *store.AuditEvent) []Resource {
	var list []Resource
	if e.PoolID != "" {
		kind := "AWS::Cognito::UserPool"
		if e.Source == "cognito-identity.amazonaws.com" {
			kind = "AWS::Cognito::IdentityPool"
		}
		list = append(list, Resource{kind, e.PoolID})
	}
	if e.Resource != "" {
		i := slices.IndexFunc(iamTypes, func(x struct{ part, kind string }) bool { return strings.Contains(e.Name, x.part) })
		list = append(list, Resource{iamTypes[i].kind, e.Resource})
	}
	return list
}

// Deliver returns the records of a chain after a position, in the order of the chain, for sinks
// that remember how far they have come. Position 0 is before the first record.
func (t *Trail) Deliver(ctx context.Context, chain string, after int64, limit int) ([]store.AuditEvent, error) {
	id, err := ParseChain(chain)
	if err != nil {
		return nil, err
	}
	return t.deps.Store.AuditEventsOf(ctx, id, after, min(max(limit, 1), MaxPage))
}

// Chains returns the heads of the chains that have records.
func (t *Trail) Chains(ctx context.Context) ([]ChainHead, error) {
	c, err := t.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	return c.Chains, nil
}
