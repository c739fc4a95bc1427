package login

import (
	"context"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/oauth"
	"cognate/internal/signin"
	"cognate/internal/user"
)

// stepUp asks for the factors that the browser's session lacks to reach the level of the
// authorization request.
func (v *visit) stepUp() error {
	session, err := v.deps.OAuth.WeakSession(v.r, v.request)
	if err != nil {
		return err
	}
	if session == nil {
		v.startAgain(noticeExpired)
		return nil
	}
	err = v.signIn(func(ctx context.Context, c signin.PageCall) (*signin.PageAnswer, error) {
		return v.deps.SignIns.StepUpOnPage(ctx, c, session.User(), session.Methods(), session.At())
	}, map[string]string{"USERNAME": session.User().Username()})
	if api.ReasonOf(err) == api.ReasonAccountChanged {
		_, _ = v.note(err)
		return pageError(noticeExpired)
	}
	return err
}

// sessionToContinue returns the session that a step-up of the user continues. It rejects a
// session that has ended meanwhile: its factors must not count after a sign-out.
func (v *visit) sessionToContinue(u *user.User) (*oauth.Session, error) {
	session, err := v.deps.OAuth.WeakSession(v.r, v.request)
	if err != nil {
		return nil, err
	}
	if session == nil || session.User().ID() != u.ID() {
		return nil, idp.NotAuthorizedException("Invalid session for the user, session is expired.").WithReason(api.ReasonSessionExpired)
	}
	return session, nil
}
