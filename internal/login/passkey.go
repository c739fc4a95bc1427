package login

import (
	"encoding/json"
	"net/http"

	"cognate/internal/api"
	"cognate/internal/api/idp"
)

// passkeysWork reports whether the pool's passkeys can be used on this page.
func (v *visit) passkeysWork() bool { return v.deps.OAuth.PasskeysWork(v.r, v.request.Client) }

// passkeyView is what the page for a passkey as the first factor shows.
type passkeyView struct {
	Username string
	Options  string // for navigator.credentials.get, as JSON
	Others   *othersView
	passkeyTroubles
}

// passkeyTroubles are what the page's script says if the device has not answered, and if
// the browser has no passkeys.
type passkeyTroubles struct{ Failed, Missing string }

func (v *visit) showPasskey() (any, error) {
	options, err := v.deps.SignIns.PasskeyOptionsOnPage(v.r.Context(), v.call(map[string]string{"USERNAME": v.state.Username}, v.state.Session))
	if err != nil {
		return nil, err
	}
	return v.passkeyView(options), nil
}

// passkeyView returns what the page shows with these options.
func (v *visit) passkeyView(options json.RawMessage) passkeyView {
	return passkeyView{
		Username: v.state.Username, Options: string(options), Others: v.others(),
		passkeyTroubles: passkeyTroubles{v.text.T("passkey.failed"), v.text.T("passkey.missing")},
	}
}

func (v *visit) submitPasskey() error {
	credential := v.form.Get("credential")
	if credential == "" {
		return pageError("passkey.failed")
	}
	err := v.askAgain(v.answer(map[string]string{"CREDENTIAL": credential}))
	if api.CodeOf(err) == idp.CodeNotAuthorizedException && !v.isOver(err) {
		return &replacedError{"passkey.failed", err}
	}
	return err
}

// addPasskeyView is what the page for a new passkey shows.
type addPasskeyView struct {
	Username string
	Options  string // for navigator.credentials.create, as JSON; "" if there can be none
	Refusal  string // why there can be none
	passkeyTroubles
}

func (v *visit) showAddPasskey() (any, error) {
	out := v.addPasskeyView(v.user.DisplayName(v.site.Pool))
	if !v.passkeysWork() {
		out.Refusal = v.text.T("addPasskey.notHere")
		return out, nil
	}
	if v.r.Method == http.MethodHead {
		return out, nil // It asks for the page, not for a challenge.
	}
	options, err := v.deps.Passkeys.StartOnPage(v.r.Context(), v.site.Pool, v.request.Client, v.user)
	if api.CodeOf(err) == idp.CodeLimitExceededException {
		_, _ = v.note(err)
		out.Refusal = v.text.T("addPasskey.tooMany")
		return out, nil
	}
	out.Options = string(options)
	return out, err
}

// addPasskeyView returns what the page shows in every case.
func (v *visit) addPasskeyView(username string) addPasskeyView {
	return addPasskeyView{Username: username, passkeyTroubles: passkeyTroubles{v.text.T("addPasskey.failed"), v.text.T("addPasskey.notHere")}}
}

// submitAddPasskey stores the new passkey, or goes on without.
func (v *visit) submitAddPasskey() error {
	if v.form.Get("skip") == "" {
		if !v.passkeysWork() {
			return pageError("addPasskey.notHere")
		}
		err := v.deps.Passkeys.CompleteOnPage(v.r.Context(), v.site.Pool, v.request.Client, v.user, []byte(v.form.Get("credential")))
		if code := api.CodeOf(err); err != nil && code != "" && code != api.CodeInternalError {
			return &replacedError{"addPasskey.failed", err}
		}
		if err != nil {
			return err
		}
	}
	location, err := v.deps.OAuth.Continue(v.r, v.request, v.signedInAt())
	if err != nil {
		v.deps.OAuth.Refuse(v.w, v.r, err)
		return nil
	}
	if location == "" {
		location = v.link(pathSignIn)
	}
	v.setCookie(stateCookie, "", -1)
	v.redirect(location)
	return nil
}
