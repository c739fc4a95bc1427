package trail

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/awsjson"
	"cognate/internal/audit"
	"cognate/internal/store"
)

// A Page is a request for a page or an endpoint of a login domain.
type Page struct {
	// Name is the event's name: see [PageEvent].
	Name string
	// Method is the HTTP method.
	Method string
	// PoolID, Region and Domain are of the domain: Domain is its host.
	PoolID, Region, Domain string
	// Status is the HTTP status of the answer.
	Status int
	// Parameters are those of the query and of the form.
	Parameters url.Values
	TLS        *tls.ConnectionState
}

// RecordPage stores the record of a page. A page is answered without its record, if need be.
func (t *Trail) RecordPage(ctx context.Context, page *Page) {
	r, facts := api.RequestFrom(ctx), audit.From(ctx).Facts()
	if facts.Reason == api.ReasonRateLimited {
		return // as in RecordCall
	}
	e := &store.AuditEvent{
		At: r.Time, Kind: KindPage, Source: "cognito-idp.amazonaws.com", Name: page.Name,
		ReadOnly: page.Method == http.MethodGet || page.Method == http.MethodHead,
		Region:   page.Region, PoolID: page.PoolID, RequestID: r.ID, Sub: subjectOf(facts),
	}
	d := &details{
		Account: t.deps.AccountID, TLS: tlsDetails(page.TLS, clip(r.Host)), Additional: withRisk(page.additional(), facts),
		Identity: json.RawMessage(`{"accountId":"` + t.deps.AccountID + `"}`),
		Service:  json.RawMessage(`{"serviceAccountId":"` + t.deps.AccountID + `"}`),
	}
	switch {
	case facts.Code != "" && facts.Code != audit.CodeClientGone:
		e.Error, d.ErrorMessage = validText(facts.Code), string(facts.Reason)
	case page.Status >= http.StatusBadRequest:
		e.Error, d.ErrorMessage = strconv.Itoa(page.Status), string(facts.Reason)
	}
	seal(e, d, &personal{SourceIP: r.SourceIP, UserAgent: clip(r.UserAgent)})
	_ = t.write(ctx, e, false) // It counts what is lost.
}

// additional renders additionalEventData without the sub.
func (p *Page) additional() json.RawMessage {
	b := append(make([]byte, 0, 512), `{"responseParameters":{"status":`...)
	b = append(awsjson.Int(b, int64(p.Status)), `.0},"requestParameters":{`...)
	for _, name := range slices.Sorted(maps.Keys(p.Parameters)) {
		show, known := parameters[name]
		switch {
		case !known && strings.HasPrefix(name, "requiredAttributes["):
			name = "requiredAttributes" // The rest is free text.
		case !known:
			continue
		}
		values := make([]string, 0, 1)
		for _, v := range p.Parameters[name][:min(len(p.Parameters[name]), maxValues)] {
			if show == nil {
				v = Hidden
			} else {
				v = show(v)
			}
			values = append(values, v)
		}
		b = awsjson.StringList(append(awsjson.String(awsjson.Name(b, ""), name), ':'), values)
	}
	b = append(b, '}')
	b = appendText(b, `"userPoolDomain":`, p.Domain)
	return append(appendText(b, `"userPoolId":`, p.PoolID), '}')
}

// maxValues is how many values of a parameter a record shows.
const maxValues = 8

// parameters are the parameters of pages and endpoints that records show: those with a function by
// its result, the others hidden. A stranger chooses the names of other parameters, so records leave
// them out.
var parameters = map[string]func(string) string{
	"client_id": clip, "response_type": clip, "scope": clip, "grant_type": clip, "identity_provider": clip, "idp_identifier": clip,
	"code_challenge_method": clip, "response_mode": clip, "prompt": clip, "max_age": clip, "acr_values": clip, "lang": clip,
	"userPoolId": clip, "eventId": clip, "feedbackValue": clip,
	"token_type_hint": clip, "error": clip, "redirect_uri": withoutQuery, "logout_uri": withoutQuery, "ui_locales": clip, "resource": clip,

	"username": nil, "password": nil, "new_password": nil, "confirm_password": nil, "proposed_password": nil, "code": nil,
	"verification_code": nil, "code_verifier": nil, "code_challenge": nil, "client_secret": nil, "client_assertion": nil,
	"feedbackToken": nil, "userName": nil,
	"token": nil, "refresh_token": nil, "access_token": nil, "id_token": nil, "id_token_hint": nil, "login_hint": nil, "state": nil,
	"nonce": nil, "session": nil, "_csrf": nil, "SAMLResponse": nil, "RelayState": nil, "SAMLRequest": nil, "user_name": nil,
	"email": nil, "phone_number": nil, "cognitoAsfData": nil, "error_description": nil, "destination": nil, "credential": nil,
}

// withoutQuery returns an address without the parts in which clients put values of their own.
func withoutQuery(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Opaque != "" {
		return Hidden
	}
	u.User, u.RawQuery, u.Fragment, u.ForceQuery = nil, "", "", false
	return clip(u.String())
}

// classicNames are the names of events of the classic pages by path and method, and of all
// endpoints (Cognito: "Logging Amazon Cognito API calls with AWS CloudTrail"). Paths are in lower
// case. Endpoints and pages that the page does not name have a name of the same form.
var classicNames = map[string]map[string]string{
	"/oauth2/authorize":      {"GET": "OAuth2_Authorize_GET"},
	"/authorize":             {"GET": "OAuth2_Authorize_GET"},
	"/oauth2/token":          {"POST": "Token_POST"},
	"/oauth2/userinfo":       {"GET": "UserInfo_GET", "POST": "UserInfo_POST"},
	"/oauth2/revoke":         {"POST": "Revoke_POST"},
	"/oauth2/register":       {"POST": "Register_POST"},
	"/oauth2/idpresponse":    {"GET": "OAuth2Response_GET", "POST": "OAuth2Response_POST"},
	"/saml2/idpresponse":     {"POST": "SAML2Response_POST"},
	"/saml2/finish":          {"GET": "SAML2Finish_GET"},
	"/saml2/logout":          {"POST": "SAML2Logout_POST"},
	"/saml2/metadata":        {"GET": "SAML2Metadata_GET"},
	"/logout":                {"GET": "Logout"},
	"/oauth2/logout":         {"GET": "Logout"},
	"/login":                 {"GET": "Login_GET", "POST": "CognitoAuthentication"},
	"/oauth2/login":          {"GET": "Login_GET", "POST": "CognitoAuthentication"},
	"/signup":                {"GET": "Signup_GET", "POST": "Signup_POST"},
	"/confirm":               {"GET": "Confirm_GET", "POST": "Confirm_POST"},
	"/resendcode":            {"GET": "ResendCode_GET", "POST": "ResendCode_POST"},
	"/forgotpassword":        {"GET": "ForgotPassword_GET", "POST": "ForgotPassword_POST"},
	"/confirmforgotpassword": {"GET": "ConfirmForgotPassword_GET", "POST": "ConfirmForgotPassword_POST"},
	"/changepassword":        {"GET": "ResetPassword_GET", "POST": "ResetPassword_POST"},
	"/mfa":                   {"GET": "Mfa_GET", "POST": "Mfa_POST"},
	"/mfa/choose":            {"GET": "MfaOption_GET", "POST": "MfaOption_POST"},
	"/mfa/setup":             {"GET": "MfaRegister_GET", "POST": "MfaRegister_POST"},
	"/mfa/address":           {"GET": "MfaRegister_GET", "POST": "MfaRegister_POST"},
	"/mfa/app":               {"GET": "MfaRegister_GET", "POST": "MfaRegister_POST"},
	"/mfa/resend":            {"GET": "ResendCode_GET", "POST": "ResendCode_POST"},
	"/login/choose":          {"GET": "LoginChoose_GET", "POST": "LoginChoose_POST"},
	"/verifypassword":        {"GET": "VerifyPassword_GET", "POST": "VerifyPassword_POST"},
	"/login/passkey":         {"GET": "LoginPasskey_GET", "POST": "LoginPasskey_POST"},
	"/passkeys/add":          {"GET": "PasskeysAdd_GET", "POST": "PasskeysAdd_POST"},
	"/confirmuser":           {"GET": "Confirm_With_Link_GET", "POST": "Confirm_With_Link_POST"},
	"/eventfeedback":         {"GET": "Event_Feedback_GET", "POST": "Event_Feedback_POST"},
	"/error":                 {"GET": "Error_GET"},
}

// managedNames are the names of events of managed login, without the method.
var managedNames = map[string]string{
	"/login": "login", "/oauth2/login": "login", "/login/choose": "selectChallenge", "/verifypassword": "login_continue",
	"/login/passkey": "login_passkey", "/passkeys/add": "passkeys_add", "/signup": "signup", "/confirm": "signup_confirm",
	"/resendcode": "signup_resendCode", "/confirmuser": "confirmUser", "/forgotpassword": "forgotPassword",
	"/confirmforgotpassword": "verifyCode", "/changepassword": "changePassword", "/mfa": "mfa_phone_verify", "/mfa/choose": "mfa_options",
	"/mfa/setup": "mfa_options", "/mfa/address": "mfa_phone_register", "/mfa/app": "mfa_totp", "/mfa/resend": "mfa_phone_resendCode",
}

// PageEvent returns the name of the event of a path below a login domain, or "" for paths that are
// not recorded: files of pages, and paths that do not exist.
func PageEvent(path, method string, managed bool) string {
	path = strings.ToLower(path)
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if name := managedNames[path]; managed && name != "" && (method == http.MethodGet || method == http.MethodPost) {
		return name + "_" + method
	}
	return classicNames[path][method]
}
