package registration

import (
	"maps"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/risk"
	"cognate/internal/user"
	"cognate/internal/user/codes"
	"cognate/test/lambdas"
	"cognate/test/people"
	"cognate/test/services"
)

const (
	sayNoContact  = "InvalidParameterException: Cannot reset password for the user as there is no registered/verified email or phone_number"
	sayNotNow     = "NotAuthorizedException: User password cannot be reset in the current state."
	sayDisabled   = "NotAuthorizedException: User is disabled"
	sayUnknown    = "UserNotFoundException: Username/client id combination not found."
	sayNotConfirm = "NotAuthorizedException: User cannot be confirmed. Current status is "
	sayConfirmed  = "InvalidParameterException: User is already confirmed."
)

// TestStatusByOperation is Cognito's table of what each operation answers in
// each status of the account, for a client that hides nobody.
func TestStatusByOperation(t *testing.T) {
	t.Parallel()
	const (
		un  = idp.UserStatusTypeUnconfirmed
		con = idp.UserStatusTypeConfirmed
		fcp = idp.UserStatusTypeForceChangePassword
		rst = idp.UserStatusTypeResetRequired
		ext = idp.UserStatusTypeExternalProvider
	)
	statuses := []idp.UserStatusType{un, con, fcp, rst, ext}
	rows := []struct {
		name    string
		contact bool // the mail address is verified
		call    func(t *testing.T, r *rig, sn *pool.Snapshot, client string, u *user.User) error
		want    map[idp.UserStatusType]string
		after   map[idp.UserStatusType]idp.UserStatusType // where it changes
	}{
		{
			name: "ConfirmSignUp",
			call: func(t *testing.T, r *rig, sn *pool.Snapshot, client string, u *user.User) error {
				code := r.sent(t, sn, u)
				_, err := r.ConfirmSignUp(t.Context(), &idp.ConfirmSignUpRequest{ClientId: client, Username: u.Username(), ConfirmationCode: code})
				return err
			},
			want: map[idp.UserStatusType]string{con: sayNotConfirm + "CONFIRMED", fcp: sayNotConfirm + "FORCE_CHANGE_PASSWORD",
				rst: sayNotConfirm + "RESET_REQUIRED", ext: sayNotConfirm + "EXTERNAL_PROVIDER"},
			after: map[idp.UserStatusType]idp.UserStatusType{un: con},
		},
		{
			name: "ResendConfirmationCode",
			call: func(t *testing.T, r *rig, _ *pool.Snapshot, client string, u *user.User) error {
				_, err := r.ResendConfirmationCode(t.Context(), &idp.ResendConfirmationCodeRequest{ClientId: client, Username: u.Username()})
				return err
			},
			want: map[idp.UserStatusType]string{con: sayConfirmed, fcp: sayConfirmed, rst: sayConfirmed, ext: sayConfirmed},
		},
		{
			name: "ForgotPassword without a verified contact", call: forgot,
			want: map[idp.UserStatusType]string{un: sayNoContact, con: sayNoContact, fcp: sayNotNow, rst: sayNoContact, ext: sayNotNow},
		},
		{
			name: "ForgotPassword with a verified contact", contact: true, call: forgot,
			want: map[idp.UserStatusType]string{un: sayNotNow, fcp: sayNotNow, ext: sayNotNow},
		},
		{
			name: "ConfirmForgotPassword", contact: true,
			call: func(t *testing.T, r *rig, sn *pool.Snapshot, client string, u *user.User) error {
				code := "123456"
				if forgot(t, r, sn, client, u) == nil {
					code = r.lastCode(t, sn)
				}
				_, err := r.ConfirmForgotPassword(t.Context(), &idp.ConfirmForgotPasswordRequest{ClientId: client, Username: u.Username(), ConfirmationCode: code, Password: people.Password + "2"})
				return err
			},
			want:  map[idp.UserStatusType]string{un: sayExpired, fcp: sayExpired, ext: sayExpired},
			after: map[idp.UserStatusType]idp.UserStatusType{rst: con},
		},
	}
	engines(t, func(t *testing.T, r *rig) {
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				sn := r.poolWith(t, nil)
				client := r.clientWith(t, sn, nil)
				for _, status := range statuses {
					r.Clock.Pass(time.Millisecond) // So that the newest message is this one's.
					attrs := map[string]string{"email": string(status) + "@example.com"}
					if row.contact {
						attrs["email_verified"] = "true"
					}
					u := r.Have(t, sn, string(status), status, attrs)
					err := row.call(t, r, sn, client, u)
					if got := lambdas.Says(err); got != row.want[status] {
						t.Errorf("%s: got %q, want %q", status, got, row.want[status])
					}
					want := status
					if row.after[status] != "" {
						want = row.after[status]
					}
					if got := r.Read(t, sn, u.ID()).Status(); got != want {
						t.Errorf("%s: left as %s, want %s", status, got, want)
					}
				}
			})
		}
	})
}

func forgot(t *testing.T, r *rig, _ *pool.Snapshot, client string, u *user.User) error {
	_, err := r.ForgotPassword(t.Context(), &idp.ForgotPasswordRequest{ClientId: client, Username: u.Username()})
	return err
}

// TestDisabledAndUnknown has what each public operation says of users who are
// disabled or not there, by the client's setting.
func TestDisabledAndUnknown(t *testing.T) {
	t.Parallel()
	calls := map[string]func(t *testing.T, r *rig, client, name string) (*idp.CodeDeliveryDetailsType, error){
		"ConfirmSignUp": func(t *testing.T, r *rig, client, name string) (*idp.CodeDeliveryDetailsType, error) {
			_, err := r.ConfirmSignUp(t.Context(), &idp.ConfirmSignUpRequest{ClientId: client, Username: name, ConfirmationCode: "123456"})
			return nil, err
		},
		"ResendConfirmationCode": func(t *testing.T, r *rig, client, name string) (*idp.CodeDeliveryDetailsType, error) {
			out, err := r.ResendConfirmationCode(t.Context(), &idp.ResendConfirmationCodeRequest{ClientId: client, Username: name})
			if err != nil {
				return nil, err
			}
			return out.CodeDeliveryDetails, nil
		},
		"ForgotPassword": func(t *testing.T, r *rig, client, name string) (*idp.CodeDeliveryDetailsType, error) {
			out, err := r.ForgotPassword(t.Context(), &idp.ForgotPasswordRequest{ClientId: client, Username: name})
			if err != nil {
				return nil, err
			}
			return out.CodeDeliveryDetails, nil
		},
		"ConfirmForgotPassword": func(t *testing.T, r *rig, client, name string) (*idp.CodeDeliveryDetailsType, error) {
			_, err := r.ConfirmForgotPassword(t.Context(), &idp.ConfirmForgotPasswordRequest{ClientId: client, Username: name, ConfirmationCode: "123456", Password: people.Password})
			return nil, err
		},
	}
	rows := []struct {
		call              string
		unknown, disabled string // a client that hides nobody
		unknownHidden     string
		disabledHidden    string
		simulated         bool // both answer where a code went
	}{
		{"ConfirmSignUp", sayUnknown, sayDisabled + ".", sayMismatch, sayMismatch, false},
		{"ResendConfirmationCode", sayUnknown, sayDisabled + ".", "", "", true},
		{"ForgotPassword", sayUnknown, sayDisabled, "", "", true},
		// A code was asked for just before.
		{"ConfirmForgotPassword", sayUnknown, sayDisabled, sayMismatch, sayMismatch, false},
	}
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		legacy, enabled := r.clientWith(t, sn, nil), r.clientWith(t, sn, services.Hiding)
		u := r.Have(t, sn, "dora", idp.UserStatusTypeConfirmed, people.Verified("dora@example.com"))
		r.Change(t, sn, u.ID(), func(u *user.User) { u.Rec.Enabled = false })
		for _, row := range rows {
			t.Run(row.call, func(t *testing.T) {
				call := calls[row.call]
				_, err := call(t, r, legacy, "nobody@example.org")
				people.WantError(t, err, row.unknown)
				_, err = call(t, r, legacy, "dora")
				people.WantError(t, err, row.disabled)
				details, err := call(t, r, enabled, "nobody@example.org")
				people.WantError(t, err, row.unknownHidden)
				if row.simulated {
					if got := tells(details); got != "EMAIL email n***@e***" {
						t.Errorf("simulated %q", got)
					}
				}
				_, err = call(t, r, enabled, "dora")
				people.WantError(t, err, row.disabledHidden)
			})
		}
		if list := r.mail(t, sn); len(list) > 0 {
			t.Errorf("%d messages were sent", len(list))
		}
	})
}

// TestDecoyLooksLikeAUser walks a name that nobody has and a user through the
// same steps: the answers must not tell them apart.
func TestDecoyLooksLikeAUser(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		client := r.clientWith(t, sn, services.Hiding)
		r.Have(t, sn, "alice", idp.UserStatusTypeConfirmed, people.Verified("alice@example.com"))
		walk := func(name string) (said []string) {
			note := func(err error) { said = append(said, lambdas.Says(err)) }
			give := func() {
				_, err := r.ConfirmForgotPassword(t.Context(), &idp.ConfirmForgotPasswordRequest{ClientId: client, Username: name, ConfirmationCode: "none", Password: people.Password})
				note(err)
			}
			ask := func() {
				_, err := r.ForgotPassword(t.Context(), &idp.ForgotPasswordRequest{ClientId: client, Username: name})
				note(err)
			}
			give()
			ask()
			give()
			r.Clock.Pass(time.Hour)
			give()
			ask()
			for range codes.TriesResetPassword.Limit + 2 {
				give()
			}
			ask()
			give()
			for range codes.QuotaReset.Limit {
				ask()
			}
			give()
			return said
		}
		known, unknown := walk("alice"), walk("nobody")
		for i := range known {
			if known[i] != unknown[i] {
				t.Errorf("step %d: a user gets %q, nobody gets %q", i, known[i], unknown[i])
			}
		}
		first, second := details(t, r, client, "nobody2"), details(t, r, client, "nobody2")
		if first != second {
			t.Errorf("simulated details change from %q to %q", first, second)
		}
	})
}

func details(t *testing.T, r *rig, client, name string) string {
	t.Helper()
	out, err := r.ForgotPassword(t.Context(), &idp.ForgotPasswordRequest{ClientId: client, Username: name})
	if err != nil {
		t.Fatal(err)
	}
	return tells(out.CodeDeliveryDetails)
}

// TestRecoveryContact tells which address a recovery uses.
func TestRecoveryContact(t *testing.T) {
	t.Parallel()
	mechanisms := func(names ...idp.RecoveryOptionNameType) func(in *idp.CreateUserPoolRequest) {
		return func(in *idp.CreateUserPoolRequest) {
			s := &idp.AccountRecoverySettingType{}
			for i, n := range names {
				s.RecoveryMechanisms = append(s.RecoveryMechanisms, idp.RecoveryOptionType{Priority: int32(i + 1), Name: n})
			}
			in.AccountRecoverySetting = s
		}
	}
	const mail, phone, admin = idp.RecoveryOptionNameTypeVerifiedEmail, idp.RecoveryOptionNameTypeVerifiedPhoneNumber, idp.RecoveryOptionNameTypeAdminOnly
	both := map[string]string{"email": "alice@example.com", "email_verified": "true", "phone_number": "+12065551234", "phone_number_verified": "true"}
	mailOnly := map[string]string{"email": "alice@example.com", "email_verified": "true", "phone_number": "+12065551234"}
	rows := []struct {
		name  string
		pool  func(in *idp.CreateUserPoolRequest)
		attrs map[string]string
		mfa   []string
		must  []string // the factors of which the pool demands one
		want  string
		err   string
	}{
		{name: "phone is what a demanded factor falls back on", pool: mechanisms(phone, mail), attrs: both, must: []string{"SMS_MFA"}, want: "EMAIL email a***@e***"},
		{name: "phone alone, which is that", pool: mechanisms(phone), attrs: both, must: []string{"SMS_MFA"}, err: sayNoContact},
		{name: "mail is what it falls back on", pool: mechanisms(mail, phone), attrs: both, must: []string{"EMAIL_OTP"}, want: "SMS phone_number +*******1234"},
		{name: "of two it falls back on the phone", pool: mechanisms(phone, mail), attrs: both, must: []string{"SMS_MFA", "EMAIL_OTP"}, want: "EMAIL email a***@e***"},
		{name: "mail was turned on, so it does not", pool: mechanisms(phone, mail), attrs: both, must: []string{"SMS_MFA", "EMAIL_OTP"}, mfa: []string{"EMAIL_OTP"}, want: "SMS phone_number +*******1234"},
		{name: "new pools take the mail first", attrs: both, want: "EMAIL email a***@e***"},
		{name: "phone first", pool: mechanisms(phone, mail), attrs: both, want: "SMS phone_number +*******1234"},
		{name: "phone is not verified", pool: mechanisms(phone, mail), attrs: mailOnly, want: "EMAIL email a***@e***"},
		{name: "phone alone, not verified", pool: mechanisms(phone), attrs: mailOnly, err: sayNoContact},
		{name: "phone is the second factor", pool: mechanisms(phone, mail), attrs: both, mfa: []string{"SMS_MFA"}, want: "EMAIL email a***@e***"},
		{name: "mail is the second factor", pool: mechanisms(mail, phone), attrs: both, mfa: []string{"EMAIL_OTP"}, want: "SMS phone_number +*******1234"},
		{name: "both are", attrs: both, mfa: []string{"EMAIL_OTP", "SMS_MFA"}, err: sayNoContact},
		{name: "by administrators", pool: mechanisms(admin), attrs: both, err: "NotAuthorizedException: Contact administrator to reset password."},
		{name: "no SMS settings", pool: func(in *idp.CreateUserPoolRequest) {
			mechanisms(phone)(in)
			in.SmsConfiguration = nil
			in.AutoVerifiedAttributes = []idp.VerifiedAttributeType{"email"}
		}, attrs: both, err: "InvalidParameterException: User pool does not have SMS configuration to send messages."},
	}
	engines(t, func(t *testing.T, r *rig) {
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				sn := r.demanding(t, r.poolWith(t, row.pool), row.must)
				attrs := map[string]string{}
				maps.Copy(attrs, row.attrs)
				u := r.Have(t, sn, "alice", idp.UserStatusTypeConfirmed, attrs)
				r.Change(t, sn, u.ID(), func(u *user.User) { u.MFA.Enabled = row.mfa })
				out, err := r.ForgotPassword(t.Context(), &idp.ForgotPasswordRequest{ClientId: r.clientWith(t, sn, nil), Username: "alice"})
				people.WantError(t, err, row.err)
				if err == nil && tells(out.CodeDeliveryDetails) != row.want {
					t.Errorf("got %q, want %q", tells(out.CodeDeliveryDetails), row.want)
				}
			})
		}
	})
}

// demanding makes a pool demand one of these second factors.
func (r *rig) demanding(t *testing.T, sn *pool.Snapshot, factors []string) *pool.Snapshot {
	t.Helper()
	if len(factors) == 0 {
		return sn
	}
	_, err := r.Pools.UpdateUserPool(t.Context(), &idp.UpdateUserPoolRequest{
		UserPoolId: sn.ID, AutoVerifiedAttributes: sn.Config.AutoVerifiedAttributes, SmsConfiguration: sn.Config.SmsConfiguration,
		AccountRecoverySetting: sn.Config.AccountRecoverySetting,
		EmailConfiguration: &idp.EmailConfigurationType{
			EmailSendingAccount: idp.EmailSendingAccountTypeDeveloper, SourceArn: new("arn:aws:ses:us-east-1:123456789012:identity/example.com"),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	in := &idp.SetUserPoolMfaConfigRequest{UserPoolId: sn.ID, MfaConfiguration: idp.UserPoolMfaTypeOn}
	for _, f := range factors {
		switch f {
		case user.FactorSMS:
			in.SmsMfaConfiguration = &idp.SmsMfaConfigType{SmsConfiguration: sn.Config.SmsConfiguration}
		case user.FactorEmail:
			in.EmailMfaConfiguration = &idp.EmailMfaConfigType{}
		}
	}
	if _, err := r.Pools.SetUserPoolMfaConfig(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	r.Clock.Pass(2 * time.Second) // The settings' cache is at most a second old.
	if sn, err = r.Pools.Load(t.Context(), sn.ID); err != nil {
		t.Fatal(err)
	}
	return sn
}

// TestRecovery follows one recovery to its end.
func TestRecovery(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		client := r.clientWith(t, sn, nil)
		u := r.Have(t, sn, "alice", idp.UserStatusTypeConfirmed, people.Verified("alice@example.com"))
		for range 5 {
			guess, err := r.Lockouts.Begin(t.Context(), sn.ID, u.ID(), risk.Anywhere)
			if err != nil {
				t.Fatal(err)
			}
			if err := guess.Failed(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		people.WantError(t, forgot(t, r, sn, client, u), "")
		if !r.Matches(t, sn, u, people.Password) {
			t.Error("asking for a code ended the old password")
		}
		in := &idp.ConfirmForgotPasswordRequest{ClientId: client, Username: "alice", ConfirmationCode: r.lastCode(t, sn), Password: "An0ther!password"}
		_, err := r.ConfirmForgotPassword(t.Context(), in)
		people.WantError(t, err, "")
		if r.Matches(t, sn, u, people.Password) || !r.Matches(t, sn, u, in.Password) {
			t.Error("the password was not replaced")
		}
		guess, err := r.Lockouts.Begin(t.Context(), sn.ID, u.ID(), risk.Anywhere)
		if err != nil {
			t.Fatalf("still locked out: %v", err)
		}
		guess.Release()
	})
}

// sent stores a code to confirm the user's sign-up with, whatever the status.
func (r *rig) sent(t *testing.T, sn *pool.Snapshot, u *user.User) string {
	t.Helper()
	if u.Status() != idp.UserStatusTypeUnconfirmed {
		return "123456"
	}
	_, err := r.ResendConfirmationCode(t.Context(), &idp.ResendConfirmationCodeRequest{ClientId: r.clientWith(t, sn, nil), Username: u.Username()})
	people.WantError(t, err, "")
	return r.lastCode(t, sn)
}
