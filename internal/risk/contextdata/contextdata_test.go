package contextdata

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func request() Request {
	return Request{ClientID: "1example23456789", UserPoolID: "eu-west-1_AbCdEf123", Usernames: []string{"maria", "maria@example.com"}, Now: now}
}

// client makes EncodedData as the documented format says.
type client struct {
	version, clientID, username, pool string
	timestamp                         string
	members                           map[string]any
	lines                             int // length of base64 lines; 0 means no line breaks
}

func javaScript() client {
	return client{
		version: "JS20171115", clientID: "1example23456789", username: "maria", pool: "eu-west-1_AbCdEf123",
		timestamp: strconv.FormatInt(now.UnixMilli(), 10),
		members: map[string]any{
			"UserAgent":         "Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0",
			"DeviceId":          "k3jd82hs01mvcx7z2p0q:1714824000000",
			"DeviceLanguage":    "pt-PT",
			"DeviceFingerprint": "Mozilla/5.0PDF Viewer:pt-PT",
			"DevicePlatform":    "Linux x86_64",
			"ClientTimezone":    "01:00",
		},
	}
}

func android() client {
	c := javaScript()
	c.version, c.lines = "ANDROID20171114", 76
	c.members = map[string]any{
		"DeviceId": "a-1", "DeviceName": "Pixel 8", "DeviceOsReleaseVersion": "14", "Platform": "ANDROID",
		"DeviceFingerprint": "google/shiba/shiba:14/AP1A/1:user/release-keys", "ClientTimezone": "-07:00", "HasSimCard": true,
	}
	return c
}

func iOS() client {
	c := javaScript()
	c.version, c.username = "IOS20171114", "unknown"
	c.members = map[string]any{"DeviceId": "i-1", "DeviceName": "iPhone", "DeviceFingerprint": "Apple/iPhone/iPhone14,5/-:17.5/-/-:-/21F79", "ClientTimezone": "+01:00"}
	return c
}

func (c client) encode(t testing.TB) string {
	t.Helper()
	payload, err := json.Marshal(map[string]any{"contextData": c.members, "username": c.username, "userPoolId": c.pool, "timestamp": c.timestamp})
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(c.clientID))
	mac.Write([]byte(c.version + string(payload)))
	document, err := json.Marshal(map[string]string{
		"payload": string(payload), "signature": base64.StdEncoding.EncodeToString(mac.Sum(nil)), "version": c.version,
	})
	if err != nil {
		t.Fatal(err)
	}
	encoded := base64.StdEncoding.EncodeToString(document)
	if c.lines == 0 {
		return encoded
	}
	var b strings.Builder
	for len(encoded) > c.lines {
		b.WriteString(encoded[:c.lines] + "\n")
		encoded = encoded[c.lines:]
	}
	return b.String() + encoded + "\n"
}

func TestLibraries(t *testing.T) {
	t.Parallel()
	d := Parse(javaScript().encode(t), request())
	want := Data{
		Status: Valid, Version: "JS20171115",
		UserAgent:   "Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0",
		DeviceID:    "k3jd82hs01mvcx7z2p0q:1714824000000",
		Fingerprint: "Mozilla/5.0PDF Viewer:pt-PT", Language: "pt-PT", Platform: "Linux x86_64",
		Timezone: "01:00", Offset: time.Hour, HasOffset: true,
	}
	if d != want {
		t.Errorf("JavaScript: %+v", d)
	}
	d = Parse(android().encode(t), request())
	if d.Status != Valid || d.DeviceID != "a-1" || d.DeviceName != "Pixel 8" || d.Release != "14" || d.Platform != "ANDROID" || d.Offset != -7*time.Hour {
		t.Errorf("Android: %+v", d)
	}
	d = Parse(iOS().encode(t), request())
	if d.Status != Valid || d.Fingerprint != "Apple/iPhone/iPhone14,5/-:17.5/-/-:-/21F79" || d.Offset != time.Hour {
		t.Errorf("iOS: %+v", d)
	}
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(c *client)
		want   Status
	}{
		"another name of the user": {func(c *client) { c.username = "Maria@Example.com" }, Valid},
		"no pool":                  {func(c *client) { c.pool = "" }, Valid},
		"ten minutes ago":          {func(c *client) { c.timestamp = stamp(-10 * time.Minute) }, Valid},
		"older":                    {func(c *client) { c.timestamp = stamp(-10*time.Minute - time.Millisecond) }, Stale},
		"from the future":          {func(c *client) { c.timestamp = stamp(11 * time.Minute) }, Stale},
		"far from the future":      {func(c *client) { c.timestamp = "9223372036854775807" }, Stale},
		"no timestamp":             {func(c *client) { c.timestamp = "" }, Stale},
		"another user":             {func(c *client) { c.username = "mario" }, Foreign},
		"no user":                  {func(c *client) { c.username = "" }, Foreign},
		"unknown in JavaScript":    {func(c *client) { c.username = "unknown" }, Foreign},
		"another pool":             {func(c *client) { c.pool = "eu-west-1_other" }, Foreign},
		"another client":           {func(c *client) { c.clientID = "2example23456789" }, BadSignature},
		"another client, stale":    {func(c *client) { c.clientID, c.timestamp = "x", "1" }, BadSignature},
		"unknown version":          {func(c *client) { c.version = "JS20991231" }, Absent},
		"too long":                 {func(c *client) { c.members["UserAgent"] = strings.Repeat("x", maxEncoded) }, Absent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := javaScript()
			test.change(&c)
			d := Parse(c.encode(t), request())
			if d.Status != test.want {
				t.Errorf("%v, want %v", d.Status, test.want)
			}
			if d.Status == BadSignature && d.DeviceID != "" {
				t.Error("data with a bad signature have a device")
			}
		})
	}
}

func stamp(d time.Duration) string { return strconv.FormatInt(now.Add(d).UnixMilli(), 10) }

func TestUnreadable(t *testing.T) {
	t.Parallel()
	encode := func(document string) string { return base64.StdEncoding.EncodeToString([]byte(document)) }
	for _, encoded := range []string{
		"", "%", "e30", encode("{}"), encode("null"), encode("[]"), encode(`{"payload":{},"signature":"","version":"JS20171115"}`),
		encode(`{"payload":"","signature":"","version":"JS20171115"}`),
		encode(`{"payload":"{}","signature":"","version":"JS20171115"}`),
		encode(`{"payload":"{\"contextData\":\"x\"}","signature":"","version":"JS20171115"}`),
		encode("{\"payload\":\"\xff\",\"version\":\"JS20171115\"}"),
	} {
		if d := Parse(encoded, request()); d != (Data{}) {
			t.Errorf("%q: %+v", encoded, d)
		}
	}
}

func TestValuesAreCut(t *testing.T) {
	t.Parallel()
	c := javaScript()
	c.members["UserAgent"] = strings.Repeat("ü", maxValue)
	c.members["DeviceId"] = 5
	d := Parse(c.encode(t), request())
	if d.Status != Valid || len(d.UserAgent) > maxValue || strings.Trim(d.UserAgent, "ü") != "" || d.DeviceID != "" {
		t.Errorf("%d bytes, device %q, %v", len(d.UserAgent), d.DeviceID, d.Status)
	}
}

func TestOffsets(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"-07:00": -7 * time.Hour, "08:00": 8 * time.Hour, "+05:45": 5*time.Hour + 45*time.Minute, "-00:30": -30 * time.Minute,
	} {
		if got, ok := parseOffset(text); !ok || got != want {
			t.Errorf("%s: %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "7:00", "-7:00", "15:00", "07:60", "0x:00", "07-00", "--07:00", "+-7:00"} {
		if got, ok := parseOffset(text); ok {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range []client{javaScript(), android(), iOS()} {
		f.Add(c.encode(f))
	}
	f.Fuzz(func(t *testing.T, encoded string) {
		d := Parse(encoded, request())
		for _, value := range []string{d.UserAgent, d.DeviceID, d.Fingerprint, d.Language, d.Platform, d.DeviceName, d.Release, d.Timezone} {
			if len(value) > maxValue {
				t.Errorf("a value has %d bytes", len(value))
			}
			if value != "" && (d.Status == Absent || d.Status == BadSignature) {
				t.Errorf("status %v with %q", d.Status, value)
			}
		}
	})
}
