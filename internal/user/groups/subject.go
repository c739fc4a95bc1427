package groups

import (
	"context"

	"cognate/internal/token"
	"cognate/internal/user"
)

// Subject returns what tokens tell of the user, with the groups of the moment.
func (s *Service) Subject(ctx context.Context, u *user.User) (token.Subject, error) {
	groups, err := s.Groups(ctx, u)
	if err != nil {
		return token.Subject{}, err
	}
	return token.Subject{
		UserID: u.ID(), Username: u.Username(), Status: u.Rec.Status, Attributes: u.Attributes, Groups: groups,
		TokensValidAfter: u.Rec.TokensValidAfter,
	}, nil
}
