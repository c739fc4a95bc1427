// Package score rates how likely it is that somebody else signs in as a user.
//
// [Evaluate] is a pure function. It takes an attempt, the user's history, the time and place of
// the last success, and the settings of the pool. It returns a score from 0 to 100, a level, and
// the signals that the score consists of. Signals that say the same thing share a group, and
// each group has a cap.
//
// # What the caller stores
//
// A [History] is one bounded document for each user, at most [MaxEncoded] bytes. [History.Learn]
// reports whether the document must be written: only if the attempt taught something new, or if
// it is the first success of a day. So an ordinary sign-in writes only the row of its event.
// Therefore the document does not have the time and place of the last success: the caller reads
// them from the newest successful event and passes them as [Previous]. An event also keeps its
// [Keys], because [History.Feedback] needs them.
//
// Devices, user agents, networks and addresses are in a history only as hashes with a salt of
// the pool. Countries and autonomous systems are numbers in plain form.
package score
