package rates_test

import (
	"testing"
	"time"

	"cognate/internal/risk/rates"
)

// period counts attempts of ten minutes and then lets the time pass.
func period(c *clock, r *rates.Rates, k rates.Key, attempts, failures int) {
	for i := range attempts {
		r.AddOutcome(k, i < failures)
	}
	c.add(10 * time.Minute)
}

// TestFailureRatio learns a usual share of failures, and compares a flood of them with it.
func TestFailureRatio(t *testing.T) {
	t.Parallel()
	c := newClock()
	r := alone(c)
	k := r.Key(rates.Outcomes, "pool")
	wantAbout := func(want float64) {
		t.Helper()
		if got := r.FailureRatio(k); got < want*0.9 || got > want*1.1 {
			t.Errorf("ratio %.2f, want about %.2f", got, want)
		}
	}
	wantAbout(0)
	for range 30 {
		period(c, r, k, 50, 5)
	}
	wantAbout(0) // Too little is known.
	for range 200 {
		period(c, r, k, 50, 5)
		period(c, r, k, 3, 3) // Few attempts say nothing.
	}
	period(c, r, k, 50, 5)
	wantAbout(1)
	c.add(20 * time.Minute)
	wantAbout(0) // There are no attempts.

	// A flood does not become usual by its size.
	for range 6 {
		for i := range 5000 {
			r.AddOutcome(k, i%10 != 0)
		}
		wantAbout(9)
		c.add(10 * time.Minute)
	}
	// A long time without attempts changes nothing.
	c.add(48 * time.Hour)
	wantAbout(0)
	period(c, r, k, 50, 5)
	wantAbout(1)
	if other := r.FailureRatio(r.Key(rates.Outcomes, "pool", "AS64500")); other != 0 {
		t.Errorf("an unknown key has the ratio %f", other)
	}
}

// TestPeopleWhoNeverMistype: a usual share of nothing does not make each mistake an attack.
func TestPeopleWhoNeverMistype(t *testing.T) {
	t.Parallel()
	c := newClock()
	r := alone(c)
	k := r.Key(rates.Outcomes, "pool")
	for range 100 {
		period(c, r, k, 20, 0)
	}
	period(c, r, k, 100, 2)
	if got := r.FailureRatio(k); got > 1.1 {
		t.Errorf("2 of 100 have the ratio %.2f", got)
	}
}

// TestEvenSteps tells a program from a person by the times of nine events.
func TestEvenSteps(t *testing.T) {
	t.Parallel()
	steps := func(ms ...int) []time.Duration {
		var list []time.Duration
		for _, m := range ms {
			list = append(list, time.Duration(m)*time.Millisecond)
		}
		return list
	}
	for _, tt := range []struct {
		name  string
		steps []time.Duration
		want  bool
	}{
		{"each second", steps(1000, 1010, 990, 1000, 1005, 995, 1000, 1000), true},
		{"at once", steps(0, 1, 0, 2, 0, 1, 0, 0), true},
		{"too few", steps(1000, 1000, 1000, 1000, 1000, 1000, 1000), false},
		{"a person", steps(4000, 6500, 3100, 9000, 4400, 5200, 2900, 7700), false},
		{"a person who types fast", steps(2000, 2120, 1890, 2200, 2010, 1930, 2150, 2080), false},
		{"a person and then a program", steps(4000, 6500, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000), true},
		{"a program and then a person", steps(1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 4200), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newClock()
			r := alone(c)
			k := r.Key(rates.Failures, "pool", "192.0.2.1")
			r.AddStep(k)
			for _, s := range tt.steps {
				c.add(s)
				r.AddStep(k)
			}
			if got := r.EvenSteps(k); got != tt.want {
				t.Errorf("even is %v", got)
			}
			c.add(16 * time.Minute)
			if r.EvenSteps(k) {
				t.Error("even after a quarter of an hour")
			}
		})
	}
}
