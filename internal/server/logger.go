package server

import (
	"log/slog"

	"cognate/internal/outbound"
)

// cleanErrors removes the secrets of addresses from every error that is logged.
func cleanErrors(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindAny {
		if err, ok := a.Value.Any().(error); ok {
			return slog.Any(a.Key, outbound.Clean(err))
		}
	}
	return a
}

// Logger returns Log, or the logger that the settings describe.
func (c *Config) Logger() *slog.Logger {
	if c.Log != nil {
		return c.Log
	}
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // An enum: only the four levels come here.
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: cleanErrors}
	if c.LogFormat == "text" || c.LogFormat != "json" && c.Mode == Dev {
		return slog.New(slog.NewTextHandler(c.LogTo, o))
	}
	return slog.New(slog.NewJSONHandler(c.LogTo, o))
}
