package api

import (
	"log/slog"
	"reflect"
)

// Redacted replaces sensitive values in logs.
const Redacted = "[redacted]"

// Loggable returns a generated structure for logs: fields with the tag `log:"secret"` are
// redacted, and absent fields are left out.
func Loggable(structure any) slog.Value {
	v := reflect.ValueOf(structure)
	var attrs []slog.Attr
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		switch {
		case value.IsZero():
		case field.Tag.Get("log") == "secret":
			attrs = append(attrs, slog.String(field.Name, Redacted))
		case value.Kind() == reflect.Pointer:
			attrs = append(attrs, slog.Any(field.Name, value.Elem().Interface()))
		default:
			attrs = append(attrs, slog.Any(field.Name, value.Interface()))
		}
	}
	return slog.GroupValue(attrs...)
}
