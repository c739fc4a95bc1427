package keys

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Rotate makes the next data key for each of the purposes and returns the records to
// store. The ring uses the keys once they are loaded. Old keys still open the values that
// they sealed: a token until the longest life of its kind is over, a row always.
func (r *Ring) Rotate(ctx context.Context, now time.Time, purposes ...Purpose) ([]WrappedKey, error) {
	state := r.state.Load()
	var added []WrappedKey
	for _, p := range purposes {
		if !slices.Contains(Purposes(), p) {
			return nil, fmt.Errorf("keys: purpose %q has no key that rotates", p)
		}
		w, err := newDataKey(ctx, r.kek.Load(), p, state.newest[p]+1, now)
		if err != nil {
			return nil, err
		}
		added = append(added, w)
	}
	return added, nil
}

// ErrYoungKey means that servers may not have loaded a data key yet.
var ErrYoungKey = errors.New("keys: a data key is younger than SealDelay")

// CheckSettled returns ErrYoungKey if a data key is so new that a running server may not
// have loaded it. After a change of the key-encryption key, that server could not load it.
func CheckSettled(records []WrappedKey, now time.Time) error {
	for _, w := range records {
		if w.ID > 1 && w.CreatedAt.After(now.Add(-SealDelay)) {
			return ErrYoungKey
		}
	}
	return nil
}

// Rewrap wraps records by the new key-encryption key. It returns those that were not
// wrapped by it before. The data keys stay the same, so sealed values do not change.
func Rewrap(ctx context.Context, from, to *KEK, records []WrappedKey) ([]WrappedKey, error) {
	var changed []WrappedKey
	for _, w := range records {
		if _, err := to.Unwrap(ctx, w.wrapPurpose(), w.Wrapped); err == nil {
			continue
		}
		key, err := from.Unwrap(ctx, w.wrapPurpose(), w.Wrapped)
		if err != nil {
			return nil, fmt.Errorf("data key %s/%d: %w", w.Purpose, w.ID, err)
		}
		if w.Wrapped, err = to.Wrap(ctx, w.wrapPurpose(), key); err != nil {
			return nil, err
		}
		changed = append(changed, w)
	}
	return changed, nil
}

// Retire retires all data keys and the hash root, as after a theft. It returns all
// records as they must be stored, in one transaction: the old ones, retired, and a
// new key for each purpose, which seals at once. The key-encryption key to wraps them
// all. If to is nil, the ring's own key wraps them.
func (r *Ring) Retire(ctx context.Context, to *KEK, records []WrappedKey, now time.Time) ([]WrappedKey, error) {
	from := r.kek.Load()
	to = cmp.Or(to, from)
	changed, err := Rewrap(ctx, from, to, records)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(records)
	newest := map[Purpose]uint32{}
	for _, p := range append(Purposes(), purposeHash) {
		newest[p] = 0
	}
	for i, w := range all {
		if j := slices.IndexFunc(changed, func(c WrappedKey) bool { return c.Purpose == w.Purpose && c.ID == w.ID }); j >= 0 {
			all[i] = changed[j]
		}
		if w.RetiredAt.IsZero() {
			all[i].RetiredAt = now
		}
		newest[w.Purpose] = max(newest[w.Purpose], w.ID) // also those of a newer version of this program
	}
	for p, id := range newest {
		w, err := newDataKey(ctx, to, p, id+1, now)
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b WrappedKey) int { return cmp.Or(cmp.Compare(a.Purpose, b.Purpose), cmp.Compare(a.ID, b.ID)) })
	return all, nil
}
