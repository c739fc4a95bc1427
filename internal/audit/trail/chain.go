package trail

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"cognate/internal/api/awsjson"
	"cognate/internal/keys"
	"cognate/internal/store"
)

// A position is the end of a chain: the place of a record, and its hash.
type position struct {
	chain, seq int64
	hash       [32]byte
}

// chain appends the records of this process to its chain. It is the intake's writer of records.
type chain struct {
	trail *Trail
	// end is the committed end; its chain is 0 before the first record. pending is the end
	// after the transaction that is being made.
	end, pending position
	// unsure is true after a failure: the transaction may have been committed.
	unsure    bool
	startedAt time.Time
	// lost is what a record of the transaction says about a gap.
	lost int64
	// sinceCheckpoint counts records.
	sinceCheckpoint int64
}

// checkpointRecords is how many records a chain gets at most before the next checkpoint.
const checkpointRecords = 10_000

var errForeignHead = errors.New("trail: the head of the chain is not the one that this process has written")

// Insert implements intake.Writer.
func (c *chain) Insert(ctx context.Context, tx *store.Tx, rows []*store.AuditEvent) error {
	err := c.insert(ctx, tx, rows, c.unsure)
	if errors.Is(err, store.ErrConflict) && !c.unsure {
		err = c.insert(ctx, tx, rows, true)
	}
	return err
}

func (c *chain) insert(ctx context.Context, tx *store.Tx, rows []*store.AuditEvent, unsure bool) error {
	t, end, now := c.trail, c.end, c.trail.deps.Now()
	if unsure && end.chain != 0 {
		var err error
		if end, err = c.settled(ctx, tx); err != nil {
			return err
		}
	}
	list := make([]store.AuditEvent, 0, len(rows)+2)
	fresh := end.chain == 0
	if fresh {
		start, err := t.startRecord(ctx, tx, now)
		if err != nil {
			return err
		}
		end.chain, c.startedAt = newChain(), now
		list = append(list, *start)
	}
	count, from, to := t.gap.seen()
	if c.lost = count; count > 0 {
		list = append(list, *t.gapRecord(now, count, from, to))
	}
	for _, r := range rows {
		if r != nil { // Nil asks for the record about a gap alone.
			list = append(list, *r)
		}
	}
	next := end
	for i := range list {
		next = appendRecord(next, &list[i])
	}
	row := store.AuditChain{
		Chain: next.chain, Seq: next.seq, Head: t.sealHead(next), StartedAt: c.startedAt, UpdatedAt: now,
	}
	var err error
	if fresh {
		err = tx.InsertAuditChain(ctx, row)
	} else {
		err = tx.MoveAuditHead(ctx, row, end.seq)
	}
	if err != nil {
		return err
	}
	if err := tx.InsertAuditEvents(ctx, list); err != nil {
		return err
	}
	c.pending = next
	if c.sinceCheckpoint+int64(len(list)) < checkpointRecords {
		return nil
	}
	return tx.PutAuditCheckpoint(ctx, t.checkpointRow(next, t.sign(now, []ChainHead{headOf(next, 0, [32]byte{})})))
}

// appendRecord sets the position and the hash of a record after the position end, and returns the
// new end.
func appendRecord(end position, e *store.AuditEvent) position {
	e.Chain, e.Seq = end.chain, end.seq+1
	e.Hash = hashOf(end.hash, e)
	return position{e.Chain, e.Seq, e.Hash}
}

// Settle implements intake.Writer.
func (c *chain) Settle(_ []*store.AuditEvent, err error) {
	t := c.trail
	if err != nil {
		c.unsure = true
		t.failedAt.Store(t.deps.Now().UnixNano())
		return
	}
	t.failedAt.Store(0)
	c.unsure = false
	c.sinceCheckpoint += c.pending.seq - c.end.seq
	if c.pending.chain != c.end.chain || c.sinceCheckpoint >= checkpointRecords {
		c.sinceCheckpoint = 0
	}
	c.end = c.pending
	if c.lost > 0 {
		t.gap.recorded(c.lost)
		t.deps.Log.Warn("the audit trail has a record about the records that it lost", slog.Int64("lost", c.lost))
	}
	t.maintenance.moved.Store(true)
}

// settled returns the end of the chain after a transaction whose outcome is unknown. If the chain
// has another end, a new chain begins: the records after that end must not look as if they
// followed it.
func (c *chain) settled(ctx context.Context, tx *store.Tx) (position, error) {
	row, err := tx.AuditChain(ctx, c.end.chain)
	if errors.Is(err, store.ErrNotFound) {
		c.trail.deps.Log.Error("the chain of the audit trail is gone; a new chain begins", slog.String("chain", ChainName(c.end.chain)))
		return position{}, nil
	}
	if err != nil {
		return position{}, err
	}
	head, err := c.trail.openHead(row)
	if err == nil && (head == c.end || head == c.pending) {
		return head, nil
	}
	c.trail.deps.Log.Error("a new chain of the audit trail begins", slog.String("chain", ChainName(c.end.chain)), slog.Any("error", cmp.Or(err, errForeignHead)))
	return position{}, nil
}

// newChain returns a random number for a chain, of 60 bits.
func newChain() int64 {
	var b [8]byte
	for {
		rand.Read(b[:])
		if n := int64(binary.BigEndian.Uint64(b[:]) >> 4); n != 0 {
			return n
		}
	}
}

// headAD binds a sealed head to its row.
func headAD(column string, chain int64) []byte {
	return fmt.Appendf(nil, "audit_chains\x00%s\x00%d", column, chain)
}

func (t *Trail) sealHead(p position) []byte { return t.sealPosition("head", p) }

func (t *Trail) sealPosition(column string, p position) []byte {
	plain := append(binary.BigEndian.AppendUint64(make([]byte, 0, 40), uint64(p.seq)), p.hash[:]...)
	return t.deps.Ring.Seal(keys.PurposeAuditHead, headAD(column, p.chain), plain)
}

// openHead returns the last position of a chain.
func (t *Trail) openHead(c store.AuditChain) (position, error) {
	p, err := t.openPosition("head", c.Chain, c.Head)
	if err == nil && p.seq != c.Seq {
		err = errForeignHead
	}
	return p, err
}

// openTail returns the position before the first record that is kept.
func (t *Trail) openTail(c store.AuditChain) (position, error) {
	if len(c.Tail) == 0 && c.First == 1 {
		return position{chain: c.Chain}, nil
	}
	p, err := t.openPosition("tail", c.Chain, c.Tail)
	if err == nil && p.seq != c.First-1 {
		err = errForeignHead
	}
	return p, err
}

func (t *Trail) openPosition(column string, chain int64, sealed []byte) (position, error) {
	plain, err := t.deps.Ring.Open(keys.PurposeAuditHead, headAD(column, chain), sealed)
	if err != nil {
		return position{}, err
	}
	p := position{chain: chain}
	if len(plain) != 8+len(p.hash) {
		return p, errors.New("trail: a sealed position has another length")
	}
	p.seq = int64(binary.BigEndian.Uint64(plain))
	copy(p.hash[:], plain[8:])
	return p, nil
}

// maxNamedHeads is how many other chains the first record of a chain names. They are those that
// were written last.
const maxNamedHeads = 1000

// chainPage is how many chains are read at once.
const chainPage = 500

// eachChain calls f for each chain.
func eachChain(ctx context.Context, r *store.Reader, live bool, f func(store.AuditChain) error) error {
	after := int64(0)
	for {
		list, err := r.AuditChains(ctx, live, after, chainPage)
		if err != nil {
			return err
		}
		for _, c := range list {
			if err := f(c); err != nil {
				return err
			}
			after = c.Chain
		}
		if len(list) < chainPage {
			return nil
		}
	}
}

// ownRecord returns a record that the trail makes about itself.
func (t *Trail) ownRecord(kind, name string, at time.Time, service []byte) *store.AuditEvent {
	e := &store.AuditEvent{At: at, Kind: kind, Source: sourceTrail, Name: name}
	seal(e, &details{
		Account: t.deps.AccountID, Identity: json.RawMessage(`{"accountId":"` + t.deps.AccountID + `"}`), Service: service,
	}, &personal{SourceIP: sourceTrail})
	return e
}

// startRecord returns the first record of a chain. It names the heads of the other chains, so that
// a chain cannot be removed as a whole.
func (t *Trail) startRecord(ctx context.Context, tx *store.Tx, now time.Time) (*store.AuditEvent, error) {
	var others []store.AuditChain
	err := eachChain(ctx, &tx.Reader, true, func(c store.AuditChain) error {
		others = append(others, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(others, func(a, b store.AuditChain) int { return b.UpdatedAt.Compare(a.UpdatedAt) })
	heads := make([]ChainHead, 0, min(len(others), maxNamedHeads))
	for _, c := range others[:min(len(others), maxNamedHeads)] {
		head, err := t.openHead(c)
		if err != nil {
			// Verification finds it. The trail goes on.
			t.deps.Log.ErrorContext(ctx, "the head of another chain of the audit trail is not valid", slog.String("chain", ChainName(c.Chain)), slog.Any("error", err))
			continue
		}
		heads = append(heads, headOf(head, 0, [32]byte{}))
	}
	text, err := json.Marshal(startDetails{Heads: heads, Others: len(others)})
	if err != nil {
		return nil, err
	}
	return t.ownRecord(KindStart, "AuditTrailStart", now, text), nil
}

// startDetails is what the first record of a chain says.
type startDetails struct {
	Heads []ChainHead `json:"heads"`
	// Others is how many other chains there were.
	Others int `json:"others"`
}

// gapRecord returns the record about lost records.
func (t *Trail) gapRecord(now time.Time, count int64, from, to time.Time) *store.AuditEvent {
	b := awsjson.Int(append(make([]byte, 0, 128), `{"lost":`...), count)
	b = appendText(b, `"from":`, from.UTC().Format(time.RFC3339))
	b = append(appendText(b, `"to":`, to.UTC().Format(time.RFC3339)), '}')
	return t.ownRecord(KindGap, "AuditTrailGap", now, b)
}
