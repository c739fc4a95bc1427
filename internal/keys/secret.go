package keys

import "log/slog"

// A Secret is a text that is never logged, such as a password in a setting or the secret
// of an access key. Convert it to a string to use it.
type Secret string

// LogValue hides the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// String hides the value from %v. It shows whether there is a value.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[redacted]"
}

// GoString hides the value from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the value in JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
