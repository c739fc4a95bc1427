package rates

import "time"

const (
	// trendPeriod is the time of which one share of failures is taken.
	trendPeriod = 10 * time.Minute
	// trendMemory is how many periods the usual share is a mean of: a week.
	trendMemory = 7 * 24 * 6
	// trendKnown is the number of periods from which the usual share means something.
	trendKnown = 36
	// minTrend is the number of attempts below which a share of failures means nothing: of a
	// period that is added to the usual share, and of now.
	minOfPeriod, minOfNow = 5, 20
	// leastUsual is the least share that counts as usual: people mistype.
	leastUsual = 0.02
)

// A trend compares the share of failed attempts of now with the usual one. Each period
// counts the same for the usual share, however many attempts it had: so a flood of
// attempts cannot make itself usual.
type trend struct {
	period int64 // of the newest counts
	// attempts and failures are those of the newest period and of the one before, by the
	// parity of the period.
	attempts, failures [2]uint32
	usual              float64
	periods            uint32 // how many periods usual has
}

// at moves on to a period.
func (t *trend) at(period int64) {
	if t.period == 0 {
		t.period = period
	}
	for range min(period-t.period, 2) {
		t.learn(t.attempts[(t.period+1)%2], t.failures[(t.period+1)%2])
		t.period++
		t.attempts[t.period%2], t.failures[t.period%2] = 0, 0
	}
	t.period = max(t.period, period)
}

// learn adds a period to the usual share. Once the share is known, a period counts at
// most twice the usual.
func (t *trend) learn(attempts, failures uint32) {
	if attempts < minOfPeriod {
		return
	}
	share := float64(failures) / float64(attempts)
	if t.periods >= trendKnown {
		share = min(share, 2*max(t.usual, leastUsual))
	}
	t.periods = min(t.periods+1, trendMemory)
	t.usual += (share - t.usual) / float64(t.periods)
}

// ratio returns by how much the share of now is above the usual one, and 0 if that is not
// known.
func (t *trend) ratio() float64 {
	attempts := t.attempts[0] + t.attempts[1]
	if t.periods < trendKnown || attempts < minOfNow {
		return 0
	}
	share := float64(t.failures[0]+t.failures[1]) / float64(attempts)
	return share / max(t.usual, leastUsual)
}

func (r *Rates) trendPeriod() int64 { return r.deps.Now().Unix() / int64(trendPeriod/time.Second) }

// AddOutcome counts an attempt of the key, and whether it failed.
func (r *Rates) AddOutcome(k Key, failed bool) {
	now := r.trendPeriod()
	r.trends.with(k, now, true, func(t *trend, _ *shard[trend]) {
		t.at(now)
		t.attempts[t.period%2]++
		if failed {
			t.failures[t.period%2]++
		}
	})
}

// FailureRatio returns by how much the share of failures in the last ten to twenty minutes
// is above that of a usual time of the last week, on this server. It returns 0 if there
// are too few attempts, or if the server has not seen the key for long enough.
func (r *Rates) FailureRatio(k Key) (ratio float64) {
	now := r.trendPeriod()
	r.trends.with(k, now, false, func(t *trend, _ *shard[trend]) {
		t.at(now)
		ratio = t.ratio()
	})
	return ratio
}
