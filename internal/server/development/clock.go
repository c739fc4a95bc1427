package development

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cognate/internal/server/edge"
)

// Clock is the clock of a development server: the machine's time, put forward or back.
// Everything that the directory decides by time uses it. Times that other programs check
// use the machine's clock: signatures, in both directions, and the keys that seal. A
// production server has no such clock.
type Clock struct {
	machine func() time.Time
	offset  atomic.Int64 // nanoseconds
	totp    atomic.Bool  // authenticator apps are judged by this clock, not by the machine's
	setting sync.Mutex
}

// NewClock returns a clock that goes with the machine's until it is set.
func NewClock(machine func() time.Time) *Clock { return &Clock{machine: machine} }

// Now returns the time.
func (c *Clock) Now() time.Time { return c.machine().Add(time.Duration(c.offset.Load())) }

// TOTP returns the time by which codes of authenticator apps are judged. Apps use the machine's
// clock, unless the clock was set for them, too.
func (c *Clock) TOTP() time.Time {
	if c.totp.Load() {
		return c.Now()
	}
	return c.machine()
}

// Reset returns the clock to the machine's time.
func (c *Clock) Reset() {
	c.setting.Lock()
	defer c.setting.Unlock()
	c.offset.Store(0)
	c.totp.Store(false)
}

// The range of the clock. Beyond it offsets overflow, and so do the dates of clients.
var (
	clockFrom = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	clockTo   = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

// clockSetting is a change of the clock: one of the first three, and whether codes of authenticator
// apps are judged by this clock from now on.
type clockSetting struct {
	Set     *time.Time `json:"set"`
	Advance *string    `json:"advance"`
	Reset   *bool      `json:"reset"`
	TOTP    *bool      `json:"totp"`
}

var errClockSetting = errors.New(`say one of {"set": "2030-01-31T12:00:00Z"}, {"advance": "25h"} and {"reset": true}; "totp": true beside it moves codes of authenticator apps, too`)

// change changes the clock, which may go back.
func (c *Clock) change(s clockSetting) error {
	c.setting.Lock()
	defer c.setting.Unlock()
	machine := c.machine()
	var next time.Time
	switch {
	case s.Set != nil && s.Advance == nil && s.Reset == nil:
		next = *s.Set
	case s.Advance != nil && s.Set == nil && s.Reset == nil:
		d, err := parseAdvance(*s.Advance)
		if err != nil {
			return err
		}
		next = machine.Add(time.Duration(c.offset.Load())).Add(d)
	case s.Reset != nil && *s.Reset && s.Set == nil && s.Advance == nil && s.TOTP == nil:
		c.offset.Store(0)
		c.totp.Store(false)
		return nil
	case s.TOTP != nil && s.Reset == nil && s.Set == nil && s.Advance == nil:
		c.totp.Store(*s.TOTP)
		return nil
	default:
		return errClockSetting
	}
	if next.Before(clockFrom) || !next.Before(clockTo) {
		return errors.New("the clock goes from the year 2000 to the year 2199")
	}
	c.offset.Store(int64(next.Sub(machine)))
	if s.TOTP != nil {
		c.totp.Store(*s.TOTP)
	}
	return nil
}

// parseAdvance reads "90m", "25h" or, in whole days, "31d"; "-1h" goes back.
func parseAdvance(s string) (time.Duration, error) {
	const most = 200 * 366 // days
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < -most || n > most {
			return 0, errors.New("advance must be a time such as 90m, 25h or 31d")
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d.Abs() > most*24*time.Hour {
		return 0, errors.New("advance must be a time such as 90m, 25h or 31d")
	}
	return d, nil
}

// maxClockBody is the largest body of a request.
const maxClockBody = 4 << 10

// showClock answers the time of the server.
func (t *Tools) showClock(w http.ResponseWriter, _ *http.Request) {
	machine := t.deps.Clock.machine()
	offset := time.Duration(t.deps.Clock.offset.Load())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"now":     machine.Add(offset).UTC().Truncate(time.Millisecond),
		"machine": machine.UTC().Truncate(time.Millisecond),
		"offset":  offset.Truncate(time.Millisecond).String(),
		"totp":    t.deps.Clock.totp.Load(),
	})
}

// setClock sets the clock. Pages of other machines may not: they could end every session
// of a developer, and expired rows are deleted.
func (t *Tools) setClock(w http.ResponseWriter, r *http.Request) {
	if err := t.deps.OriginPolicy.Screen(r); err != nil {
		edge.WriteStatus(w, http.StatusForbidden, "this page may not set the clock")
		return
	}
	var in clockSetting
	dec := json.NewDecoder(io.LimitReader(r.Body, maxClockBody))
	dec.DisallowUnknownFields()
	err := dec.Decode(&in)
	if err != nil {
		err = errClockSetting
	} else {
		err = t.deps.Clock.change(in)
	}
	if err != nil {
		edge.WriteStatus(w, http.StatusBadRequest, err.Error())
		return
	}
	t.deps.Log.InfoContext(r.Context(), "clock set", slog.Time("now", t.deps.Clock.Now()))
	t.showClock(w, r)
}
