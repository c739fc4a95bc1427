package sigv4

import "time"

const (
	// Skew is how far a request's time may be from the server's.
	Skew = 5 * time.Minute
	// SkewS3 is the same for requests of Amazon S3.
	SkewS3 = 15 * time.Minute
	// maxLifetime is the longest time of a presigned URL.
	maxLifetime = 7 * 24 * time.Hour
	// maxQueryLifetime is the longest time of a presigned URL of other services than S3.
	maxQueryLifetime = 15 * time.Minute
)

// CheckClock refuses requests signed too long ago or in the future, and presigned URLs
// beyond their time.
func (s *Signature) CheckClock(now time.Time) error {
	now = now.UTC().Truncate(time.Second)
	before, after, minutes := Skew, Skew, "5 min.)"
	if s.isS3() {
		before, after, minutes = SkewS3, SkewS3, "15 min.)"
	}
	if s.Presigned {
		before = s.Lifetime
		if !s.isS3() {
			before = min(before, maxQueryLifetime)
		}
	}
	at, here := s.Time.Format(isoBasic), now.Format(isoBasic)
	if earliest := now.Add(-before); s.Time.Before(earliest) {
		if s.Presigned {
			return invalid("Signature expired: " + s.Time.Add(before).Format(isoBasic) + " is now earlier than " + here).because(Expired)
		}
		return invalid("Signature expired: " + at + " is now earlier than " + earliest.Format(isoBasic) + " (" + here + " - " + minutes).because(Skewed)
	}
	if latest := now.Add(after); s.Time.After(latest) {
		reason := Skewed
		if s.Presigned {
			reason = NotYetValid
		}
		return invalid("Signature not yet current: " + at + " is still later than " + latest.Format(isoBasic) + " (" + here + " + " + minutes).because(reason)
	}
	return nil
}

// Expiry returns when a presigned URL ends.
func (s *Signature) Expiry() time.Time { return s.Time.Add(s.Lifetime) }
