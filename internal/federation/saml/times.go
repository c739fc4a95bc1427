package saml

import (
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"cognate/internal/federation/saml/strictxml"
)

// formatTime writes an xs:dateTime in UTC (SAML Core §1.3.3).
func formatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

var errTime = errors.New("not an xs:dateTime")

// dateTime is an xs:dateTime with a year of four digits. The time zone may be absent: SAML
// times are in UTC.
var dateTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,20})?(Z|[+-]\d\d:\d\d)?$`)

func parseTime(s string) (time.Time, error) {
	s = strings.Trim(s, " \t\r\n")
	m := dateTime.FindStringSubmatch(s)
	if m == nil {
		return time.Time{}, errTime
	}
	if m[2] == "" {
		s += "Z"
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, errTime
	}
	return t.UTC(), nil
}

// timeAttribute returns the time of an attribute, and whether the element has the attribute.
func timeAttribute(e *strictxml.Element, name string) (t time.Time, ok bool, err error) {
	value, ok := e.Attribute(name)
	if !ok {
		return t, false, nil
	}
	t, err = parseTime(value)
	return t, true, err
}

var duration = regexp.MustCompile(`^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?$`)

// parseDuration returns an xs:duration that is not negative. A month has 30 days, a year 365.
func parseDuration(s string) (time.Duration, error) {
	s = strings.Trim(s, " \t\r\n")
	m := duration.FindStringSubmatch(s)
	if m == nil || strings.HasSuffix(s, "P") || strings.HasSuffix(s, "T") {
		return 0, errors.New("not an xs:duration")
	}
	const day = 24 * time.Hour
	total := 0.0
	for i, unit := range []time.Duration{365 * day, 30 * day, day, time.Hour, time.Minute, time.Second} {
		if m[i+1] == "" {
			continue
		}
		n, err := strconv.ParseFloat(m[i+1], 64)
		if err != nil {
			return 0, errors.New("not an xs:duration")
		}
		total += n * float64(unit)
	}
	if total >= math.MaxInt64 {
		return math.MaxInt64, nil
	}
	return time.Duration(total), nil
}
