package score

import (
	"bytes"
	"fmt"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"cognate/internal/risk/contextdata"
)

func TestLearnSaysWhatChanged(t *testing.T) {
	t.Parallel()
	h := regular()
	success := Outcome{Success: true}
	a := attemptFrom(home())
	if !h.Learn(a, success) {
		t.Error("the first sign-in of a day changes nothing")
	}
	if h.Learn(a, success) {
		t.Error("the second sign-in of a day changes something")
	}
	a.Time = a.Time.Add(time.Hour)
	if h.Learn(a, success) {
		t.Error("the third sign-in of a day changes something")
	}
	o := home()
	o.Address = netip.MustParseAddr("192.0.2.99")
	other := attemptFrom(o)
	if h.Learn(other, Outcome{}) {
		t.Error("a failure changes something")
	}
	if !h.Learn(other, success) {
		t.Error("a new address changes nothing")
	}
	if h.Learn(other, success) {
		t.Error("a known address changes something")
	}
	if !h.Learn(other, Outcome{Success: true, MFA: true}) {
		t.Error("the first MFA changes nothing")
	}
	a.Time = noon.Add(10 * time.Hour)
	if !h.Learn(a, success) {
		t.Error("an unusual hour changes nothing")
	}
	a.Time = noon.AddDate(0, 0, 1)
	if !h.Learn(a, success) {
		t.Error("the next day changes nothing")
	}
	a.Time = noon
	if h.Learn(a, success) {
		t.Error("the clock of another node changes something")
	}
}

// TestEachSuccessCountsAtFirst: a user with three sign-ins on one day is known.
func TestEachSuccessCountsAtFirst(t *testing.T) {
	t.Parallel()
	h := &History{}
	for i := 1; i <= usualHours; i++ {
		if !h.Learn(attemptFrom(home()), Outcome{Success: true}) || h.Successes != i {
			t.Fatalf("sign-in %d: %d successes", i, h.Successes)
		}
	}
}

func TestDecay(t *testing.T) {
	t.Parallel()
	h := regular()
	a := attemptFrom(home())
	a.Time = noon.AddDate(0, 0, decayDays+1)
	if r := Evaluate(Settings{}, h, Previous{}, a); r.Points(UnknownDevice) != 20 || r.Points(NewCountry) != 20 {
		t.Errorf("old things are known: %v", r)
	}
	o := home()
	o.DeviceID, o.Fingerprint = "d2", ""
	b := attemptFrom(o)
	b.Time = a.Time
	h.Learn(b, Outcome{Success: true})
	if len(h.devices) != 1 {
		t.Errorf("%d devices, want the new one", len(h.devices))
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	h := &History{}
	longest := 0
	for i := range 600 {
		o := Origin{
			DeviceID: fmt.Sprint("d", i), Fingerprint: fmt.Sprint("f", i), Agent: fmt.Sprint("u", i), Client: fmt.Sprint("c", i),
			Address: netip.AddrFrom4([4]byte{10, byte(i / 250), byte(i % 250), 1}), ASN: uint32(i + 1),
			Country: string([]byte{'A' + byte(i%26), 'A' + byte(i/26%26)}),
		}
		a := attemptFrom(o)
		a.Time = noon.Add(time.Duration(i) * 5 * time.Hour)
		h.Learn(a, Outcome{Success: true, MFA: true})
		h.Feedback(NewKeys(salt, Origin{DeviceID: fmt.Sprint("x", i), ASN: uint32(i + 1000)}), i%2 == 0, a.Time)
		longest = max(longest, len(h.Append(nil)))
	}
	for i, l := range h.lists() {
		if len(*l.m) != l.limit {
			t.Errorf("list %d has %d entries, want %d", i, len(*l.m), l.limit)
		}
	}
	if longest > MaxEncoded {
		t.Errorf("%d bytes", longest)
	}
	t.Logf("the longest has %d bytes, an ordinary one %d", longest, len(regular().Append(nil)))
	// The longest possible entries fit, too.
	for _, l := range h.lists() {
		for i := range *l.m {
			e := &(*l.m)[i]
			e.first, e.last, e.count, e.extra = maxDay-16383, maxDay, maxCount, maxCount
		}
	}
	for i := range h.hours {
		h.hours[i] = maxHourTotal
	}
	h.Successes, h.lastDay = maxCount, maxDay
	document := h.Append(nil)
	if len(document) > MaxEncoded {
		t.Errorf("the worst history has %d bytes", len(document))
	}
	if got, err := Decode(document); err != nil || !reflect.DeepEqual(got, h) {
		t.Errorf("the worst history reads back as %+v, %v", got, err)
	}
}

// TestInvalidFeedbackForgets: a stranger who succeeded once is not known later, and what the
// user has used on other days stays known.
func TestInvalidFeedbackForgets(t *testing.T) {
	t.Parallel()
	h := regular()
	o := home()
	o.DeviceID, o.Fingerprint, o.Address, o.Country = "d9", "f9", netip.MustParseAddr("203.0.113.9"), "NZ"
	a := attemptFrom(o)
	h.Learn(a, Outcome{Success: true, MFA: true})
	if r := Evaluate(Settings{}, h, Previous{}, a); r.Score != 0 {
		t.Fatalf("score %d after the stranger's success", r.Score)
	}
	if !h.Feedback(a.Keys, false, noon.Add(time.Hour)) {
		t.Error("feedback changes nothing")
	}
	r := Evaluate(Settings{}, h, Previous{}, a)
	for s, want := range map[Signal]int{UnknownDevice: 20, NewNetwork: 5, NewCountry: 20, InvalidFeedback: 50, RecentMFA: 0} {
		if r.Points(s) != want {
			t.Errorf("%v: %d, want %d", s, r.Points(s), want)
		}
	}
	// The last word counts.
	h.Feedback(a.Keys, true, noon.Add(2*time.Hour))
	r = Evaluate(Settings{}, h, Previous{}, a)
	if r.Points(InvalidFeedback) != 0 || r.Points(ValidFeedback) != -15 {
		t.Errorf("after valid feedback: %d, %d", r.Points(InvalidFeedback), r.Points(ValidFeedback))
	}
}

func TestContextIsExpectedOfAClient(t *testing.T) {
	t.Parallel()
	h := &History{}
	a := attemptFrom(home())
	for i := range 40 {
		a.Context = contextdata.Valid
		if i%5 == 4 {
			a.Context = contextdata.Absent
		}
		a.Time = noon.AddDate(0, 0, i)
		h.Learn(a, Outcome{Success: true})
	}
	if h.expectsContext(a.Keys.Client, dayOf(a.Time)) {
		t.Error("80 % is more than 80 %")
	}
	a.Context, a.Time = contextdata.Valid, a.Time.AddDate(0, 0, 1)
	h.Learn(a, Outcome{Success: true})
	if !h.expectsContext(a.Keys.Client, dayOf(a.Time)) {
		t.Error("33 of 41 is not more than 80 %")
	}
}

func TestKeysDependOnTheSalt(t *testing.T) {
	t.Parallel()
	one, other := NewKeys(salt, home()), NewKeys([]byte("another"), home())
	if one.Device == other.Device || one.Address == other.Address || one.Network == other.Network || one.Fingerprint == other.Fingerprint {
		t.Error("a key does not depend on the salt")
	}
	same := home()
	same.DeviceID = same.Fingerprint
	if k := NewKeys(salt, same); k.Device == k.Fingerprint {
		t.Error("a device id and a fingerprint have one key")
	}
	if NewKeys(salt, Origin{}) != (Keys{}) {
		t.Error("nothing has a key")
	}
	v6 := func(text string) Keys { return NewKeys(salt, Origin{Address: netip.MustParseAddr(text)}) }
	if a, b, c := v6("2001:db8:1:2::1"), v6("2001:db8:1:3::1"), v6("2001:db8:2::1"); a.Network != b.Network || a.Network == c.Network || a.Address == b.Address {
		t.Error("IPv6 networks are not /48")
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	good := regular().Append(nil)
	for name, b := range map[string][]byte{
		"version": append([]byte{9}, good[1:]...),
		"cut":     good[:len(good)-1],
		"longer":  append(bytes.Clone(good), 0),
		"large":   append(bytes.Clone(good), make([]byte, MaxEncoded)...),
		"count":   append([]byte{1, 1, 1, maxDevices + 1}, make([]byte, 500)...),
	} {
		if _, err := Decode(b); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if h, err := Decode(nil); err != nil || h.Successes != 0 {
		t.Errorf("no bytes: %v, %v", h, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(regular().Append(nil))
	f.Add((&History{}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := Decode(b)
		if err != nil {
			return
		}
		again := h.Append(nil)
		if len(again) > len(b) && len(b) > 0 {
			t.Errorf("%d bytes became %d", len(b), len(again))
		}
		got, err := Decode(again)
		if err != nil || !reflect.DeepEqual(got, h) {
			t.Errorf("%+v, %v, want %+v", got, err, h)
		}
		a := attemptFrom(home())
		if r := Evaluate(Settings{}, h, yesterday, a); r.Score < 0 || r.Score > 100 {
			t.Errorf("score %d", r.Score)
		}
		h.Learn(a, Outcome{Success: true, MFA: true})
		h.Feedback(a.Keys, false, a.Time)
		if n := len(h.Append(nil)); n > MaxEncoded+64 {
			t.Errorf("%d bytes after learning", n)
		}
	})
}
