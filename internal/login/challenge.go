package login

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/oauth"
	"cognate/internal/signin"
)

// challengePage is the page for a challenge.
type challengePage struct {
	path string
	// prepare, if set, adds to the state what the page shows. It can choose another page.
	prepare func(v *visit, st *pageState, a *signin.PageAnswer) (path string, err error)
}

// challengePages returns the pages for the challenges that pages can answer.
func challengePages() map[idp.ChallengeNameType]challengePage {
	return map[idp.ChallengeNameType]challengePage{
		idp.ChallengeNameTypeSmsMfa:              {path: pathCode},
		idp.ChallengeNameTypeEmailOtp:            {path: pathCode},
		idp.ChallengeNameTypeSoftwareTokenMfa:    {path: pathCode},
		idp.ChallengeNameTypeSelectMfaType:       {path: pathChoose, prepare: choices(pathChoose, "MFAS_CAN_CHOOSE")},
		idp.ChallengeNameTypeNewPasswordRequired: {path: pathChangePassword, prepare: choices(pathChangePassword, "requiredAttributes")},
		idp.ChallengeNameTypeMfaSetup:            {path: pathSetup, prepare: (*visit).prepareSetup},
		idp.ChallengeNameTypeSelectChallenge:     {path: pathFirst, prepare: (*visit).prepareFirst},
		idp.ChallengeNameTypePassword:            {path: pathPassword},
		idp.ChallengeNameTypeSmsOtp:              {path: pathCode},
		idp.ChallengeNameTypeWebAuthn:            {path: pathPasskey},
	}
}

// choices returns a prepare that keeps a list of the challenge's parameters.
func choices(path, key string) func(*visit, *pageState, *signin.PageAnswer) (string, error) {
	return func(_ *visit, st *pageState, a *signin.PageAnswer) (string, error) {
		return path, st.readChoices(a.Params[key])
	}
}

func (st *pageState) readChoices(list string) error {
	return json.Unmarshal([]byte(list), &st.Choices)
}

// A step calls the sign-in engine.
type step func(context.Context, signin.PageCall) (*signin.PageAnswer, error)

// signIn runs a step of a sign-in, and goes on to what it comes to: the next page, or
// the client's redirect URI.
func (v *visit) signIn(run step, params map[string]string) error {
	return v.continueSignIn(run, params, "")
}

// answer answers the challenge of the page's state.
func (v *visit) answer(params map[string]string) error {
	params["USERNAME"] = v.state.Username
	return v.continueSignIn(func(ctx context.Context, c signin.PageCall) (*signin.PageAnswer, error) {
		return v.deps.SignIns.AnswerOnPage(ctx, c, v.state.Challenge)
	}, params, v.state.Session)
}

func (v *visit) continueSignIn(run step, params map[string]string, session string) error {
	var location string
	var cookie *http.Cookie
	var at time.Time
	c := v.call(params, session)
	c.Complete = func(ctx context.Context, p *signin.Proof) (err error) {
		who := &oauth.Who{User: p.User, At: p.At, EventID: p.EventID, Methods: p.Methods}
		at = p.At
		if p.SteppedUp {
			if who.Session, err = v.sessionToContinue(p.User); err != nil {
				return err
			}
		}
		if v.pageAfterSignIn() != "" {
			cookie, err = v.deps.OAuth.Begin(ctx, v.site, v.request, who, p.OnCommit)
		} else {
			location, cookie, err = v.deps.OAuth.Complete(ctx, v.site, v.request, who, p.OnCommit)
		}
		return err
	}
	a, err := run(v.r.Context(), c)
	if err != nil {
		return err
	}
	if a.Challenge != "" {
		return v.ask(a, params["USERNAME"])
	}
	http.SetCookie(v.w, cookie)
	if path := v.pageAfterSignIn(); path != "" {
		v.setCookie(nextCookie, "", -1)
		return v.goTo(path, &pageState{SignedInAt: at.UnixMilli(), Request: v.request.Digest()})
	}
	if _, err := v.r.Cookie(stateCookie); err == nil {
		v.setCookie(stateCookie, "", -1)
	}
	v.redirect(location)
	return nil
}

// call returns a call of the sign-in engine that completes nothing.
func (v *visit) call(params map[string]string, session string) signin.PageCall {
	return signin.PageCall{Pool: v.site.Pool, Client: v.request.Client, Params: params, Session: session, Levels: v.request.Levels, Passkeys: v.passkeysWork(), EncodedData: v.contextData()}
}

// contextData returns the context data that the page's script has gathered.
func (v *visit) contextData() string { return v.form.Get("cognitoAsfData") }

// nextCookie names the page to which the sign-in for an authorization request leads before
// the client's redirect URI.
const nextCookie = "page-next"

// nextValue returns the cookie's value for a page and the visit's request.
func (v *visit) nextValue(path string) string {
	return base64.RawURLEncoding.EncodeToString(v.request.Digest()) + path
}

// pageAfterSignIn returns the path of the page that comes after the sign-in; "" if there is
// none.
func (v *visit) pageAfterSignIn() string {
	if c, err := v.r.Cookie(nextCookie); v.offersPasskey || err == nil && c.Value == v.nextValue(pathAddPasskey) {
		return pathAddPasskey
	}
	return ""
}

// ask sends the browser to the page of a challenge. name is by what the person signs in.
func (v *visit) ask(a *signin.PageAnswer, name string) error {
	p, ok := challengePages()[a.Challenge]
	if !ok {
		return pageError("error.noMethod")
	}
	st := &pageState{
		Challenge: a.Challenge, Session: a.Session, Username: cmp.Or(a.Params["USER_ID_FOR_SRP"], name), Others: len(v.firstFactors(a.Available)) > 1,
		Destination: a.Params["CODE_DELIVERY_DESTINATION"], Device: a.Params["FRIENDLY_DEVICE_NAME"],
	}
	path := p.path
	if p.prepare != nil {
		var err error
		if path, err = p.prepare(v, st, a); err != nil {
			return err
		}
		if path == "" {
			return nil // The answer went out already.
		}
	}
	return v.goTo(path, st)
}

// code returns a code of the form, without the spaces that people and apps put into it.
func (v *visit) code(name string) string {
	return strings.Join(strings.Fields(v.form.Get(name)), "")
}
