package store

import (
	"context"
	"strings"
	"time"
)

// An AuditEvent is a record of the audit trail. Chain and Seq are its position. Sub, Username and Personal can name a
// person, and are empty after an erasure. Hash covers all other fields, and of those three the Commitment.
type AuditEvent struct {
	Chain, Seq          int64
	At                  time.Time
	Kind, Source, Name  string
	ReadOnly            bool
	Region, PoolID      string
	Resource, AccessKey string
	Error, RequestID    string
	Body                []byte
	Sub, Username       string
	Personal            []byte
	Commitment, Hash    [32]byte
}

// An AuditChain is the records of one process. Head and Tail are sealed.
type AuditChain struct {
	Chain, Seq           int64
	Head                 []byte
	First                int64
	Tail                 []byte
	StartedAt, UpdatedAt time.Time
	Live                 bool
}

// An AuditCheckpoint is a signed statement about the heads of chains.
type AuditCheckpoint struct {
	Chain, Seq int64
	At         time.Time
	Doc        []byte
}

// An AuditPlace is a place in the order by time.
type AuditPlace struct {
	At         time.Time `json:"at"`
	Chain, Seq int64
}

// An AuditIndex is a column by which records are found.
type AuditIndex uint8

// The indexes. AuditBySub needs the pool's id and the sub, AuditByTime nothing, the others one value.
const (
	AuditByTime AuditIndex = iota
	AuditByName
	AuditByPool
	AuditBySub
	AuditByAccessKey
	AuditByError
	AuditByUsername
	AuditByResource
	AuditByRequest
)

const (
	auditColumns     = "chain, seq, at, kind, source, name, read_only, region, pool_id, resource, access_key, error, request_id, body, sub, username, personal, commitment, hash"
	auditColumnCount = 19
	auditChainOf     = "chain, seq, head, first_seq, tail, started_at, updated_at, live"
	auditSelect      = "SELECT " + auditColumns + " FROM audit_events WHERE "
	auditNewest      = "at >= ? AND (at, chain, seq) < (?, ?, ?) ORDER BY at DESC, chain DESC, seq DESC LIMIT {limit}"
)

// auditInserts write that many rows at once, the most first.
var auditInserts = []struct {
	rows int
	st   *statement
}{{64, prepareAuditInsert(64)}, {16, prepareAuditInsert(16)}, {4, prepareAuditInsert(4)}, {1, prepareAuditInsert(1)}}

func prepareAuditInsert(rows int) *statement {
	one := "(" + strings.Repeat("?, ", auditColumnCount-1) + "?)"
	return prepare("INSERT INTO audit_events (" + auditColumns + ") VALUES " + strings.Repeat(one+", ", rows-1) + one)
}

var (
	auditLists = [...]*statement{
		AuditByTime:      prepare(auditSelect + auditNewest),
		AuditByName:      prepare(auditSelect + "name = ? AND " + auditNewest),
		AuditByPool:      prepare(auditSelect + "pool_id = ? AND pool_id > '' AND " + auditNewest),
		AuditBySub:       prepare(auditSelect + "pool_id = ? AND sub = ? AND sub > '' AND " + auditNewest),
		AuditByAccessKey: prepare(auditSelect + "access_key = ? AND access_key > '' AND " + auditNewest),
		AuditByError:     prepare(auditSelect + "error = ? AND error > '' AND " + auditNewest),
		AuditByUsername:  prepare(auditSelect + "username = ? AND username > '' AND " + auditNewest),
		AuditByResource:  prepare(auditSelect + "resource = ? AND resource > '' AND " + auditNewest),
		AuditByRequest:   prepare(auditSelect + "request_id = ? AND request_id > '' AND " + auditNewest),
	}
	auditOfChain = prepare(auditSelect + "chain = ? AND seq > ? ORDER BY seq LIMIT {limit}")
	auditErase   = prepare("UPDATE audit_events SET sub = '', username = '', personal = ? WHERE (chain, seq) IN" +
		" (SELECT chain, seq FROM audit_events WHERE pool_id = ? AND sub = ? AND sub > '' LIMIT {limit})")
	auditSweep = prepare("DELETE FROM audit_events WHERE chain = ? AND seq >= ? AND seq < ?")

	auditChainByID   = prepare("SELECT " + auditChainOf + " FROM audit_chains WHERE chain = ?")
	auditChainList   = prepare("SELECT " + auditChainOf + " FROM audit_chains WHERE chain > ? ORDER BY chain LIMIT {limit}")
	auditChainLive   = prepare("SELECT " + auditChainOf + " FROM audit_chains WHERE live = 1 AND chain > ? ORDER BY chain LIMIT {limit}")
	auditChainInsert = prepare("INSERT INTO audit_chains (" + auditChainOf + ") VALUES (?, ?, ?, 1, ?, ?, ?, 1) ON CONFLICT DO NOTHING")
	auditChainMove   = prepare("UPDATE audit_chains SET seq = ?, head = ?, updated_at = ?, live = 1 WHERE chain = ? AND seq = ?")
	auditChainCut    = prepare("UPDATE audit_chains SET first_seq = ?, tail = ? WHERE chain = ? AND first_seq = ?")
	auditChainEnd    = prepare("UPDATE audit_chains SET live = 0 WHERE chain = ? AND seq = ?")

	checkpointInsert = prepare("INSERT INTO audit_checkpoints (chain, seq, at, doc) VALUES (?, ?, ?, ?) ON CONFLICT (chain, seq) DO UPDATE SET at = excluded.at, doc = excluded.doc")
	checkpointList   = prepare("SELECT chain, seq, at, doc FROM audit_checkpoints WHERE (chain, seq) > (?, ?) ORDER BY chain, seq LIMIT {limit}")
	checkpointSweep  = sweepExpired("audit_checkpoints", "chain, seq", "at <= ?")
)

func scanAuditEvent(r row, e *AuditEvent) error {
	return r.scan(&e.Chain, &e.Seq, &e.At, &e.Kind, &e.Source, &e.Name, &e.ReadOnly, &e.Region, &e.PoolID, &e.Resource, &e.AccessKey,
		&e.Error, &e.RequestID, &e.Body, &e.Sub, &e.Username, &e.Personal, &e.Commitment, &e.Hash)
}

func scanAuditChain(r row, c *AuditChain) error {
	return r.scan(&c.Chain, &c.Seq, &c.Head, &c.First, &c.Tail, &c.StartedAt, &c.UpdatedAt, &c.Live)
}

// InsertAuditEvents adds records. Their positions must be new.
func (tx *Tx) InsertAuditEvents(ctx context.Context, list []AuditEvent) error {
	for _, in := range auditInserts {
		for len(list) >= in.rows {
			args := make([]any, 0, in.rows*auditColumnCount)
			for i := range list[:in.rows] {
				e := &list[i]
				args = append(args, e.Chain, e.Seq, e.At, e.Kind, e.Source, e.Name, e.ReadOnly, e.Region, e.PoolID, e.Resource, e.AccessKey,
					e.Error, e.RequestID, e.Body, e.Sub, e.Username, e.Personal, e.Commitment, e.Hash)
			}
			if err := tx.run(ctx, in.st, args...); err != nil {
				return err
			}
			list = list[in.rows:]
		}
	}
	return nil
}

// AuditEvents lists records, the newest first: those not before from, and before a place.
func (r *Reader) AuditEvents(ctx context.Context, by AuditIndex, values []string, from time.Time, before AuditPlace, limit int) ([]AuditEvent, error) {
	args := make([]any, 0, 7)
	for _, v := range values {
		args = append(args, v)
	}
	args = append(args, from, before.At, before.Chain, before.Seq, limit)
	return all(ctx, r, auditLists[by], args, scanAuditEvent)
}

// AuditEventsOf lists the records of a chain after a position, in order.
func (r *Reader) AuditEventsOf(ctx context.Context, chain, after int64, limit int) ([]AuditEvent, error) {
	return all(ctx, r, auditOfChain, []any{chain, after, limit}, scanAuditEvent)
}

// EraseAuditEvents removes what can name a person from at most limit records about a user. It returns the number of
// records.
func (tx *Tx) EraseAuditEvents(ctx context.Context, poolID, sub string, limit int) (int64, error) {
	return tx.session.exec(ctx, auditErase, []any{[]byte{}, poolID, sub, limit})
}

// DeleteAuditEvents removes the records of a chain from first to before next.
func (tx *Tx) DeleteAuditEvents(ctx context.Context, chain, first, next int64) error {
	return tx.run(ctx, auditSweep, chain, first, next)
}

// AuditChain reads a chain.
func (r *Reader) AuditChain(ctx context.Context, chain int64) (AuditChain, error) {
	return first(ctx, r, auditChainByID, []any{chain}, scanAuditChain)
}

// AuditChains lists the chains by their numbers, of which live ones have records.
func (r *Reader) AuditChains(ctx context.Context, live bool, after int64, limit int) ([]AuditChain, error) {
	st := auditChainList
	if live {
		st = auditChainLive
	}
	return all(ctx, r, st, []any{after, limit}, scanAuditChain)
}

// InsertAuditChain adds a chain, or returns an ExistsError.
func (tx *Tx) InsertAuditChain(ctx context.Context, c AuditChain) error {
	return tx.insert(ctx, "audit-chain", auditChainInsert, c.Chain, c.Seq, c.Head, c.Tail, c.StartedAt, c.UpdatedAt)
}

// MoveAuditHead sets the head of a chain that ended at oldSeq, or returns ErrConflict.
func (tx *Tx) MoveAuditHead(ctx context.Context, c AuditChain, oldSeq int64) error {
	return tx.change(ctx, ErrConflict, auditChainMove, c.Seq, c.Head, c.UpdatedAt, c.Chain, oldSeq)
}

// CutAuditChain sets the first record that is kept of a chain that began at oldFirst, or returns ErrConflict.
func (tx *Tx) CutAuditChain(ctx context.Context, c AuditChain, oldFirst int64) error {
	return tx.change(ctx, ErrConflict, auditChainCut, c.First, c.Tail, c.Chain, oldFirst)
}

// EndAuditChain marks a chain that has no records, unless it has grown. It is live again when it grows.
func (tx *Tx) EndAuditChain(ctx context.Context, c AuditChain) error {
	return tx.run(ctx, auditChainEnd, c.Chain, c.Seq)
}

// PutAuditCheckpoint stores a checkpoint. It replaces a checkpoint of the same head.
func (tx *Tx) PutAuditCheckpoint(ctx context.Context, c AuditCheckpoint) error {
	return tx.run(ctx, checkpointInsert, c.Chain, c.Seq, c.At, c.Doc)
}

// AuditCheckpoints lists the checkpoints by chain and position.
func (r *Reader) AuditCheckpoints(ctx context.Context, afterChain, afterSeq int64, limit int) ([]AuditCheckpoint, error) {
	return all(ctx, r, checkpointList, []any{afterChain, afterSeq, limit}, func(r row, c *AuditCheckpoint) error {
		return r.scan(&c.Chain, &c.Seq, &c.At, &c.Doc)
	})
}

// SweepAuditCheckpoints removes the checkpoints that were made before a time, at most limit.
func (tx *Tx) SweepAuditCheckpoints(ctx context.Context, before time.Time, limit int) error {
	return tx.run(ctx, checkpointSweep, before, limit)
}
