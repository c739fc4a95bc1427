package login

import (
	"context"
	"slices"

	"cognate/internal/api/idp"
	"cognate/internal/signin"
)

// codeView is what the page for a code of a second factor shows.
type codeView struct {
	Title, Lead string
	Resend      bool
	Fields      []Field
	Others      *othersView
}

func (v *visit) showCode() (any, error) {
	st := v.state
	out := codeView{Title: v.text.T("code.title." + string(st.Challenge)), Fields: []Field{v.codeField("authentication_code")}, Others: v.others()}
	switch {
	case st.Challenge != idp.ChallengeNameTypeSoftwareTokenMfa:
		out.Lead, out.Resend = v.text.T("code.sent", st.Destination), true
	case st.Device != "":
		out.Lead = v.text.T("code.appNamed", st.Device)
	default:
		out.Lead = v.text.T("code.app")
	}
	return out, nil
}

// submitCode checks a code of a second factor.
func (v *visit) submitCode() error {
	code := v.code("authentication_code")
	if code == "" {
		return errMissing
	}
	return v.answer(map[string]string{string(v.state.Challenge) + "_CODE": code})
}

// resendCode sends another code.
func (v *visit) resendCode() error {
	params := map[string]string{"USERNAME": v.state.Username}
	return v.continueSignIn(func(ctx context.Context, c signin.PageCall) (*signin.PageAnswer, error) {
		a, err := v.deps.SignIns.ResendOnPage(ctx, c, v.state.Challenge)
		if err == nil {
			v.notify(noticeCodeSent)
		}
		return a, err
	}, params, v.state.Session)
}

// A choice is a method to choose.
type choice struct{ Value, Label, Hint string }

// chooseView is what a page with a choice of methods shows.
type chooseView struct {
	Title, Lead, Action string
	Choices             []choice
}

func (v *visit) chooseView(title, lead, action string) chooseView {
	out := chooseView{Title: v.text.T(title), Lead: v.text.T(lead), Action: action}
	for _, method := range v.state.Choices {
		out.Choices = append(out.Choices, choice{method, v.text.OrElse("method."+method, method), v.text.T("method.hint." + method)})
	}
	return out
}

func (v *visit) showChoose() (any, error) {
	return v.chooseView("choose.title", "choose.lead", pathChoose), nil
}

// chosen returns the method of the form, if it is one of those that the page shows.
func (v *visit) chosen() (string, error) {
	method := v.form.Get("method")
	if !slices.Contains(v.state.Choices, method) {
		return "", errMissing
	}
	return method, nil
}

// submitChoose asks for the second factor that was chosen.
func (v *visit) submitChoose() error {
	method, err := v.chosen()
	if err != nil {
		return err
	}
	return v.answer(map[string]string{"ANSWER": method})
}
