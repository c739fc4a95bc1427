// Package authevents has the operations on the monitored events of users: their list, and feedback on them.
//
// It may import package protection, which keeps the events, and package user, to find the user that a request names.
package authevents

import (
	"context"
	"errors"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/protection"
	"cognate/internal/store"
	"cognate/internal/user"
)

// Deps are what the service is built from.
type Deps struct {
	Pools      *pool.Service
	Users      *user.Service
	Protection *protection.Service
	Pages      *keys.PageTokens
	Now        func() time.Time
	// SignOut says that a sign-in that was not the user's signs the user out everywhere.
	SignOut bool
}

// Service does the operations.
type Service struct{ deps Deps }

// New builds the service.
func New(d Deps) *Service { return &Service{deps: d} }

const (
	listOp = "AdminListUserAuthEvents"
	// maxPage is the largest page, and pageLife how long a page token is valid.
	maxPage  = 60
	pageLife = time.Hour
)

func notEnabled() error {
	return idp.UserPoolAddOnNotEnabledException("Threat protection is not enabled for the user pool")
}

// userOf returns the pool and the user that an administrator names, if the pool has threat protection.
func (s *Service) userOf(ctx context.Context, poolID, name string) (*pool.Snapshot, *user.User, error) {
	sn, err := s.deps.Pools.Read(ctx, poolID)
	if err != nil {
		return nil, nil, err
	}
	if !protection.On(sn, false) {
		return nil, nil, notEnabled()
	}
	u, err := s.deps.Users.ResolveAdmin(ctx, sn, name)
	return sn, u, err
}

// AdminListUserAuthEvents lists the events of a user, the newest first.
func (s *Service) AdminListUserAuthEvents(ctx context.Context, in *idp.AdminListUserAuthEventsRequest) (*idp.AdminListUserAuthEventsResponse, error) {
	sn, u, err := s.userOf(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	limit := int(api.Val(in.MaxResults))
	if limit == 0 {
		limit = maxPage
	}
	bind, before := []string{sn.ID, u.ID()}, ""
	if in.NextToken != nil {
		b, err := s.deps.Pages.Decode(listOp, bind, *in.NextToken, s.deps.Now())
		if err != nil {
			return nil, idp.InvalidParameterException("Invalid pagination token provided").WithCause(err)
		}
		before = string(b)
	}
	list, next, err := s.deps.Protection.Events(ctx, sn.ID, u.ID(), before, limit)
	if err != nil {
		return nil, err
	}
	out := &idp.AdminListUserAuthEventsResponse{AuthEvents: list}
	if next != "" {
		out.NextToken = new(s.deps.Pages.Encode(listOp, bind, []byte(next), s.deps.Now().Add(pageLife)))
	}
	return out, nil
}

// AdminUpdateAuthEventFeedback records an administrator's feedback.
func (s *Service) AdminUpdateAuthEventFeedback(ctx context.Context, in *idp.AdminUpdateAuthEventFeedbackRequest) (*idp.AdminUpdateAuthEventFeedbackResponse, error) {
	sn, u, err := s.userOf(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	f := protection.Feedback{PoolID: sn.ID, UserID: u.ID(), EventID: in.EventId, Value: in.FeedbackValue, Provider: protection.ByAdmin}
	if err := s.give(ctx, sn, f); err != nil {
		return nil, err
	}
	return &idp.AdminUpdateAuthEventFeedbackResponse{}, nil
}

// UpdateAuthEventFeedback records the feedback of whoever holds the event's feedback token. It says nothing of users to
// others.
func (s *Service) UpdateAuthEventFeedback(ctx context.Context, in *idp.UpdateAuthEventFeedbackRequest) (*idp.UpdateAuthEventFeedbackResponse, error) {
	sn, err := s.deps.Pools.Load(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	l := protection.FeedbackLink{PoolID: sn.ID, Username: in.Username, EventID: in.EventId, Token: in.FeedbackToken, Value: in.FeedbackValue}
	userID, err := s.holder(ctx, sn, l)
	if err != nil {
		return nil, err
	}
	if err := s.give(ctx, sn, feedbackOf(l, userID)); err != nil {
		return nil, linkError(err)
	}
	return &idp.UpdateAuthEventFeedbackResponse{}, nil
}

func feedbackOf(l protection.FeedbackLink, userID string) protection.Feedback {
	return protection.Feedback{PoolID: l.PoolID, UserID: userID, EventID: l.EventID, Value: l.Value, Provider: protection.ByUser}
}

// holder returns the user whose event the holder of a feedback token may judge.
func (s *Service) holder(ctx context.Context, sn *pool.Snapshot, l protection.FeedbackLink) (userID string, err error) {
	if !protection.On(sn, false) {
		return "", notEnabled()
	}
	userID, err = s.deps.Protection.CheckFeedbackToken(ctx, l.Token, sn.ID, l.EventID)
	if errors.Is(err, keys.ErrToken) {
		return "", badToken()
	}
	if err != nil {
		return "", err
	}
	u, err := s.deps.Users.Resolve(ctx, sn, l.Username)
	if errors.Is(err, store.ErrNotFound) || err == nil && u.ID() != userID {
		return "", badToken()
	}
	return userID, err
}

// Linked returns the sign-in that a link of a notice is about. It changes nothing, for programs that scan mail open links.
// An error of the API means that the link is not valid: its token is not for this event of the pool or is too old, or the
// user has given another answer.
func (s *Service) Linked(ctx context.Context, sn *pool.Snapshot, l protection.FeedbackLink) (protection.LinkedSignIn, error) {
	if l.PoolID != sn.ID {
		return protection.LinkedSignIn{}, badToken()
	}
	userID, err := s.holder(ctx, sn, l)
	if err != nil {
		return protection.LinkedSignIn{}, err
	}
	out, err := s.deps.Protection.Linked(ctx, userID, l)
	return out, linkError(err)
}

// Follow records the feedback of a link of a notice, which can be followed once. It returns true if the user was signed out
// everywhere. Errors are those of Linked, and an error for a link that was followed before.
func (s *Service) Follow(ctx context.Context, sn *pool.Snapshot, l protection.FeedbackLink) (signedOut bool, err error) {
	if l.PoolID != sn.ID {
		return false, badToken()
	}
	userID, err := s.holder(ctx, sn, l)
	if err != nil {
		return false, err
	}
	f := feedbackOf(l, userID)
	f.ByLink = true
	return s.SignsOut(f.Value), linkError(s.give(ctx, sn, f))
}

// linkError returns the API's error for a link that was used, or whose event is not there any more.
func linkError(err error) error {
	switch {
	case errors.Is(err, protection.ErrLinkUsed):
		return idp.NotAuthorizedException("The link was used before.").WithReason(api.ReasonSessionUsed).WithCause(err)
	case errors.Is(err, store.ErrNotFound):
		return noEvent()
	}
	return err
}

func noEvent() error {
	return idp.ResourceNotFoundException("The authentication event does not exist.").WithReason(api.ReasonNotFound)
}

func badToken() error {
	return idp.NotAuthorizedException("Invalid feedback token.").WithReason(api.ReasonBadSession)
}

// SignsOut reports whether feedback signs the user out everywhere.
func (s *Service) SignsOut(value idp.FeedbackValueType) bool {
	return s.deps.SignOut && value == idp.FeedbackValueTypeInvalid
}

// give records feedback. If it says that the sign-in was not the user's, the user may be signed out everywhere.
func (s *Service) give(ctx context.Context, sn *pool.Snapshot, f protection.Feedback) error {
	then := func(ctx context.Context, tx *store.Tx) error {
		e, err := s.deps.Users.Edit(ctx, tx, sn, f.UserID)
		if err != nil {
			return err
		}
		if err := e.SignOut(ctx); err != nil {
			return err
		}
		return e.Put(ctx)
	}
	if !s.SignsOut(f.Value) {
		then = nil
	}
	err := s.deps.Protection.GiveFeedback(ctx, f, then)
	if errors.Is(err, store.ErrNotFound) {
		return noEvent()
	}
	return err
}
