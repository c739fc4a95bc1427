package login

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/signin"
)

// The sign-in page lets a browser offer passkeys in the field for the name. The page's
// script sends the answer in a form of its own.

// autofillView is that form.
type autofillView struct {
	Options   string // for navigator.credentials.get, as JSON
	Challenge string // of the options, sealed
}

// autofillBinding is what a sealed challenge is bound to.
func (v *visit) autofillBinding() []byte { return append([]byte("autofill\x00"), v.binding()...) }

// autofill returns the form; nil where passkeys cannot be used.
func (v *visit) autofill() (*autofillView, error) {
	if !v.passkeysWork() || v.r.Method == http.MethodHead {
		return nil, nil
	}
	challenge := make([]byte, 32)
	rand.Read(challenge)
	options, err := v.deps.Passkeys.AutofillOptions(v.site.Pool, challenge)
	if err != nil {
		return nil, err
	}
	ends, err := v.deps.Now().Add(keys.PageStateLife).UTC().MarshalBinary()
	if err != nil {
		return nil, err
	}
	sealed, err := v.deps.Ring.SealToken(keys.TokenPageState, v.autofillBinding(), slices.Concat(challenge, ends))
	if err != nil {
		return nil, err
	}
	return &autofillView{Options: string(options), Challenge: sealed}, nil
}

// openAutofill returns the challenge of the form, and when it ends.
func (v *visit) openAutofill() (challenge []byte, ends time.Time, err error) {
	body, err := v.deps.Ring.OpenToken(v.r.Context(), keys.TokenPageState, v.autofillBinding(), v.form.Get("challenge"))
	if err != nil && !errors.Is(err, keys.ErrToken) {
		return nil, ends, err
	}
	if err != nil || len(body) <= 32 || ends.UnmarshalBinary(body[32:]) != nil || !v.deps.Now().Before(ends) {
		return nil, ends, pageError("passkey.failed")
	}
	return bytes.Clone(body[:32]), ends, nil
}

// submitAutofill signs in by the passkey that the person chose in the field for the name.
func (v *visit) submitAutofill() error {
	if !v.passkeysWork() {
		return pageError("passkey.failed")
	}
	challenge, ends, err := v.openAutofill()
	if err != nil {
		return err
	}
	credential := v.form.Get("credential")
	name, err := v.deps.Passkeys.TakeAutofill(v.r.Context(), v.site.Pool, challenge, ends, []byte(credential))
	if err == nil {
		err = v.signIn(func(ctx context.Context, c signin.PageCall) (*signin.PageAnswer, error) {
			return v.passkeyOnPage(ctx, c, challenge, credential)
		}, map[string]string{"USERNAME": name})
	}
	if api.CodeOf(err) == idp.CodeNotAuthorizedException {
		return &replacedError{"passkey.failed", err}
	}
	return err
}

// passkeyOnPage starts a sign-in by the passkey that has signed the challenge, and ends it.
func (v *visit) passkeyOnPage(ctx context.Context, c signin.PageCall, challenge []byte, credential string) (*signin.PageAnswer, error) {
	start := c
	start.Params = map[string]string{"USERNAME": c.Params["USERNAME"], "PREFERRED_CHALLENGE": string(idp.ChallengeNameTypeWebAuthn)}
	start.Challenge = challenge
	asked, err := v.deps.SignIns.StartOnPage(ctx, start, idp.AuthFlowTypeUserAuth)
	if err != nil {
		return nil, err
	}
	if asked.Challenge != idp.ChallengeNameTypeWebAuthn {
		return nil, pageError("passkey.failed") // The user's passkey does not serve.
	}
	c.Params["CREDENTIAL"], c.Session = credential, asked.Session
	return v.deps.SignIns.AnswerOnPage(ctx, c, idp.ChallengeNameTypeWebAuthn)
}
