package message

import "testing"

// TestWithoutSecrets: an export shows neither a code, nor a link, nor a token in a link.
func TestWithoutSecrets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		m    Message
		want string
	}{
		{Message{Code: "123456", Body: "Code 123456"}, "Code ******"},
		{Message{Link: "https://a.example/?a=1&code=2", Code: "2", Body: `<a href="https://a.example/?a=1&amp;code=2">`}, `<a href="******">`},
		{Message{Token: "t-1", Body: `<a href="https://a.example/?x=t-1&amp;v=Valid"> t-1`}, `<a href="https://a.example/?x=******&amp;v=Valid"> ******`},
	} {
		if got := c.m.withoutSecrets(c.m.Body); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
