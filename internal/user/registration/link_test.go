package registration

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"cognate/internal/api/idp"
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/test/lambdas"
	"cognate/test/people"
	"cognate/test/services"
)

// byLink makes a pool that confirms by a link in the mail.
func byLink(in *idp.CreateUserPoolRequest) {
	in.VerificationMessageTemplate = &idp.VerificationMessageTemplateType{DefaultEmailOption: idp.DefaultEmailOptionTypeConfirmWithLink}
}

// withDomain lets each pool of the rig have a domain.
func (r *rig) withDomain() {
	m := mailing.New(mailing.Deps{
		Store: r.Store, Messages: r.Messages, Triggers: r.Triggers,
		DomainBase: func(*pool.Snapshot) string { return "https://people.example" },
	})
	*r = *newRig(r.WithMail(m))
}

// TestConfirmationLink compares the messages of pools that confirm by link. CODE and LINK
// stand for the message's own code and link.
func TestConfirmationLink(t *testing.T) {
	t.Parallel()
	const linkText, linkSubject = `Please click the link below to verify your email address. <a href="LINK">Verify Email</a> `, "Your verification link"
	rows := []struct {
		name          string
		change        func(*idp.CreateUserPoolRequest)
		operation     string
		answer        map[string]any
		subject, body string
	}{
		{name: "sign-up", change: byLink, operation: "SignUp", subject: linkSubject, body: linkText},
		{name: "another", change: byLink, operation: "ResendConfirmationCode", subject: linkSubject, body: linkText},
		{name: "recovery", change: byLink, operation: "ForgotPassword", subject: "Your verification code", body: "Your verification code is CODE. "},
		{name: "changed address", change: byLink, operation: "UpdateUserAttributes", subject: "Your verification code", body: "Your verification code is CODE. "},
		{name: "own text", change: func(in *idp.CreateUserPoolRequest) {
			byLink(in)
			in.VerificationMessageTemplate.EmailMessageByLink, in.VerificationMessageTemplate.EmailSubjectByLink = new("{##here##} {##or here##}, {username}"), new("Welcome")
		}, operation: "SignUp", subject: "Welcome", body: `<a href="LINK">here</a> <a href="LINK">or here</a>, alice`},
		{name: "text of the function", change: byLink, operation: "SignUp", answer: map[string]any{"emailMessage": "{##Go##} {####}"}, subject: linkSubject, body: `<a href="LINK">Go</a> CODE`},
		{name: "text of the function without the link", change: byLink, operation: "SignUp", answer: map[string]any{"emailMessage": "{####}"}, subject: linkSubject, body: linkText},
		{name: "link of the function in a pool with codes", operation: "SignUp", answer: map[string]any{"emailMessage": "{##Go##} {####}"}, subject: "Your verification code", body: `<a href="LINK">Go</a> CODE`},
		{name: "no link for a recovery", operation: "ForgotPassword", answer: map[string]any{"emailMessage": "{##Go##} {####}"}, subject: "Your verification code", body: "{##Go##} CODE"},
	}
	engines(t, func(t *testing.T, r *rig) {
		r.withDomain()
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				p := postingOf(t, row.operation)
				config := &idp.LambdaConfigType{}
				if row.answer != nil {
					config.CustomMessage = lambdas.ARN("custom")
					r.Functions.On("custom", func(e *lambdas.Event) string {
						maps.Copy(e.Response, row.answer)
						return ""
					})
				}
				sn, client := p.preparedWith(t, r, func(in *idp.CreateUserPoolRequest) {
					in.LambdaConfig = config
					if row.change != nil {
						row.change(in)
					}
				})
				if err := p.run(t, r, sn, client, nil); err != nil {
					t.Fatal(err)
				}
				m := r.mail(t, sn)[0]
				link := "https://people.example/confirmUser?client_id=" + client + "&amp;user_name=alice&amp;confirmation_code=" + m.Code
				if body := strings.NewReplacer("LINK", link, "CODE", m.Code).Replace(row.body); m.Subject != row.subject || m.Body != body {
					t.Errorf("sent %q, %q\nwant %q, %q", m.Subject, m.Body, row.subject, body)
				}
			})
		}
	})
}

// TestLinkWithoutDomain: a pool that confirms by link and has no domain rejects a sign-up,
// and stores nothing. It answers the same for names that nobody has.
func TestLinkWithoutDomain(t *testing.T) {
	t.Parallel()
	const want = "InvalidParameterException: Cannot perform specific action because there does not exist a valid use pool domain associated with the user pool"
	engines(t, func(t *testing.T, r *rig) {
		p := postingOf(t, "SignUp")
		sn, client := p.preparedWith(t, r, byLink)
		people.WantError(t, p.run(t, r, sn, client, nil), want)
		_, err := r.Resolve(t.Context(), sn, "alice")
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the user: %v", err)
		}
		hides := r.clientWith(t, sn, func(in *idp.CreateUserPoolClientRequest) {
			in.PreventUserExistenceErrors = idp.PreventUserExistenceErrorTypesEnabled
		})
		_, err = r.ResendConfirmationCode(t.Context(), &idp.ResendConfirmationCodeRequest{ClientId: hides, Username: "nobody"})
		people.WantError(t, err, want)
		if list := r.mail(t, sn); len(list) != 0 {
			t.Errorf("sent %v", list)
		}
	})
}

// TestLinkBySender: a sender function gets the code, so the pool needs no domain.
func TestLinkBySender(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		r.withoutSenders(t)
		p := postingOf(t, "SignUp")
		sn, client := p.preparedWith(t, r, func(in *idp.CreateUserPoolRequest) {
			byLink(in)
			in.LambdaConfig = &idp.LambdaConfigType{
				CustomEmailSender: &idp.CustomEmailLambdaVersionConfigType{LambdaArn: *lambdas.ARN("mail"), LambdaVersion: "V1_0"}, KMSKeyID: new(services.SenderKeyID),
			}
		})
		r.Functions.On("mail", func(*lambdas.Event) string { return "" })
		r.Functions.Events()
		if err := p.run(t, r, sn, client, nil); err != nil {
			t.Fatal(err)
		}
		if err := r.Messages.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		events := r.Functions.Events()
		if len(events) != 1 || events[0].TriggerSource != "CustomEmailSender_SignUp" {
			t.Fatalf("events: %+v", events)
		}
		if code, _ := events[0].Request["code"].(string); !strings.HasPrefix(code, "AYAD") {
			t.Errorf("the function got %q, want an encrypted code", code)
		}
	})
}

func postingOf(t *testing.T, name string) posting {
	t.Helper()
	for _, p := range postings() {
		if p.name == name {
			return p
		}
	}
	t.Fatal("no operation " + name)
	return posting{}
}
