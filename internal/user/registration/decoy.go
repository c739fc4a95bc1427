package registration

import (
	"context"
	"errors"

	"cognate/internal/api"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/user"
	"cognate/internal/user/codes"
)

// refuseDecoy rejects a code for a user who does not exist. It takes the steps that a
// code for a user takes.
func (s *Service) refuseDecoy(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, u *user.User, t codes.Tries, purpose, answer string) error {
	if err := s.deps.Users.ReadDecoy(ctx, &tx.Reader, sn, u); err != nil {
		return err
	}
	_, err := s.codes.Check(ctx, tx, sn, u.ID(), purpose, answer)
	if err == nil || store.Commits(err) && purpose == codes.PurposeSignUp {
		err = codes.Mismatch()
	}
	if e, ok := errors.AsType[*api.Error](err); ok {
		err = store.CommitWith(e.WithReason(u.HiddenReason()))
	}
	return s.codes.CountAnswer(ctx, tx, sn, u.ID(), t, err, s.place(ctx, tx, sn, u))
}
