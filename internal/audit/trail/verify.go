package trail

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"cognate/internal/store"
)

// A Finding is a fault of the records.
type Finding struct {
	// Kind is one of the kinds below.
	Kind string `json:"kind"`
	// Chain is the chain's name, or "".
	Chain string `json:"chain,omitempty"`
	// From and To are the records, by their position in the chain.
	From int64  `json:"from,omitempty"`
	To   int64  `json:"to,omitempty"`
	Text string `json:"text"`
}

// The kinds of findings.
const (
	FindingChanged    = "changed"
	FindingRemoved    = "removed"
	FindingReordered  = "reordered"
	FindingTruncated  = "truncated"
	FindingAdded      = "added"
	FindingHead       = "head"
	FindingChain      = "chain-removed"
	FindingRolledBack = "rolled-back"
	FindingCheckpoint = "checkpoint"
)

// A Report is the result of a verification.
type Report struct {
	Chains      int       `json:"chains"`
	Records     int64     `json:"records"`
	Erased      int64     `json:"erased"`
	Lost        int64     `json:"lost"` // of which records about gaps speak
	Checkpoints int       `json:"checkpoints"`
	Findings    []Finding `json:"findings"`
	// More is true if there are more findings than the report has.
	More bool `json:"more,omitempty"`
}

// maxFindings bounds a report.
const maxFindings = 1000

func (r *Report) add(kind, chain string, from, to int64, format string, args ...any) {
	if len(r.Findings) == maxFindings {
		r.More = true
		return
	}
	r.Findings = append(r.Findings, Finding{Kind: kind, Chain: chain, From: from, To: to, Text: fmt.Sprintf(format, args...)})
}

// A claim is the hash that a checkpoint or a record of another chain states for a record.
type claim struct {
	seq    int64
	hash   string
	source string
	kind   string // of the finding if there is no such record
}

// verifier verifies all chains.
type verifier struct {
	trail  *Trail
	report *Report
	claims map[int64][]claim
}

// Verify checks the records against their hashes, the heads of their chains, each other and the
// checkpoints. outside is a checkpoint that was kept elsewhere, or nil. An error means that the
// database could not be read.
func (t *Trail) Verify(ctx context.Context, outside *Checkpoint) (*Report, error) {
	v := &verifier{trail: t, report: &Report{}, claims: map[int64][]claim{}}
	if outside != nil {
		if err := t.check(ctx, outside); err != nil {
			return nil, err
		}
		v.claim(outside.Chains, "the checkpoint of "+outside.Time.Format(time.RFC3339), FindingRolledBack)
	}
	// What is stated about chains is read before their heads: a chain may grow meanwhile.
	if err := v.readCheckpoints(ctx); err != nil {
		return nil, err
	}
	if err := v.readStarts(ctx); err != nil {
		return nil, err
	}
	var chains []store.AuditChain
	err := eachChain(ctx, &t.deps.Store.Reader, false, func(c store.AuditChain) error {
		chains = append(chains, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, c := range chains {
		if err := v.chain(ctx, c); err != nil {
			return nil, err
		}
	}
	v.missingChains(chains)
	v.report.Chains = len(chains)
	return v.report, nil
}

// claim notes what a statement says about other chains.
func (v *verifier) claim(heads []ChainHead, source, kind string) {
	for _, h := range heads {
		if chain, err := ParseChain(h.Chain); err == nil {
			v.claims[chain] = append(v.claims[chain], claim{h.Seq, h.Hash, source, kind})
		}
	}
}

// readCheckpoints verifies the stored checkpoints.
func (v *verifier) readCheckpoints(ctx context.Context) error {
	var chain, seq int64
	for {
		list, err := v.trail.deps.Store.AuditCheckpoints(ctx, chain, seq, chainPage)
		if err != nil {
			return err
		}
		for _, row := range list {
			chain, seq = row.Chain, row.Seq
			c, err := ParseCheckpoint(row.Doc)
			if err == nil {
				err = v.trail.check(ctx, c)
			}
			if err != nil {
				v.report.add(FindingCheckpoint, ChainName(row.Chain), row.Seq, 0, "a stored checkpoint is not valid: %v", err)
				continue
			}
			v.report.Checkpoints++
			v.claim(c.Chains, "the stored checkpoint of "+c.Time.Format(time.RFC3339), FindingTruncated)
		}
		if len(list) < chainPage {
			return nil
		}
	}
}

// readStarts reads what the first records of chains state about other chains. The walk of the chain
// verifies the first record itself.
func (v *verifier) readStarts(ctx context.Context) error {
	return eachChain(ctx, &v.trail.deps.Store.Reader, true, func(c store.AuditChain) error {
		list, err := v.trail.deps.Store.AuditEventsOf(ctx, c.Chain, 0, 1)
		if err != nil || len(list) == 0 || list[0].Kind != KindStart {
			return err
		}
		var d details
		var s startDetails
		if json.Unmarshal(list[0].Body, &d) == nil && json.Unmarshal(d.Service, &s) == nil {
			v.claim(s.Heads, "the beginning of chain "+ChainName(c.Chain), FindingTruncated)
		}
		return nil
	})
}

// missingChains reports the chains that somebody states and that are not there.
func (v *verifier) missingChains(chains []store.AuditChain) {
	for _, c := range chains {
		delete(v.claims, c.Chain)
	}
	for chain, claims := range v.claims {
		last := slices.MaxFunc(claims, func(a, b claim) int { return cmp.Compare(a.seq, b.seq) })
		kind := FindingChain
		if last.kind == FindingRolledBack {
			kind = FindingRolledBack
		}
		v.report.add(kind, ChainName(chain), 1, last.seq, "the whole chain is missing; %s states that it had %d records", last.source, last.seq)
	}
	slices.SortStableFunc(v.report.Findings, func(a, b Finding) int { return cmp.Compare(a.Chain, b.Chain) })
}

// verifyPage is how many records are read at once.
const verifyPage = 500

// walk is the state of the verification of one chain.
type walk struct {
	*verifier

	name string
	// last is the record before the next one. known is false if its hash is not known, because
	// records are missing.
	last  position
	known bool
	// odd are records whose hash is wrong, with the hash before each.
	odd []oddRecord
	// claims are sorted by position.
	claims []claim
}

type oddRecord struct {
	event  store.AuditEvent
	before [32]byte
}

// maxOdd is how many records with a wrong hash are compared with each other.
const maxOdd = 64

func (v *verifier) chain(ctx context.Context, c store.AuditChain) error {
	w := &walk{verifier: v, name: ChainName(c.Chain), claims: v.claims[c.Chain]}
	slices.SortStableFunc(w.claims, func(a, b claim) int { return cmp.Compare(a.seq, b.seq) })
	head, err := v.trail.openHead(c)
	if err != nil {
		v.report.add(FindingHead, w.name, c.Seq, 0, "the row of the chain's head was changed: %v", err)
		head = position{c.Chain, c.Seq, [32]byte{}}
	}
	tail, tailErr := v.trail.openTail(c)
	if tailErr != nil {
		v.report.add(FindingHead, w.name, c.First, 0, "the row of the chain's beginning was changed: %v", tailErr)
		tail = position{c.Chain, 0, [32]byte{}}
	}
	w.last, w.known = tail, tailErr == nil
	for {
		list, err := v.trail.deps.Store.AuditEventsOf(ctx, c.Chain, w.last.seq, verifyPage)
		if err != nil {
			return err
		}
		for i := range list {
			if list[i].Seq > head.seq {
				list = list[:i]
				break
			}
			if swept, err := w.sweptMeanwhile(ctx, c, &list[i]); err != nil || swept {
				return err
			}
			w.record(&list[i])
		}
		if len(list) < verifyPage {
			break
		}
	}
	w.end(head, err == nil)
	return w.beyond(ctx, head)
}

// sweptMeanwhile verifies the chain again if old records were removed since its row was read.
func (w *walk) sweptMeanwhile(ctx context.Context, c store.AuditChain, e *store.AuditEvent) (bool, error) {
	if e.Seq == w.last.seq+1 {
		return false, nil
	}
	now, err := w.trail.deps.Store.AuditChain(ctx, c.Chain)
	if err != nil || now.First <= c.First {
		return false, nil //nolint:nilerr // The gap is reported.
	}
	return true, w.verifier.chain(ctx, now)
}

// record checks the next record of the chain.
func (w *walk) record(e *store.AuditEvent) {
	w.report.Records++
	if e.Seq != w.last.seq+1 {
		w.report.add(FindingRemoved, w.name, w.last.seq+1, e.Seq-1, "%d records are missing", e.Seq-1-w.last.seq)
		w.known = false
	}
	if w.known && hashOf(w.last.hash, e) != e.Hash {
		if len(w.odd) < maxOdd {
			w.odd = append(w.odd, oddRecord{*e, w.last.hash})
		} else {
			w.report.add(FindingChanged, w.name, e.Seq, 0, "the record does not have the content or the place that its hash is of")
		}
	}
	switch {
	case Erased(e):
		w.report.Erased++
	case !isCommitted(e):
		w.report.add(FindingChanged, w.name, e.Seq, 0, "the personal part of the record was changed")
	}
	w.compare(e)
	w.countLost(e)
	w.last, w.known = position{e.Chain, e.Seq, e.Hash}, true
}

// compare checks what others state about a record.
func (w *walk) compare(e *store.AuditEvent) {
	for len(w.claims) > 0 && w.claims[0].seq <= e.Seq {
		c := w.claims[0]
		w.claims = w.claims[1:]
		if c.seq == e.Seq && c.hash != hexOf(e.Hash) {
			w.report.add(c.kind, w.name, e.Seq, 0, "the record is not the one that %s states", c.source)
		}
	}
}

// countLost adds what a record says about lost records.
func (w *walk) countLost(e *store.AuditEvent) {
	var d details
	var g struct {
		Lost int64 `json:"lost"`
	}
	if e.Kind == KindGap && json.Unmarshal(e.Body, &d) == nil && json.Unmarshal(d.Service, &g) == nil {
		w.report.Lost += g.Lost
	}
}

// end checks the last record against the head.
func (w *walk) end(head position, trusted bool) {
	w.reportOdd()
	switch {
	case w.last.seq < head.seq:
		w.report.add(FindingTruncated, w.name, w.last.seq+1, head.seq, "the last %d records are missing", head.seq-w.last.seq)
	case trusted && w.known && head.hash != w.last.hash:
		w.report.add(FindingChanged, w.name, head.seq, 0, "the last record is not the one that the chain's head states")
	}
	for _, c := range w.claims {
		if c.seq > head.seq {
			w.report.add(c.kind, w.name, head.seq+1, c.seq, "%s states %d records, and the chain ends at %d", c.source, c.seq, head.seq)
		}
	}
}

// beyond reports records after the head, unless the chain has grown.
func (w *walk) beyond(ctx context.Context, head position) error {
	list, err := w.trail.deps.Store.AuditEventsOf(ctx, head.chain, head.seq, 1)
	if err != nil || len(list) == 0 {
		return err
	}
	now, err := w.trail.deps.Store.AuditChain(ctx, head.chain)
	if errors.Is(err, store.ErrNotFound) || err == nil && now.Seq < list[0].Seq {
		w.report.add(FindingAdded, w.name, list[0].Seq, 0, "there are records after the chain's head")
		return nil
	}
	return err
}

// reportOdd says of each record with a wrong hash whether it is a record of another place, or a
// changed one.
func (w *walk) reportOdd() {
	hashes := make([][32]byte, 0, 2*len(w.odd))
	for _, o := range w.odd {
		hashes = append(hashes, o.before, o.event.Hash)
	}
	found := map[int64]Finding{}
	for _, o := range w.odd {
		if place, ok := w.placeOf(o.event, hashes); ok {
			found[o.event.Seq] = Finding{FindingReordered, w.name, o.event.Seq, 0, fmt.Sprintf("the record at this place is the record %d", place)}
		}
	}
	for _, o := range w.odd {
		if f, ok := found[o.event.Seq]; ok {
			w.report.add(f.Kind, f.Chain, f.From, f.To, "%s", f.Text)
			continue
		}
		// The record after a moved one has a wrong hash before it.
		if _, after := found[o.event.Seq-1]; after && w.fits(o.event, hashes) {
			continue
		}
		w.report.add(FindingChanged, w.name, o.event.Seq, 0, "the record does not have the content that its hash is of")
	}
}

// placeOf returns the place among the odd records to which a record belongs.
func (w *walk) placeOf(e store.AuditEvent, hashes [][32]byte) (int64, bool) {
	is := e.Seq
	for _, other := range w.odd {
		e.Seq = other.event.Seq
		if e.Seq != is && w.fits(e, hashes) {
			return e.Seq, true
		}
	}
	return 0, false
}

// fits reports whether the hash of a record is right after one of the hashes.
func (w *walk) fits(e store.AuditEvent, hashes [][32]byte) bool {
	return slices.ContainsFunc(hashes, func(h [32]byte) bool { return hashOf(h, &e) == e.Hash })
}
