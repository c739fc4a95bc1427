package keys

import (
	"fmt"
	"log/slog"
)

// redacted is the text that types with a secret print for every verb.
const redacted = "[redacted]"

func writeRedacted(s fmt.State) { _, _ = s.Write([]byte(redacted)) }

// LogValue implements [slog.LogValuer].
func (*KEK) LogValue() slog.Value { return slog.StringValue(redacted) }

// Format implements [fmt.Formatter].
func (*KEK) Format(s fmt.State, _ rune) { writeRedacted(s) }

// LogValue implements [slog.LogValuer].
func (*Ring) LogValue() slog.Value { return slog.StringValue(redacted) }

// Format implements [fmt.Formatter].
func (*Ring) Format(s fmt.State, _ rune) { writeRedacted(s) }

// LogValue implements [slog.LogValuer].
func (*SigningKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// Format implements [fmt.Formatter].
func (*SigningKey) Format(s fmt.State, _ rune) { writeRedacted(s) }

// LogValue implements [slog.LogValuer].
func (*SigningKeyPool) LogValue() slog.Value { return slog.StringValue(redacted) }

// Format implements [fmt.Formatter].
func (*SigningKeyPool) Format(s fmt.State, _ rune) { writeRedacted(s) }
