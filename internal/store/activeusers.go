package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"
)

// A Month is a calendar month in UTC: 202611 is November 2026.
type Month int

// MonthOf returns the month of a time.
func MonthOf(t time.Time) Month {
	t = t.UTC()
	return Month(t.Year()*100 + int(t.Month()))
}

// An ActiveUser is a user who was active in a month. ClientID is "" for the pool as a whole. Federated users signed in at a
// SAML or OpenID Connect provider.
type ActiveUser struct {
	PoolID    string
	Month     Month
	UserID    string
	ClientID  string
	Federated bool
}

// ActiveCount is how many users were active. ClientID is "" for the pool as a whole.
type ActiveCount struct {
	PoolID    string
	Month     Month
	ClientID  string
	Users     int64
	Federated int64
}

// activeShards is how many rows a count has. Transactions of several servers choose one of them, so that they seldom wait
// for each other.
const activeShards = 16

// MonthKept is how long after a month's end its rows of users are kept. Until then a server can still count users of the
// month that it could not write before.
const MonthKept = 72 * time.Hour

// federatedProfile is the condition for the profile of a person from a SAML or OpenID Connect provider. Its
// username begins with the name of the provider. The names of social providers are fixed.
const federatedProfile = "status = 'EXTERNAL_PROVIDER' AND LOWER(SUBSTR(username_key, 1, 9)) <> 'facebook_' AND LOWER(SUBSTR(username_key, 1, 7)) <> 'google_' " +
	"AND LOWER(SUBSTR(username_key, 1, 16)) NOT IN ('loginwithamazon_', 'signinwithapple_')"

var (
	// The lock makes a deletion of the user, which is under way, and this insert exclude each other.
	activeInsert = prepare("INSERT INTO active_users (pool_id, month, user_id, client_id, federated) SELECT pool_id, ?, id, ?, CASE WHEN ? = 1 OR " + federatedProfile + " THEN 1 ELSE 0 END " +
		"FROM users WHERE pool_id = ? AND id = ?{for_key_share} ON CONFLICT (pool_id, month, user_id, client_id) DO NOTHING RETURNING federated")
	activeFederate = prepare("UPDATE active_users SET federated = 1 WHERE pool_id = ? AND month = ? AND user_id = ? AND client_id = ? AND federated = 0")
	activeDeleted  = prepare("INSERT INTO active_users (pool_id, month, user_id, client_id, federated) VALUES (?, ?, ?, '', 0) ON CONFLICT (pool_id, month, user_id, client_id) DO NOTHING")
	activeOfUser   = prepare("SELECT client_id, federated FROM active_users WHERE pool_id = ? AND month = ? AND user_id = ?")
	activeForget   = prepare("DELETE FROM active_users WHERE pool_id = ? AND month = ? AND user_id = ?")
	activeAdd      = prepare("INSERT INTO active_counts (pool_id, month, client_id, shard, users, federated) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (pool_id, month, client_id, shard) DO UPDATE SET " +
		"users = active_counts.users + excluded.users, federated = active_counts.federated + excluded.federated")
	activeMonthAdd = prepare("INSERT INTO active_months (pool_id, month) VALUES (?, ?) ON CONFLICT (pool_id, month) DO NOTHING")

	activeOf   = prepare("SELECT users, federated FROM active_counts WHERE pool_id = ? AND month = ? AND client_id = ?")
	activeList = prepare("SELECT pool_id, client_id, shard, users, federated FROM active_counts WHERE month = ? AND (pool_id, client_id, shard) > (?, ?, ?) ORDER BY pool_id, client_id, shard LIMIT {limit}")

	activeOldMonths = prepare("SELECT pool_id, month FROM active_months WHERE month < ? ORDER BY month, pool_id LIMIT 100")
	activeOldRows   = sweepExpired("active_users", "pool_id, month, user_id, client_id", "pool_id = ? AND month = ?")
	activeMonthDone = prepare("DELETE FROM active_months WHERE pool_id = ? AND month = ?")
)

// CountActive counts users who were active. A user who is counted already, or who was deleted, is not counted again.
func (tx *Tx) CountActive(ctx context.Context, list []ActiveUser) error {
	type place struct {
		pool, client string
		month        Month
	}
	add := map[place]*ActiveCount{}
	for _, a := range list {
		isNew, federated, err := tx.countActive(ctx, a)
		if err != nil {
			return err
		}
		at := place{a.PoolID, a.ClientID, a.Month}
		if add[at] == nil {
			add[at] = &ActiveCount{PoolID: a.PoolID, Month: a.Month, ClientID: a.ClientID}
		}
		if isNew {
			add[at].Users++
		}
		if federated {
			add[at].Federated++
		}
	}
	for _, c := range add {
		if err := tx.addActive(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// countActive reports whether the user was not counted before, and not counted as a federated user before.
func (tx *Tx) countActive(ctx context.Context, a ActiveUser) (isNew, federated bool, err error) {
	err = tx.one(ctx, activeInsert, []any{int(a.Month), a.ClientID, a.Federated, a.PoolID, a.UserID}, &federated)
	if err == nil {
		return true, federated, nil
	}
	if !errors.Is(err, ErrNotFound) || !a.Federated {
		return false, false, ignoreNotFound(err)
	}
	n, err := tx.session.exec(ctx, activeFederate, []any{a.PoolID, int(a.Month), a.UserID, a.ClientID})
	return false, n > 0, err
}

func ignoreNotFound(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

func (tx *Tx) addActive(ctx context.Context, c *ActiveCount) error {
	if c.Users == 0 && c.Federated == 0 {
		return nil
	}
	if err := tx.run(ctx, activeMonthAdd, c.PoolID, int(c.Month)); err != nil {
		return err
	}
	shard := rand.IntN(activeShards) //nolint:gosec // no secret
	return tx.run(ctx, activeAdd, c.PoolID, int(c.Month), c.ClientID, shard, c.Users, c.Federated)
}

// forgetActive counts a user who is deleted as active in this month, and removes the rows with the user's id. The insert
// conflicts with a count that is under way, so that the user is counted once.
func (tx *Tx) forgetActive(ctx context.Context, poolID, userID string) error {
	month := MonthOf(tx.now())
	n, err := tx.session.exec(ctx, activeDeleted, []any{poolID, int(month), userID})
	if err != nil {
		return err
	}
	if err := tx.addActive(ctx, &ActiveCount{PoolID: poolID, Month: month, Users: n}); err != nil {
		return err
	}
	return tx.dropActive(ctx, poolID, userID)
}

// keptMonths are the months whose rows of users are not swept yet.
func keptMonths(now time.Time) []Month { return []Month{MonthOf(now), MonthOf(now.Add(-MonthKept))} }

// dropActive removes the rows with the user's id. The counts stay.
func (tx *Tx) dropActive(ctx context.Context, poolID, userID string) error {
	for _, m := range keptMonths(tx.now()) {
		if err := tx.run(ctx, activeForget, poolID, int(m), userID); err != nil {
			return err
		}
	}
	return nil
}

// ActiveMonthsOf lists the rows that say that a user was active, of the months whose rows are kept.
func (r *Reader) ActiveMonthsOf(ctx context.Context, poolID, userID string, now time.Time) (list []ActiveUser, err error) {
	months := keptMonths(now)
	for _, m := range slices.Compact(months) {
		rows, err := all(ctx, r, activeOfUser, []any{poolID, int(m), userID}, func(r row, a *ActiveUser) error {
			a.PoolID, a.Month, a.UserID = poolID, m, userID
			return r.scan(&a.ClientID, &a.Federated)
		})
		if err != nil {
			return nil, err
		}
		list = append(list, rows...)
	}
	return list, nil
}

// ActiveUsers returns how many users of a pool were active in a month, by one app client or, with "", by any.
func (r *Reader) ActiveUsers(ctx context.Context, poolID string, month Month, clientID string) (ActiveCount, error) {
	c := ActiveCount{PoolID: poolID, Month: month, ClientID: clientID}
	err := r.session.query(ctx, activeOf, []any{poolID, int(month), clientID}, func(r row) error {
		var users, federated int64
		err := r.scan(&users, &federated)
		c.Users += users
		c.Federated += federated
		return err
	})
	return c, err
}

// activePage is how many rows of counts one query reads.
const activePage = 1000

// EachActiveCount calls f for the counts of a month, in the order of pools and app clients.
func (s *Store) EachActiveCount(ctx context.Context, month Month, f func(ActiveCount)) error {
	var sum ActiveCount
	var pool, client string
	shard := -1
	for {
		n := 0
		err := s.session.query(ctx, activeList, []any{int(month), pool, client, shard, activePage}, func(r row) error {
			n++
			c := ActiveCount{Month: month}
			if err := r.scan(&c.PoolID, &c.ClientID, &shard, &c.Users, &c.Federated); err != nil {
				return err
			}
			pool, client = c.PoolID, c.ClientID
			if sum.PoolID != c.PoolID || sum.ClientID != c.ClientID {
				if sum.PoolID != "" {
					f(sum)
				}
				sum = ActiveCount{PoolID: c.PoolID, Month: month, ClientID: c.ClientID}
			}
			sum.Users += c.Users
			sum.Federated += c.Federated
			return nil
		})
		if err != nil {
			return err
		}
		if n < activePage {
			break
		}
	}
	if sum.PoolID != "" {
		f(sum)
	}
	return nil
}

// sweepMonths removes the rows of users of past months. The counts stay.
func (s *Store) sweepMonths(ctx context.Context, deleted *int, batch int, now time.Time) error {
	type poolMonth struct {
		pool  string
		month int
	}
	list, err := all(ctx, &s.Reader, activeOldMonths, []any{int(MonthOf(now.Add(-MonthKept)))}, func(r row, p *poolMonth) error {
		return r.scan(&p.pool, &p.month)
	})
	if err != nil {
		return err
	}
	for _, p := range list {
		before := *deleted
		if err := s.sweep(ctx, deleted, batch, activeOldRows, p.pool, p.month); err != nil {
			return err
		}
		if *deleted >= batch {
			return nil
		}
		if *deleted == before {
			err := s.Update(ctx, func(tx *Tx) error { return tx.run(ctx, activeMonthDone, p.pool, p.month) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}
