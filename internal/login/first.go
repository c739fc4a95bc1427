package login

import (
	"context"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/signin"
	"cognate/internal/user/registration"
)

// Choice of the first factor (Cognito: choice-based sign-in). The sign-in page asks for the
// name; what follows depends on the factors that the pool and the account have.

// choosesFactor reports whether people sign in by a factor of their choice. Classic pages
// know passwords alone. A client that tells who exists answers the name of a person who is
// still to be migrated before it asks for the password, which the migration needs.
func (v *visit) choosesFactor() bool {
	sn := v.site.Pool
	if !v.site.Domain.Managed || !v.request.Client.Allows(idp.AuthFlowTypeUserAuth) || registration.Migrates(sn) && !v.request.Client.PreventExistence {
		return false
	}
	return v.passkeysWork() || sn.AllowsFirstFactor(idp.AuthFactorTypeEmailOtp) || sn.AllowsFirstFactor(idp.AuthFactorTypeSmsOtp)
}

// startChoice starts a sign-in by the name alone.
func (v *visit) startChoice(name string) error {
	if name == "" {
		return errMissing
	}
	return v.unfinished(name, v.signIn(v.beginChoice, map[string]string{"USERNAME": name}))
}

func (v *visit) beginChoice(ctx context.Context, c signin.PageCall) (*signin.PageAnswer, error) {
	return v.deps.SignIns.StartOnPage(ctx, c, idp.AuthFlowTypeUserAuth)
}

// firstFactors returns those of the factors that pages can use, the best first.
func (v *visit) firstFactors(available []idp.ChallengeNameType) []string {
	var list []string
	for _, name := range []idp.ChallengeNameType{
		idp.ChallengeNameTypeWebAuthn, idp.ChallengeNameTypePassword, idp.ChallengeNameTypeEmailOtp, idp.ChallengeNameTypeSmsOtp,
	} {
		if slices.Contains(available, name) && (name != idp.ChallengeNameTypeWebAuthn || v.passkeysWork()) {
			list = append(list, string(name))
		}
	}
	return list
}

// prepareFirst shows the factors to choose from. A single one needs no choice.
func (v *visit) prepareFirst(st *pageState, a *signin.PageAnswer) (string, error) {
	st.Choices = v.firstFactors(a.Available)
	switch len(st.Choices) {
	case 0:
		return "", pageError("error.noMethod")
	case 1:
		v.state = st
		return "", v.answer(map[string]string{"ANSWER": st.Choices[0]})
	}
	return pathFirst, nil
}

func (v *visit) showFirst() (any, error) {
	return v.chooseView("first.title", "choose.lead", pathFirst), nil
}

func (v *visit) submitFirst() error {
	method, err := v.chosen()
	if err != nil {
		return err
	}
	return v.unfinished(v.state.Username, v.answer(map[string]string{"ANSWER": method}))
}

// othersView leads from the page of a first factor to the others.
type othersView struct{ Username string }

// others returns the way to the other first factors; nil if there is none.
func (v *visit) others() *othersView {
	if !v.state.Others {
		return nil
	}
	return &othersView{v.state.Username}
}

// passwordView is what the page for a password as the first factor shows.
type passwordView struct {
	Username string
	Password Field
	Recover  bool
	Others   *othersView
}

func (v *visit) showPassword() (any, error) {
	return passwordView{
		Username: v.state.Username, Recover: v.recoveryAllowed(), Others: v.others(),
		Password: v.passwordField("signInFormPassword", "password", "label.password", "current-password"),
	}, nil
}

func (v *visit) submitPassword() error {
	password := v.form.Get("password")
	if password == "" {
		return errMissing
	}
	err := v.unfinished(v.state.Username, v.answer(map[string]string{"PASSWORD": password}))
	return v.askAgain(err)
}

// askAgain asks for the same factor again after a wrong proof, which has ended the
// attempt. It returns the error of the proof, which the page shows.
func (v *visit) askAgain(failed error) error {
	if api.CodeOf(failed) != idp.CodeNotAuthorizedException || v.isOver(failed) {
		return failed
	}
	a, err := v.beginChoice(v.r.Context(), v.call(map[string]string{
		"USERNAME": v.state.Username, "PREFERRED_CHALLENGE": string(v.state.Challenge),
	}, ""))
	if err != nil {
		_, _ = v.note(err)
	}
	if err != nil || a.Challenge != v.state.Challenge {
		return failed // The next try finds that the attempt is over.
	}
	st := *v.state
	st.Session = a.Session
	if err := v.keep(&st); err != nil {
		return err
	}
	return failed
}
