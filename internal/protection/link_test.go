package protection

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzFeedbackLink: a link that is read leads to the same link, and its opposite to the opposite.
func FuzzFeedbackLink(f *testing.F) {
	l := FeedbackLink{PoolID: "us-east-1_AbCdEf123", Username: "ada+x@example.com", EventID: "0190c6b0-1111-7000-8000-000000000000", Token: "AbC_-=.1", Value: "Valid"}
	f.Add(l.query())
	f.Add(l.query() + "&lang=de&feedbackValue=Invalid")
	f.Add("userPoolId=%ff&userName=%00")
	f.Fuzz(func(t *testing.T, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		l, ok := ParseFeedbackLink(q)
		if !ok {
			return
		}
		for _, back := range []struct {
			query string
			value bool
		}{{l.query(), true}, {l.OppositeQuery(), false}} {
			q, err := url.ParseQuery(back.query)
			if err != nil {
				t.Fatalf("%q: %v", back.query, err)
			}
			again, ok := ParseFeedbackLink(q)
			if !ok || (again.Value == l.Value) != back.value {
				t.Fatalf("%+v leads to %q", l, back.query)
			}
			if again.Value = l.Value; again != l {
				t.Fatalf("%+v leads to %+v", l, again)
			}
		}
	})
}

// TestFeedbackLink: a link needs a domain, and each of its parameters once.
func TestFeedbackLink(t *testing.T) {
	t.Parallel()
	l := FeedbackLink{PoolID: "us-east-1_AbCdEf123", Username: "ada", EventID: "e-1", Token: "t", Value: "Invalid"}
	if got := l.URL(""); got != "" {
		t.Errorf("without a domain: %q", got)
	}
	const want = "https://people.example/eventFeedback?userPoolId=us-east-1_AbCdEf123&userName=ada&eventId=e-1&feedbackToken=t&feedbackValue=Invalid"
	if got := l.URL("https://people.example"); got != want {
		t.Errorf("%q", got)
	}
	for _, bad := range []string{
		strings.Replace(want, "userName=ada", "userName=", 1), strings.Replace(want, "=Invalid", "=invalid", 1),
		want + "&eventId=e-2", strings.Replace(want, "=t&", "="+strings.Repeat("t", 1001)+"&", 1), strings.Replace(want, "=e-1", "=e%2F1", 1),
	} {
		u, err := url.Parse(bad)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := ParseFeedbackLink(u.Query()); ok {
			t.Errorf("%q is a link: %+v", bad, got)
		}
	}
}
