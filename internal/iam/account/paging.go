package account

import (
	"context"
	"strings"
	"time"

	"cognate/internal/iam/record"
	"cognate/internal/store"
)

const (
	defaultItems = 100
	// pageLife is how long a marker is good for.
	pageLife = 24 * time.Hour
)

// place is where a list goes on.
type place struct {
	op     string
	bind   []string // the parameters that the marker belongs to
	marker *string
	max    *int32
}

func (p place) limit() int {
	if p.max == nil {
		return defaultItems
	}
	return int(*p.max)
}

// after returns the key after which the page begins.
func (s *Service) after(p place) (string, error) {
	if p.marker == nil {
		return "", nil
	}
	key, err := s.deps.Pages.Decode(p.op, p.bind, *p.marker, s.deps.Now())
	if err != nil {
		return "", invalid("Invalid Marker.")
	}
	return string(key), nil
}

// next returns the marker of the next page.
func (s *Service) next(p place, lastKey string) *string {
	return new(s.deps.Pages.Encode(p.op, p.bind, []byte(lastKey), s.deps.Now().Add(pageLife)))
}

// page cuts a page out of a list that is sorted by key. The marker is nil on the last page.
func page[T any](s *Service, p place, list []T, key func(T) string) ([]T, *string, error) {
	after, err := s.after(p)
	if err != nil {
		return nil, nil, err
	}
	out := make([]T, 0, min(len(list), p.limit()))
	for _, v := range list {
		if p.marker != nil && key(v) <= after {
			continue
		}
		if len(out) == p.limit() {
			return out, s.next(p, key(out[len(out)-1])), nil
		}
		out = append(out, v)
	}
	return out, nil, nil
}

// batch is how many entities are read at once.
const batch = 200

// list returns a page of the entities of a kind whose path begins with a prefix.
func (s *Service) list(ctx context.Context, r *store.Reader, kind, prefix string, p place) (out []*record.Entity, next *string, err error) {
	p.bind = append([]string{prefix}, p.bind...)
	after, err := s.after(p)
	if err != nil {
		return nil, nil, err
	}
	for {
		rows, err := r.IAMEntities(ctx, kind, after, batch)
		if err != nil {
			return nil, nil, err
		}
		for _, row := range rows {
			after = row.Key
			if !strings.HasPrefix(row.Path, prefix) {
				continue
			}
			if len(out) == p.limit() {
				return out, s.next(p, out[len(out)-1].Key), nil
			}
			e, err := record.Read(row)
			if err != nil {
				return nil, nil, err
			}
			out = append(out, e)
		}
		if len(rows) < batch {
			return out, nil, nil
		}
	}
}
