package store

import (
	"context"
	"time"
)

// A RateReport is what one server counted of its busy keys in the last seconds. Doc is of package rates.
type RateReport struct {
	Node      string
	Seq       int64
	ExpiresAt time.Time
	Doc       []byte
}

// maxRateReports is how many reports are read: more than servers of one database.
const maxRateReports = 128

var (
	rateReportPut = prepare("INSERT INTO rate_reports (node, seq, expires_at, doc) VALUES (?, ?, ?, ?) ON CONFLICT (node) DO UPDATE SET " +
		"seq = excluded.seq, expires_at = excluded.expires_at, doc = excluded.doc")
	rateReportList = prepare("SELECT node, seq, expires_at, doc FROM rate_reports WHERE expires_at > ? LIMIT {limit}")
)

// PutRateReport stores the report of a server in place of its last.
func (tx *Tx) PutRateReport(ctx context.Context, r RateReport) error {
	return tx.run(ctx, rateReportPut, r.Node, r.Seq, r.ExpiresAt, r.Doc)
}

// RateReports returns the reports of all servers that expire later.
func (r *Reader) RateReports(ctx context.Context, now time.Time) ([]RateReport, error) {
	return all(ctx, r, rateReportList, []any{now, maxRateReports}, func(r row, p *RateReport) error {
		return r.scan(&p.Node, &p.Seq, &p.ExpiresAt, &p.Doc)
	})
}

// A ProvisionedLimit is the limit of a category of operations, in requests a second.
type ProvisionedLimit struct {
	Category  string
	Value     int
	UpdatedAt time.Time
}

var (
	provisionedPut = prepare("INSERT INTO provisioned_limits (category, value, updated_at) VALUES (?, ?, ?) ON CONFLICT (category) DO UPDATE SET " +
		"value = excluded.value, updated_at = excluded.updated_at")
	provisionedList = prepare("SELECT category, value, updated_at FROM provisioned_limits ORDER BY category")
)

// PutProvisionedLimit stores the limit of a category.
func (tx *Tx) PutProvisionedLimit(ctx context.Context, l ProvisionedLimit) error {
	return tx.run(ctx, provisionedPut, l.Category, l.Value, l.UpdatedAt)
}

// ProvisionedLimits reads the limits of all categories that have one.
func (r *Reader) ProvisionedLimits(ctx context.Context) ([]ProvisionedLimit, error) {
	return all(ctx, r, provisionedList, nil, func(r row, l *ProvisionedLimit) error {
		return r.scan(&l.Category, &l.Value, &l.UpdatedAt)
	})
}
