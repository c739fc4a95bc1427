package userimport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// line is one line of a batch, with the user to store or the error.
type line struct {
	number int64
	end    int64 // where the next line begins
	blank  bool
	person *person
	fault  error // a lineError, or errExists
}

// A result describes a batch after it was stored.
type result struct {
	job           *job // as it is stored now
	read, written int  // lines
	ended         bool // the job, too
}

// nextSize returns how many lines the next batch may have: as many as could be stored in
// time, or twice as many if all were stored.
func (r result) nextSize(size int) int {
	if r.written < r.read {
		return max(1, r.written)
	}
	return min(2*size, batchLines)
}

// batch reads, prepares and stores some lines.
func (s *Service) batch(ctx context.Context, sn *pool.Snapshot, j *job, file *source, size int) (result, error) {
	next := *j // as the job is after this batch
	if next.Offset == 0 {
		text, err := file.line(ctx)
		if err != nil && !errors.Is(err, io.EOF) {
			return result{}, err
		}
		columns, ok := header(sn, j.Algorithm, text)
		if !ok {
			return result{ended: true}, s.fail(ctx, j, messageNoHeader)
		}
		next.Columns, next.Line = columns, 1
	}
	lines, ended, err := s.lines(ctx, sn, &next, file, size)
	if err != nil {
		return result{}, err
	}
	out := result{read: len(lines)}
	if out.job, out.written, err = s.store(ctx, sn, j, &next, lines); err != nil {
		return result{}, err
	}
	if out.written < out.read {
		file.next = out.job.Offset
		return out, nil
	}
	if ended {
		out.ended = true
		return out, s.succeed(ctx, out.job)
	}
	return out, nil
}

// lines reads and prepares lines of the file. It advances next past them.
func (s *Service) lines(ctx context.Context, sn *pool.Snapshot, next *job, file *source, size int) (lines []line, ended bool, err error) {
	lines = make([]line, 0, size)
	for until := s.deps.Now().Add(batchTime); len(lines) < size; {
		if len(lines) > 0 && !s.deps.Now().Before(until) {
			break
		}
		text, err := file.line(ctx)
		if errors.Is(err, io.EOF) {
			ended = true
			break
		}
		if err != nil {
			return nil, false, err
		}
		next.Line++
		l := line{number: next.Line, end: file.next, blank: text == ""}
		if !l.blank {
			if l.person, err = s.parsePerson(sn, next, text); err != nil {
				if _, ok := errors.AsType[lineError](err); !ok {
					return nil, false, fmt.Errorf("userimport: line %d: %w", l.number, err)
				}
				l.fault = err
			}
		}
		lines = append(lines, l)
	}
	next.Offset = file.next
	return lines, ended, nil
}

// batchStatement is the time limit of a statement of a batch. Its writes are sent together
// and take longer than the writes of a request may.
const batchStatement = 30 * time.Second

// store commits a batch: the people, the log of their lines and the job's
// progress, all or nothing. It stores as many lines as it can in batchTime, and
// returns how many.
func (s *Service) store(ctx context.Context, sn *pool.Snapshot, j, next *job, lines []line) (stored *job, written int, err error) {
	ctx = store.WithStatementTimeout(ctx, s.batchStatement)
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		stored, written = nil, 0
		held, err := s.readOwn(ctx, tx, j)
		if err != nil {
			return err
		}
		if held.Offset != j.Offset || held.Status != idp.UserImportJobStatusTypeInProgress {
			return errLost
		}
		log := newEntry(j.Line+1, next.Line)
		held.Columns, held.Line, held.Offset = next.Columns, next.Line, next.Offset
		until := s.deps.Now().Add(batchTime)
		for i, l := range lines {
			if i > 0 && !s.deps.Now().Before(until) {
				held.Line, held.Offset, log.To = lines[i-1].number, lines[i-1].end, lines[i-1].number
				break
			}
			written++
			if l.blank {
				log.Blank = append(log.Blank, l.number)
				continue
			}
			fault := l.fault
			if fault == nil {
				fault = s.storePerson(ctx, tx, sn, l.person)
			}
			if err := held.count(log, l.number, fault); err != nil {
				return err
			}
		}
		held.Batch++
		if err := log.write(ctx, tx, held); err != nil {
			return err
		}
		if err := held.write(ctx, tx); err != nil {
			return err
		}
		held.rec.Version++
		stored = held
		return nil
	})
	return stored, written, err
}

// count adds the outcome of a line to the job and to the log.
func (j *job) count(log *entry, number int64, fault error) error {
	because, refused := errors.AsType[lineError](fault)
	switch {
	case fault == nil:
		j.Imported++
	case refused:
		j.Failed++
		log.Failed[string(because)] = append(log.Failed[string(because)], number)
	case errors.Is(fault, errExists):
		j.Skipped++
		log.Skipped = append(log.Skipped, number)
		return nil
	default:
		return fault
	}
	return nil
}
