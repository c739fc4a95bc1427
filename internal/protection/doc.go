// Package protection is threat protection: it judges sign-ins, records them as events of their users, and learns from them.
//
// Evaluate rates a sign-in whose first factor is proven, or whose password was wrong. It returns an Event, which says by its
// Verdict what has to follow, and which the caller writes in a transaction of its own. The same event is changed when a
// later step ends the sign-in. For pools without threat protection there is no event, and nothing is read or written.
//
// The package reads no request and sends no answer: package signin asks it and follows it. A user who does not exist takes
// the same path as a user who does. The event of such a user goes to a row that no list shows.
package protection
