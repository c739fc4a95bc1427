package privacy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"cognate/internal/api"
	"cognate/internal/identitypool"
	"cognate/internal/store"
	"cognate/internal/user"
	"cognate/internal/user/userimport"
)

// An ErasureReport is what Erase did.
type ErasureReport struct {
	UserPool string `json:"userPool"`
	// Sub is empty if no user was found, and Erase only ended the work of an earlier run.
	Sub string `json:"sub,omitempty"`
	// Tables are the tables of which rows were erased.
	Tables []ErasedTable `json:"tables"`
	// Expiring is data in which no row can be found by a person.
	Expiring []Unassigned `json:"expiring"`
	// Stay are the identities of identity pools that other logins lead to, too.
	Stay []StayingIdentity `json:"stay,omitempty"`
	// Files are files of imports that may name the person.
	Files []userimport.WaitingFile `json:"files,omitempty"`
	// Compacted is true if the file of the embedded database was rewritten.
	Compacted bool `json:"compacted"`
	// Embedded is true for the embedded database.
	Embedded bool `json:"embedded"`
}

// An ErasedTable is how many rows of a table were erased.
type ErasedTable struct {
	Table   string  `json:"table"`
	Section string  `json:"section"`
	Rows    int     `json:"rows"`
	How     Erasure `json:"how"`
}

// A StayingIdentity is an identity from which only the login of the person was removed.
type StayingIdentity struct {
	Pool   string   `json:"identityPool"`
	ID     string   `json:"identityId"`
	Logins []string `json:"otherLogins"`
}

// compactionDue is the name of the value that says that rows were erased whose bytes may still be in
// the file of the embedded database.
const compactionDue = "erasure: rewrite the file"

// Erase deletes a user with everything that the registry names. Every step can be repeated: after a
// run that was interrupted, another run ends the work. compact says that the file of the
// embedded database is rewritten afterwards.
func (s *Service) Erase(ctx context.Context, poolID, name string, compact bool) (*ErasureReport, error) {
	embedded := s.deps.Store.Engine() == "sqlite"
	p, err := s.find(ctx, poolID, name)
	due := false
	if errors.Is(err, ErrNoUser) && embedded && compact {
		if due, err = s.isCompactionDue(ctx, err); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	// Once begun, it goes on if the caller disconnects.
	ctx = context.WithoutCancel(ctx)
	out := &ErasureReport{UserPool: poolID, Embedded: embedded}
	if !due {
		if err := s.eraseRows(ctx, p, out); err != nil {
			return nil, err
		}
	}
	if compact && embedded {
		if err := s.compact(ctx); err != nil {
			return nil, fmt.Errorf("the rows of the user are erased, but their bytes are still in the database's file; run the command again: %w", err)
		}
		out.Compacted = true
	}
	return out, nil
}

// isCompactionDue reports whether an earlier run erased rows and was interrupted before it had
// rewritten the file. Otherwise it returns the error of the search.
func (s *Service) isCompactionDue(ctx context.Context, unknown error) (bool, error) {
	value, err := s.deps.Store.Meta(ctx, compactionDue)
	switch {
	case err == nil && len(value) > 0:
		return true, nil
	case err == nil || errors.Is(err, store.ErrNotFound):
		return false, unknown
	}
	return false, err
}

func (s *Service) compact(ctx context.Context) error {
	if _, err := s.deps.Store.Compact(ctx); err != nil {
		return err
	}
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.SetMeta(ctx, compactionDue, nil) })
}

func (s *Service) eraseRows(ctx context.Context, p *person, out *ErasureReport) error {
	out.Sub = p.id
	if err := s.shutOut(ctx, p); err != nil {
		return err
	}
	subjects, err := auditSubjects(ctx, &s.deps.Store.Reader, p)
	if err != nil {
		return err
	}
	records, err := s.eraseTrail(ctx, subjects)
	if err != nil {
		return err
	}
	removed := map[string]int{}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		rows, err := tx.DeleteUserRows(ctx, p.pool.ID, p.id)
		if err != nil {
			return err
		}
		stay, more, err := identitypool.ForgetUser(ctx, tx, p.pool, p.id)
		if err != nil {
			return err
		}
		if out.Files, err = userimport.WaitingFiles(ctx, &tx.Reader, p.pool.ID); err != nil {
			return err
		}
		removed, out.Stay = rows, nil
		maps.Copy(removed, more)
		for _, i := range stay {
			out.Stay = append(out.Stay, staying(p, i))
		}
		if !out.Embedded {
			return nil
		}
		return tx.SetMeta(ctx, compactionDue, []byte{1})
	}, store.Retry)
	if err != nil {
		return err
	}
	// Requests that were under way may have left records since. Nothing adds records about the user now.
	late, err := s.eraseTrail(ctx, subjects)
	if err != nil {
		return err
	}
	removed["audit_events"] = records + late
	// This process may still count failed sign-ins of the user, and write them later.
	if err := s.deps.Lockouts.Clear(ctx, p.pool.ID, p.id); err != nil {
		return err
	}
	for _, t := range Tables {
		switch {
		case t.Section != "":
			out.Tables = append(out.Tables, ErasedTable{t.Name, t.Section, removed[t.Name], t.Erasure})
		case t.Erasure == Expiring:
			out.Expiring = append(out.Expiring, Unassigned{t.Name, t.Holds, t.Life})
		}
	}
	return nil
}

// eraseTrail removes what names the subjects from the audit trail, and returns the number of records.
func (s *Service) eraseTrail(ctx context.Context, subjects []auditSubject) (int, error) {
	total := 0
	for _, subject := range subjects {
		n, err := s.deps.Trail.EraseUser(ctx, subject.pool, subject.sub)
		total += int(n)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// shutOut disables the user and ends all tokens, so that no sign-in adds rows while the user is
// erased.
func (s *Service) shutOut(ctx context.Context, p *person) error {
	if p.user == nil {
		return nil
	}
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		e, err := s.deps.Users.Edit(ctx, tx, p.pool, p.id)
		if err != nil {
			return err
		}
		if err := e.SignOut(ctx); err != nil {
			return err
		}
		e.User.Rec.Enabled = false
		return e.Save(ctx, user.LeaveAlias)
	}, store.Retry)
	if api.CodeOf(err) == "UserNotFoundException" { // Deleted in this moment.
		return nil
	}
	return err
}

func staying(p *person, i identitypool.UserIdentity) StayingIdentity {
	s := StayingIdentity{Pool: i.PoolID, ID: i.ID}
	own := identitypool.UserProvider(p.pool)
	for _, l := range i.Logins {
		if l.Provider != own && !slices.Contains(s.Logins, l.Provider) {
			s.Logins = append(s.Logins, l.Provider)
		}
	}
	return s
}
