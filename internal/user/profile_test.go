package user

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzProfile holds the short way through a profile to the long one.
func FuzzProfile(f *testing.F) {
	for _, doc := range []string{
		`{"v":1,"attributes":{"email":"alice@example.com","email_verified":"true"}}`,
		`{"v":1,"attributes":{"name":"\u003cA\u003e"}}`,
		`{"v":1,"attributes":{"name":"Zoë"},"pending":{"email":"b@example.com"}}`,
		`{"v":1,"attributes":{}}`, `{"v":1}`, `{"v":2,"attributes":{"a":"b"}}`,
		`{"v":1,"attributes":{"a":"b"},}`, `{"v":1,"attributes":{"a":"b","a":"c"}}`, `{"v":1,"attributes":{"a":1}}`,
	} {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want profile
		if json.Unmarshal([]byte(text), &want) != nil {
			return // Never stored: only what json.Marshal wrote is.
		}
		if canonical, err := json.Marshal(want); err != nil || string(canonical) != text {
			return
		}
		var got profile
		if err := got.parse([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	})
}

func TestPlainAttributes(t *testing.T) {
	t.Parallel()
	got, ok := plainAttributes(`{"v":1,"attributes":{"email":"alice@example.com","name":"Alice"}}`)
	if !ok || got["email"] != "alice@example.com" || got["name"] != "Alice" || len(got) != 2 {
		t.Errorf("%v, %v: an ordinary profile does not take the short way", got, ok)
	}
}
