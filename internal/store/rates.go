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

// RateReports reads the reports that have not expired, of all servers.
func (r *Reader) RateReports(ctx context.Context, now time.Time) ([]RateReport, error) {
	return all(ctx, r, rateReportList, []any{now, maxRateReports}, func(r row, p *RateReport) error {
		return r.scan(&p.Node, &p.Seq, &p.ExpiresAt, &p.Doc)
	})
}
