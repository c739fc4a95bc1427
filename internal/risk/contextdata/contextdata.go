package contextdata

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// maxEncoded is the longest EncodedData that is read; clients send less than 4 KB.
	maxEncoded = 32 << 10
	// maxValue is the longest value. Longer values are cut.
	maxValue = 2048
	// maxAge is how far a timestamp may be from the server's time.
	maxAge = 10 * time.Minute
)

// Status says what context data are worth.
type Status uint8

// The statuses. Data with several faults have the first of them in this order.
const (
	// Absent means that there are no data, or none that can be read.
	Absent Status = iota
	// Valid means that the data are for this request.
	Valid
	// BadSignature means that the data were changed, or are for another app client.
	BadSignature
	// Foreign means that the data are for another user or another user pool.
	Foreign
	// Stale means that the data are from another time.
	Stale
)

// String returns the status's name for logs.
func (s Status) String() string {
	switch s {
	case Valid:
		return "valid"
	case BadSignature:
		return "badSignature"
	case Foreign:
		return "foreign"
	case Stale:
		return "stale"
	}
	return "absent"
}

// Request is the request that the data came with.
type Request struct {
	ClientID, UserPoolID string
	// Usernames are the names that the request may mean: the one in it, and those that the
	// user has. Case does not matter.
	Usernames []string
	Now       time.Time
}

// Data are what a client says about its device. Only the status of data whose signature is bad
// may be used: their other members are empty.
type Data struct {
	Status Status
	// Version is the tag of the library that made the data.
	Version string

	UserAgent   string
	DeviceID    string
	Fingerprint string
	Language    string
	Platform    string
	// DeviceName is the model of a mobile device, and Release the version of its system.
	DeviceName, Release string
	// Timezone is the client's text, as in -07:00. Offset is its value if HasOffset.
	Timezone  string
	Offset    time.Duration
	HasOffset bool
}

// versions maps the tags of the libraries to the name that they send for no user name.
var versions = map[string]string{
	"JS20171115":      "",
	"ANDROID20171114": "",
	"IOS20171114":     "unknown",
}

// envelope is the outer document.
type envelope struct {
	Payload   string `json:"payload"`
	Signature string `json:"signature"`
	Version   string `json:"version"`
}

// payload is the signed document. Clients may add members and values of other types.
type payload struct {
	ContextData map[string]json.RawMessage `json:"contextData"`
	Username    string                     `json:"username"`
	UserPoolID  string                     `json:"userPoolId"`
	Timestamp   json.RawMessage            `json:"timestamp"` // a string, but a number is understood
}

// Parse reads EncodedData.
func Parse(encoded string, r Request) Data {
	var e envelope
	if len(encoded) > maxEncoded || !decodeJSON(encoded, &e) {
		return Data{}
	}
	noName, known := versions[e.Version]
	var p payload
	if !known || !utf8.ValidString(e.Payload) || json.Unmarshal([]byte(e.Payload), &p) != nil || p.ContextData == nil {
		return Data{}
	}
	if !signed(e, r.ClientID) {
		return Data{Status: BadSignature, Version: e.Version}
	}
	d := Data{Status: Valid, Version: e.Version}
	switch {
	case p.UserPoolID != "" && p.UserPoolID != r.UserPoolID, !named(p.Username, noName, r.Usernames):
		d.Status = Foreign
	case !fresh(p.Timestamp, r.Now):
		d.Status = Stale
	}
	d.UserAgent = value(p.ContextData, "UserAgent")
	d.DeviceID = value(p.ContextData, "DeviceId")
	d.Fingerprint = value(p.ContextData, "DeviceFingerprint")
	d.Language = value(p.ContextData, "DeviceLanguage")
	d.Platform = value(p.ContextData, "DevicePlatform", "Platform")
	d.DeviceName = value(p.ContextData, "DeviceName")
	d.Release = value(p.ContextData, "DeviceOsReleaseVersion")
	d.Timezone = value(p.ContextData, "ClientTimezone")
	d.Offset, d.HasOffset = parseOffset(d.Timezone)
	return d
}

// decodeJSON decodes base64 with line breaks, as Android makes it, and then JSON.
func decodeJSON(encoded string, into any) bool {
	encoded = strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\t', '\r', '\n':
			return -1
		}
		return r
	}, encoded)
	document, err := base64.StdEncoding.Strict().DecodeString(encoded)
	return err == nil && utf8.Valid(document) && json.Unmarshal(document, into) == nil
}

func signed(e envelope, clientID string) bool {
	signature, err := base64.StdEncoding.DecodeString(strings.TrimSpace(e.Signature))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(clientID))
	mac.Write([]byte(e.Version))
	mac.Write([]byte(e.Payload))
	return hmac.Equal(mac.Sum(nil), signature)
}

// named reports whether the data's name is one of the request's, or the word for no name.
func named(name, noName string, names []string) bool {
	if name == noName {
		// Only iOS has such a word. Elsewhere an empty name is foreign.
		return noName != "" || len(names) == 0
	}
	for _, n := range names {
		if strings.EqualFold(name, n) {
			return true
		}
	}
	return false
}

func fresh(timestamp json.RawMessage, now time.Time) bool {
	var text string
	if json.Unmarshal(timestamp, &text) != nil {
		text = string(timestamp)
	}
	milliseconds, err := strconv.ParseInt(text, 10, 64)
	return err == nil && now.Sub(time.UnixMilli(milliseconds)).Abs() <= maxAge
}

// value returns the first of the members that is a string and not empty.
func value(members map[string]json.RawMessage, names ...string) string {
	for _, name := range names {
		var text string
		if json.Unmarshal(members[name], &text) == nil && text != "" {
			return cut(text)
		}
	}
	return ""
}

// cut returns at most maxValue bytes and no half of a character.
func cut(text string) string {
	if len(text) <= maxValue {
		return text
	}
	end := maxValue
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// parseOffset reads 08:00, +08:00 or -07:30.
func parseOffset(text string) (time.Duration, bool) {
	rest, west := strings.CutPrefix(text, "-")
	if !west {
		rest = strings.TrimPrefix(rest, "+")
	}
	if len(rest) != 5 || rest[2] != ':' {
		return 0, false
	}
	hours, errHours := strconv.ParseUint(rest[:2], 10, 8)
	minutes, errMinutes := strconv.ParseUint(rest[3:], 10, 8)
	if errHours != nil || errMinutes != nil || hours > 14 || minutes > 59 {
		return 0, false
	}
	offset := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if west {
		offset = -offset
	}
	return offset, true
}
