package store

import (
	"context"
	"errors"
	"time"
)

// deliveryLife is how long a destination may be out of use until its positions are forgotten.
const deliveryLife = 400 * 24 * time.Hour

// A Delivery says how far a stream of records has gone to a destination. Until its lease ends,
// only the owner sends.
type Delivery struct {
	Destination, Stream string
	Position            int64
	Owner               string
	LeaseUntil          time.Time
}

var (
	deliveryByKey  = prepare("SELECT destination, stream, position, owner, lease_until FROM deliveries WHERE destination = ? AND stream = ?")
	deliveryInsert = prepare("INSERT INTO deliveries (destination, stream, position, owner, lease_until) VALUES (?, ?, 0, ?, ?) ON CONFLICT DO NOTHING")
	deliveryTake   = prepare("UPDATE deliveries SET owner = ?, lease_until = ? WHERE destination = ? AND stream = ? AND (owner = ? OR lease_until <= ?)")
	deliveryMove   = prepare("UPDATE deliveries SET position = ?, lease_until = ? WHERE destination = ? AND stream = ? AND owner = ?")
	deliveryFree   = prepare("UPDATE deliveries SET lease_until = ? WHERE destination = ? AND stream = ? AND owner = ?")
)

func scanDelivery(r row, d *Delivery) error {
	return r.scan(&d.Destination, &d.Stream, &d.Position, &d.Owner, &d.LeaseUntil)
}

// ErrLeased means that another process has the lease.
var ErrLeased = errors.New("store: another process has the lease")

// TakeDelivery assigns the lease of a stream to a process, and returns the delivery. It returns
// ErrLeased if another process has the lease.
func (tx *Tx) TakeDelivery(ctx context.Context, destination, stream, owner string, now, until time.Time) (Delivery, error) {
	if _, err := tx.session.exec(ctx, deliveryInsert, []any{destination, stream, owner, until}); err != nil {
		return Delivery{}, err
	}
	if err := tx.change(ctx, ErrLeased, deliveryTake, owner, until, destination, stream, owner, now); err != nil {
		return Delivery{}, err
	}
	return first(ctx, &tx.Reader, deliveryByKey, []any{destination, stream}, scanDelivery)
}

// Delivery reads a delivery.
func (r *Reader) Delivery(ctx context.Context, destination, stream string) (Delivery, error) {
	return first(ctx, r, deliveryByKey, []any{destination, stream}, scanDelivery)
}

// MoveDelivery notes that the destination has all records up to a position, and prolongs the
// lease. It returns ErrLeased if the lease went to another process.
func (tx *Tx) MoveDelivery(ctx context.Context, d Delivery) error {
	return tx.change(ctx, ErrLeased, deliveryMove, d.Position, d.LeaseUntil, d.Destination, d.Stream, d.Owner)
}

// FreeDelivery ends a lease of a process that stops.
func (tx *Tx) FreeDelivery(ctx context.Context, d Delivery, now time.Time) error {
	return tx.run(ctx, deliveryFree, now, d.Destination, d.Stream, d.Owner)
}
