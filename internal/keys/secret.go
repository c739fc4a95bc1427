package keys

import "log/slog"

// Secret is a text that no log shows, such as a password in a setting or the
// secret of an access key. Convert it to a string to use it.
type Secret string

// LogValue hides the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// String hides the value too, so that %v in a message does not tell it. It shows
// whether there is a value.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[redacted]"
}

// GoString hides the value with %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the value within JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
