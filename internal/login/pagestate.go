package login

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/oauth"
)

// A page that continues something needs to know what. That is one sealed value. It
// comes back in a field of the page's form, which is the page's own, or else in a
// cookie, which all tabs of a browser share.
const (
	stateField  = "page_data"
	stateCookie = "page-data"
)

// pageState is what a page remembers from the request before.
type pageState struct {
	// Path is the page that it is for.
	Path     string `json:"p"`
	Ends     int64  `json:"z"` // milliseconds
	Username string `json:"u"`
	// Challenge and Session are the question of the sign-in engine.
	Challenge idp.ChallengeNameType `json:"c,omitempty"`
	Session   string                `json:"s,omitempty"`
	// Destination is the masked address to which a code went.
	Destination string `json:"d,omitempty"`
	// ByLink is true if the message to Destination has a link in place of a code.
	ByLink bool `json:"l,omitempty"`
	// Choices are methods to choose from, or attributes that are asked for.
	Choices []string `json:"o,omitempty"`
	// Device is the name of an authenticator app, Secret the key of a new one.
	Device string `json:"n,omitempty"`
	Secret string `json:"k,omitempty"`
	// Others is true if the person can choose another first factor.
	Others bool `json:"f,omitempty"`
	// SignedInAt is when the person signed in for the authorization request of this
	// digest, in milliseconds.
	SignedInAt int64  `json:"t,omitempty"`
	Request    []byte `json:"r,omitempty"`
}

// binding is what a page state is bound to: it is good for one client on one domain.
func (v *visit) binding() []byte {
	return []byte("login\x00" + v.site.Pool.ID + "\x00" + v.site.Domain.Name + "\x00" + v.request.Client.ID)
}

// sealState dates the state and seals it.
func (v *visit) sealState(st *pageState) (string, error) {
	st.Ends = v.deps.Now().Add(keys.PageStateLife).UnixMilli()
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false) // names would grow beyond the token's room
	if err := e.Encode(st); err != nil {
		return "", err
	}
	return v.deps.Ring.SealToken(keys.TokenPageState, v.binding(), body.Bytes())
}

// loadState reads the state for the page. It leaves v.state nil if the request has
// no state that is valid for the page.
func (v *visit) loadState() error {
	sent := v.form[stateField]
	if len(sent) == 0 {
		for _, c := range v.r.CookiesNamed(stateCookie) {
			sent = append(sent, c.Value)
		}
	}
	for _, text := range sent {
		body, err := v.deps.Ring.OpenToken(v.r.Context(), keys.TokenPageState, v.binding(), text)
		if errors.Is(err, keys.ErrToken) {
			continue
		}
		if err != nil {
			return err
		}
		st := &pageState{}
		if json.Unmarshal(body, st) != nil || st.Path != v.page.state || v.deps.Now().UnixMilli() >= st.Ends {
			continue
		}
		v.state, v.stateText = st, text
		return nil
	}
	return nil
}

// signedInAt returns when the person signed in for the visit's request; zero if the page's
// state does not say so.
func (v *visit) signedInAt() time.Time {
	if v.state == nil || v.state.SignedInAt == 0 || !bytes.Equal(v.state.Request, v.request.Digest()) {
		return time.Time{}
	}
	return time.UnixMilli(v.state.SignedInAt)
}

// goTo sends the browser to a page that continues from the state.
func (v *visit) goTo(path string, st *pageState) error {
	st.Path = path
	if err := v.keep(st); err != nil {
		return err
	}
	v.redirect(v.link(path))
	return nil
}

// keep makes st the state of the page.
func (v *visit) keep(st *pageState) error {
	text, err := v.sealState(st)
	if err != nil {
		return err
	}
	v.state, v.stateText = st, text
	v.setCookie(stateCookie, text, int(keys.PageStateLife.Seconds()))
	return nil
}

func (v *visit) setCookie(name, value string, age int) { setCookie(v.w, v.site, name, value, age) }

// setCookie sets a cookie that only the site's pages read; an age below 0 removes it.
func setCookie(w http.ResponseWriter, site *oauth.Site, name, value string, age int) {
	path := site.Base
	if path == "" {
		path = "/"
	}
	//nolint:gosec // Secure follows the connection: development has no TLS.
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: path, MaxAge: age, HttpOnly: true, Secure: site.Secure, SameSite: http.SameSiteLaxMode})
}
