package signin

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/test/services"
)

// TestSelectMFA chooses among second factors.
func TestSelectMFA(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.mfaPool(t, idp.UserPoolMfaTypeOptional, askSMS, askTOTP, askMail)
		c := r.client(t, sn)
		u := r.have(t, sn, "alice", person{password: right, attrs: map[string]string{"phone_number": "+12065550100", "email": "alice@example.com"}})
		a := r.enrolled(t, sn, c, u)
		r.prefers(t, u, askSMS, askTOTP, askMail)
		b := r.begin(t, c, u, askChoice)
		if diff := cmp.Diff(map[string]string{"MFAS_CAN_CHOOSE": `["SMS_MFA","SOFTWARE_TOKEN_MFA","EMAIL_OTP"]`, "USER_ID_FOR_SRP": "alice"}, b.params); diff != "" {
			t.Error(diff)
		}
		before := len(r.sent(t, u))
		wantSays(t, b.answer(t), "InvalidParameterException: Missing required parameter ANSWER")
		wantSays(t, b.answer(t, "ANSWER", "WEB_AUTHN"), "InvalidParameterException: Invalid MFA type: WEB_AUTHN is not one of the user's.")
		first := *b
		wantSays(t, b.answer(t, "ANSWER", askSMS), askSMS)
		if got := len(r.sent(t, u)); got != before+1 {
			t.Errorf("%d messages, want one more than %d", got, before)
		}
		wantSays(t, first.answer(t, "ANSWER", askMail), sayUsed)
		wantSays(t, b.answer(t, "SMS_MFA_CODE", r.code(t, u)), "tokens")

		b = r.begin(t, c, u, askChoice)
		wantSays(t, b.answer(t, "ANSWER", "EMAIL_MFA"), askMail)
		wantSays(t, b.answer(t, "EMAIL_OTP_CODE", r.code(t, u)), "tokens")
		b = r.begin(t, c, u, askChoice)
		wantSays(t, b.answer(t, "ANSWER", askTOTP), askTOTP)
		wantSays(t, b.answer(t, "SOFTWARE_TOKEN_MFA_CODE", a.code(0)), "tokens")
	})
}

// TestSetupOfSoftwareToken enrols an app in the middle of a sign-in.
func TestSetupOfSoftwareToken(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.mfaPool(t, idp.UserPoolMfaTypeOn, askSMS, askTOTP)
		c := r.client(t, sn)
		u := r.have(t, sn, "alice", person{password: right})
		associate := func(session *string) (*idp.AssociateSoftwareTokenResponse, error) {
			return r.AssociateSoftwareToken(t.Context(), &idp.AssociateSoftwareTokenRequest{Session: session})
		}
		verify := func(session *string, code string) (*idp.VerifySoftwareTokenResponse, error) {
			return r.VerifySoftwareToken(t.Context(), &idp.VerifySoftwareTokenRequest{Session: session, UserCode: code})
		}
		b := r.begin(t, c, u, askSetup)
		late := r.begin(t, c, u, askSetup)
		lateToo := r.begin(t, c, u, askSetup)
		lateOut, err := associate(lateToo.session)
		wantErr(t, err, "")
		if diff := cmp.Diff(map[string]string{"MFAS_CAN_SETUP": `["SMS_MFA","SOFTWARE_TOKEN_MFA"]`, "USER_ID_FOR_SRP": "alice"}, b.params); diff != "" {
			t.Error(diff)
		}
		s1 := b.session
		wantSays(t, b.answer(t), sayNoApp)
		wantErr(t, second(verify(s1, "123456")), sayInvalid)
		out, err := associate(s1)
		if err != nil {
			t.Fatal(err)
		}
		a := newApp(t, r, *out.SecretCode)
		wantErr(t, second(associate(s1)), sayUsed)
		wantSays(t, b.answer(t), sayUsed)
		s2 := out.Session
		b.session = s2
		wantSays(t, b.answer(t), sayInvalid)
		wantErr(t, second(verify(s2, services.OtherCode(a.code(0)))), sayEnrolWrong)
		code := a.code(0)
		done, err := verify(s2, code)
		if err != nil || done.Status != "SUCCESS" {
			t.Fatal(done, err)
		}
		wantErr(t, second(verify(s2, code)), sayUsed)
		wantSays(t, settingsOf(r.read(t, sn, u.ID())), "[SOFTWARE_TOKEN_MFA] SOFTWARE_TOKEN_MFA")

		// The factor is there before the sign-in ends, and the code is used up.
		now := r.begin(t, c, u, askTOTP)
		wantSays(t, now.answer(t, "SOFTWARE_TOKEN_MFA_CODE", code), sayStepUsed)
		// Whoever knew the password alone does not get to enrol another.
		wantErr(t, second(associate(late.session)), sayInvalid)
		wantSays(t, late.answer(t, "PHONE_NUMBER", "+12065550199"), sayInvalid)
		wantErr(t, second(verify(lateOut.Session, newApp(t, r, *lateOut.SecretCode).code(1))), sayInvalid)

		b.session = done.Session
		wantErr(t, second(associate(done.Session)), sayInvalid)
		wantSays(t, b.answer(t, "SOFTWARE_TOKEN_MFA_CODE", code), "tokens")
		wantSays(t, b.answer(t), sayUsed)
	})
}

// TestSetupOfAddress enrols a mail address or a phone in the middle of a sign-in.
func TestSetupOfAddress(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		aliases := func(in *idp.CreateUserPoolRequest) {
			in.AliasAttributes = []idp.AliasAttributeType{"email", "phone_number"}
		}
		sn := r.mfaPoolWith(t, idp.UserPoolMfaTypeOn, []string{askMail}, aliases)
		c := r.client(t, sn)
		r.have(t, sn, "bystander", person{password: right})
		u := r.have(t, sn, "alice", person{password: right})
		b := r.begin(t, c, u, askSetup)
		wantSays(t, b.params["MFAS_CAN_SETUP"], `["EMAIL_OTP"]`)
		wantSays(t, b.answer(t, "PHONE_NUMBER", "+12065550100"), "InvalidParameterException: The MFA method is not enabled for the user pool.")
		wantSays(t, b.answer(t, "EMAIL", "no address"), "InvalidParameterException: Invalid email address format.")
		wantSays(t, b.answer(t, "EMAIL", "alice@example.com"), askMail)
		if m := r.sent(t, u)[0]; m.To != "alice@example.com" {
			t.Errorf("sent to %s", m.To)
		}
		if got := r.read(t, sn, u.ID()); len(got.Attributes) != 0 || len(got.MFA.Enabled) != 0 {
			t.Errorf("stored before it was proven: %v %v", got.Attributes, got.MFA)
		}
		late := r.begin(t, c, u, askSetup)
		wantSays(t, b.answer(t, "EMAIL_OTP_CODE", services.OtherCode(r.code(t, u))), sayMismatch)
		wantSays(t, b.answer(t, "EMAIL_OTP_CODE", r.code(t, u)), "tokens")
		got := r.read(t, sn, u.ID())
		if !got.Verified("email") || got.Attributes["email"] != "alice@example.com" || !slices.Equal(got.MFA.Enabled, []string{askMail}) {
			t.Errorf("%v %v", got.Attributes, got.MFA)
		}
		wantSays(t, late.answer(t, "EMAIL", "mallory@example.com"), sayInvalid)
		b = r.begin(t, c, u, askMail)
		wantSays(t, b.answer(t, "EMAIL_OTP_CODE", r.code(t, u)), "tokens")
		if out, err := r.plain(t.Context(), c, "alice@example.com", right); said(out, err) != askMail {
			t.Errorf("the address is no sign-in name: %s", said(out, err))
		}
		bystander, err := r.users.Resolve(t.Context(), sn, "bystander")
		wantErr(t, err, "")
		b = r.begin(t, c, bystander, askSetup)
		wantSays(t, b.answer(t, "EMAIL", "alice@example.com"), "AliasExistsException: An account with the given email already exists.")

		sn = r.mfaPool(t, idp.UserPoolMfaTypeOn, askSMS)
		c = r.client(t, sn)
		u = r.have(t, sn, "carol", person{password: right})
		b = r.begin(t, c, u, askSetup)
		wantSays(t, b.answer(t, "EMAIL", "carol@example.com"), "InvalidParameterException: The MFA method is not enabled for the user pool.")
		wantSays(t, b.answer(t, "PHONE_NUMBER", "+12065550100"), askSMS)
		wantSays(t, b.answer(t, "SMS_MFA_CODE", r.code(t, u)), "tokens")
		if got := r.read(t, sn, u.ID()); !got.Verified("phone_number") || !slices.Equal(got.MFA.Enabled, []string{askSMS}) {
			t.Errorf("%v %v", got.Attributes, got.MFA)
		}
	})
}

// TestMFAAfterNewPassword: the new password comes first, then the second factor;
// and an administrator's flows ask for it like the others.
func TestMFAAfterNewPassword(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.mfaPool(t, idp.UserPoolMfaTypeOn, askSMS, askTOTP)
		c := r.client(t, sn)
		u, out := r.invited(t, sn, c, person{attrs: map[string]string{"phone_number": "+12065550100"}})
		b := &begun{r, c, u, out.ChallengeName, out.Session, out.ChallengeParameters}
		wantSays(t, b.answer(t, "NEW_PASSWORD", fresh), askSMS)
		wantSays(t, b.answer(t, "SMS_MFA_CODE", r.code(t, u)), "tokens")

		u, out = r.invited(t, sn, c, person{})
		b = &begun{r, c, u, out.ChallengeName, out.Session, out.ChallengeParameters}
		wantSays(t, b.answer(t, "NEW_PASSWORD", fresh), askSetup)
		wantSays(t, b.answer(t, "PHONE_NUMBER", "+12065550100"), askSMS)
		wantSays(t, b.answer(t, "SMS_MFA_CODE", r.code(t, u)), "tokens")

		admin, err := r.AdminInitiateAuth(t.Context(), &idp.AdminInitiateAuthRequest{UserPoolId: sn.ID, ClientId: c.ID,
			AuthFlow: idp.AuthFlowTypeAdminUserPasswordAuth, AuthParameters: map[string]string{"USERNAME": u.Username(), "PASSWORD": fresh}})
		if err != nil || admin.ChallengeName != askSMS {
			t.Fatal(admin, err)
		}
		done, err := r.AdminRespondToAuthChallenge(t.Context(), &idp.AdminRespondToAuthChallengeRequest{UserPoolId: sn.ID, ClientId: c.ID,
			ChallengeName: askSMS, Session: admin.Session, ChallengeResponses: map[string]string{"USERNAME": u.Username(), "SMS_MFA_CODE": r.code(t, u)}})
		if err != nil || done.AuthenticationResult == nil {
			t.Fatal(done, err)
		}
		wantSays(t, r.srp(t, c, u.Username(), fresh), "2: "+askSMS)
	})
}

// TestSentCodesAreBounded: a user's codes are so many in an hour.
func TestSentCodesAreBounded(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.mfaPool(t, idp.UserPoolMfaTypeOn, askSMS)
	c := r.client(t, sn)
	u := r.have(t, sn, "alice", person{password: right, attrs: map[string]string{"phone_number": "+12065550100"}})
	for range 20 {
		r.begin(t, c, u, askSMS)
	}
	wantSays(t, said(r.plain(t.Context(), c, "alice", right)), "TooManyRequestsException: Attempt limit exceeded, please try after some time.")
	if got := len(r.sent(t, u)); got != 20 {
		t.Errorf("%d messages", got)
	}
}

// TestSecondFactorProvesNoAlias: a code does not take a sign-in name from its
// holder, nor does that keep its user out.
func TestSecondFactorProvesNoAlias(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.mfaPoolWith(t, idp.UserPoolMfaTypeOn, []string{askSMS}, func(in *idp.CreateUserPoolRequest) {
		in.AliasAttributes = []idp.AliasAttributeType{"phone_number"}
	})
	c := r.client(t, sn)
	phone := map[string]string{"phone_number": "+12065550100"}
	u := r.have(t, sn, "alice", person{password: right, attrs: maps.Clone(phone)})
	late := r.have(t, sn, "bob", person{password: right, attrs: maps.Clone(phone)})
	b := r.begin(t, c, u, askSMS)
	wantSays(t, b.answer(t, "SMS_MFA_CODE", r.code(t, u)), "tokens")
	b = r.begin(t, c, late, askSMS)
	wantSays(t, b.answer(t, "SMS_MFA_CODE", r.code(t, late)), "tokens")
	if !r.read(t, sn, u.ID()).Verified("phone_number") || r.read(t, sn, late.ID()).Verified("phone_number") {
		t.Error("the alias is not the first one's")
	}
}
