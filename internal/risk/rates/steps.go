package rates

import (
	"math"
	"time"
)

const (
	// stepCount is how many steps between events are looked at.
	stepCount = 8
	// evenStep is the standard deviation below which steps are more even than those of a
	// person.
	evenStep = 50 * time.Millisecond
	// stepAge is how old the newest step may be.
	stepAge = eventMinutes * time.Minute
)

// steps has the times of the last events of a key, in Unix nanoseconds. The oldest is at n
// modulo their number.
type steps struct {
	times [stepCount + 1]int64
	n     int
}

// even reports whether the last events came in even steps.
func (s *steps) even(now int64) bool {
	if s.n <= stepCount || now-s.times[(s.n-1)%len(s.times)] > int64(stepAge) {
		return false
	}
	var sum, squares float64
	for i := range stepCount {
		step := time.Duration(s.times[(s.n+i+1)%len(s.times)] - s.times[(s.n+i)%len(s.times)]).Seconds()
		sum += step
		squares += step * step
	}
	mean := sum / stepCount
	return math.Sqrt(max(0, squares/stepCount-mean*mean)) < evenStep.Seconds()
}

// AddStep notes the time of an event of the key.
func (r *Rates) AddStep(k Key) {
	now := r.deps.Now()
	r.steps.with(k, now.Unix()/60, true, func(s *steps, _ *shard[steps]) {
		s.times[s.n%len(s.times)] = now.UnixNano()
		s.n++
	})
}

// EvenSteps reports whether the last nine events of the key, on this server, came in steps
// that are more even than those of a person. They may be as fast as they like.
func (r *Rates) EvenSteps(k Key) (even bool) {
	now := r.deps.Now()
	r.steps.with(k, now.Unix()/60, false, func(s *steps, _ *shard[steps]) { even = s.even(now.UnixNano()) })
	return even
}
