package login

import (
	"html/template"
	"net/url"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/signin"
)

// prepareSetup chooses the page on which a person comes by a second factor: where the
// pool has one kind, there is nothing to choose.
func (v *visit) prepareSetup(st *pageState, a *signin.PageAnswer) (string, error) {
	if err := st.readChoices(a.Params["MFAS_CAN_SETUP"]); err != nil {
		return "", err
	}
	if len(st.Choices) != 1 {
		return pathSetup, nil
	}
	return v.setUp(st, st.Choices[0])
}

// setUp begins the set-up of a factor and returns its page.
func (v *visit) setUp(st *pageState, method string) (string, error) {
	st.Choices = []string{method}
	if method != string(idp.ChallengeNameTypeSoftwareTokenMfa) {
		return pathSetupAddress, nil
	}
	out, err := v.deps.SignIns.AssociateSoftwareToken(v.r.Context(), &idp.AssociateSoftwareTokenRequest{Session: &st.Session})
	if err != nil {
		return "", err
	}
	st.Session, st.Secret = api.Val(out.Session), api.Val(out.SecretCode)
	return pathSetupApp, nil
}

func (v *visit) showSetup() (any, error) {
	return v.chooseView("setup.title", "setup.lead", pathSetup), nil
}

func (v *visit) submitSetup() error {
	method, err := v.chosen()
	if err != nil {
		return err
	}
	st := *v.state
	path, err := v.setUp(&st, method)
	if err != nil {
		return err
	}
	return v.goTo(path, &st)
}

// setupAddressView is what the page for a factor's address shows.
type setupAddressView struct {
	Title  string
	Fields []Field
}

// setupParameters are the answers to MFA_SETUP that have an address, and the attribute
// whose input asks for it.
var setupParameters = map[string]struct{ name, attribute string }{
	string(idp.ChallengeNameTypeEmailOtp): {"EMAIL", "email"},
	string(idp.ChallengeNameTypeSmsMfa):   {"PHONE_NUMBER", "phone_number"},
}

func (v *visit) showSetupAddress() (any, error) {
	method := v.state.Choices[0]
	f := v.namedAttributeField(setupParameters[method].attribute, "address")
	return setupAddressView{Title: v.text.T("setup.address.title." + method), Fields: []Field{f}}, nil
}

// submitSetupAddress sends a code to the address, which becomes a factor by it.
func (v *visit) submitSetupAddress() error {
	address := strings.TrimSpace(v.form.Get("address"))
	if address == "" {
		return errMissing
	}
	return v.answer(map[string]string{setupParameters[v.state.Choices[0]].name: address})
}

// setupAppView is what the page for an authenticator app shows.
type setupAppView struct {
	QR     template.HTML
	Key    string // in groups of four
	Fields []Field
}

func (v *visit) showSetupApp() (any, error) {
	issuer, secret := v.site.Pool.Name, v.state.Secret
	q := url.Values{"secret": {secret}, "issuer": {issuer}}
	code, err := qrCode("otpauth://totp/"+url.PathEscape(issuer)+":"+url.PathEscape(v.state.Username)+"?"+strings.ReplaceAll(q.Encode(), "+", "%20"), v.text.T("totp.qr"))
	if err != nil {
		return nil, err
	}
	device := Field{ID: "device", Name: "device_name", Label: v.text.T("label.deviceName"), Type: "text", Optional: true, Autocomplete: "off", Value: v.form.Get("device_name")}
	return setupAppView{QR: code, Key: inGroups(secret), Fields: []Field{v.codeField("authentication_code"), device}}, nil
}

// submitSetupApp proves that the app has the key, and goes on with the sign-in.
func (v *visit) submitSetupApp() error {
	code := v.code("authentication_code")
	if code == "" {
		return errMissing
	}
	in := &idp.VerifySoftwareTokenRequest{Session: &v.state.Session, UserCode: code}
	if name := strings.TrimSpace(v.form.Get("device_name")); name != "" {
		in.FriendlyDeviceName = &name
	}
	out, err := v.deps.SignIns.VerifySoftwareToken(v.r.Context(), in)
	if err != nil {
		return err
	}
	v.state.Session = api.Val(out.Session)
	return v.answer(map[string]string{})
}

// inGroups writes a key in groups of four.
func inGroups(key string) string {
	var b strings.Builder
	for i, r := range key {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}
