package userimport

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"

	"cognate/internal/store"
)

// entry has the outcome of the lines of one batch. A line that is in no list was imported,
// so that the log of a good file is short. Blank has the empty lines.
type entry struct {
	From, To int64
	Skipped  []int64            `json:",omitempty"`
	Failed   map[string][]int64 `json:",omitempty"`
	Blank    []int64            `json:",omitempty"`
}

func newEntry(from, to int64) *entry {
	return &entry{From: max(from, 2), To: to, Failed: map[string][]int64{}}
}

func (e *entry) write(ctx context.Context, tx *store.Tx, j *job) error {
	if e.To < e.From {
		return nil
	}
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("userimport: log of %s: %w", j.rec.ID, err)
	}
	return tx.InsertImportLog(ctx, j.rec.PoolID, j.rec.ID, store.ImportLog{Seq: j.Batch, Body: body})
}

// lines returns the texts of the log, in Cognito's words and in the order of the file. The
// header is line 1.
func (e *entry) lines() []string {
	texts := make(map[int64]string)
	for _, n := range e.Blank {
		texts[n] = ""
	}
	for _, n := range e.Skipped {
		texts[n] = "[SKIPPED] Line Number " + strconv.FormatInt(n, 10) + " - The user already exists."
	}
	for because, numbers := range e.Failed {
		for _, n := range numbers {
			texts[n] = "[FAILED] Line Number " + strconv.FormatInt(n, 10) + " - " + because
		}
	}
	list := make([]string, 0, e.To-e.From+1)
	for n := e.From; n <= e.To; n++ {
		text, known := texts[n]
		switch {
		case !known:
			list = append(list, "[SUCCEEDED] Line Number "+strconv.FormatInt(n, 10)+" - The import succeeded.")
		case text != "":
			list = append(list, text)
		}
	}
	return slices.Clip(list)
}

// logPage is how many entries are read at a time.
const logPage = 20

// Log returns some lines of a job's log, and the position after them. done is true at the
// end of the log. It returns ResourceNotFoundException if there is no such job.
func (s *Service) Log(ctx context.Context, poolID, id string, after int64) (lines []string, next int64, done bool, err error) {
	if _, err := s.deps.Pools.Load(ctx, poolID); err != nil {
		return nil, 0, false, err
	}
	if _, err := read(ctx, &s.deps.Store.Reader, poolID, id); err != nil {
		return nil, 0, false, err
	}
	list, err := s.deps.Store.ImportLogs(ctx, poolID, id, after, logPage)
	if err != nil {
		return nil, 0, false, err
	}
	next = after
	for _, l := range list {
		var e entry
		if err := json.Unmarshal(l.Body, &e); err != nil {
			return nil, 0, false, fmt.Errorf("userimport: log of %s: %w", id, err)
		}
		lines = append(lines, e.lines()...)
		next = l.Seq
	}
	return lines, next, len(list) < logPage, nil
}

// WriteLog writes a job's whole log.
func (s *Service) WriteLog(ctx context.Context, w io.Writer, poolID, id string) error {
	for after, done := int64(0), false; !done; {
		var lines []string
		var err error
		if lines, after, done, err = s.Log(ctx, poolID, id, after); err != nil {
			return err
		}
		for _, l := range lines {
			if _, err := io.WriteString(w, l+"\n"); err != nil {
				return err
			}
		}
	}
	return nil
}
