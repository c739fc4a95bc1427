package ops_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/server"
	"cognate/test/patience"
	"cognate/test/pgtest"
)

const senderKeyID = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"

var senderKey = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))

// hook is a webhook behind which functions run.
type hook struct {
	events chan event

	mu     sync.Mutex
	answer func(w http.ResponseWriter, r *http.Request, e event)
}

type event struct {
	Version       string         `json:"version"`
	TriggerSource string         `json:"triggerSource"`
	Region        string         `json:"region"`
	UserPoolID    string         `json:"userPoolId"`
	UserName      string         `json:"userName"`
	CallerContext map[string]any `json:"callerContext"`
	Request       map[string]any `json:"request"`
	Response      map[string]any `json:"response,omitempty"`
}

func (h *hook) answers(f func(w http.ResponseWriter, r *http.Request, e event)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = f
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var e, kept event
	if json.Unmarshal(body, &e) != nil || json.Unmarshal(body, &kept) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.events <- kept
	h.mu.Lock()
	answer := h.answer
	h.mu.Unlock()
	answer(w, r, e)
}

// next is the next event; none comes from a server that forgot it.
func (h *hook) next(t *testing.T) event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience.Limit)
	defer cancel()
	select {
	case e := <-h.events:
		return e
	case <-ctx.Done():
		t.Fatal("no event came")
		return event{}
	}
}

// worded answers with texts of its own.
func worded(w http.ResponseWriter, _ *http.Request, e event) {
	e.Response["emailSubject"] = e.TriggerSource
	e.Response["emailMessage"] = "mail {username} {####}"
	e.Response["smsMessage"] = "sms {username} {####}"
	_ = json.NewEncoder(w).Encode(e)
}

// withHook runs a test on servers whose functions are behind a webhook.
func withHook(t *testing.T, test func(t *testing.T, r rig, h *hook), change ...func(*server.Config)) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			h := &hook{events: make(chan event, 100), answer: worded}
			web := httptest.NewServer(h)
			t.Cleanup(web.Close)
			secret := "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32))
			routes := "functions:\n"
			for _, name := range []string{"words", "mail", "sms"} {
				routes += "  " + name + ": {webhook: " + web.URL + ", secret: " + secret + "}\n"
			}
			routes += "keys:\n  " + senderKeyID + ": {aes256: " + senderKey + "}\n"
			file := filepath.Join(t.TempDir(), "triggers.yaml")
			if err := os.WriteFile(file, []byte(routes), 0o600); err != nil {
				t.Fatal(err)
			}
			config := server.Config{Data: t.TempDir(), TriggerSettings: server.TriggerSettings{Triggers: file}}
			if engine == "postgres" {
				config.Database = server.Secret(pgtest.Database(t))
			}
			for _, c := range change {
				c(&config)
			}
			r, end, err := start(config)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := end(); err != nil {
					t.Error(err)
				}
			})
			test(t, r, h)
		})
	}
}

func functionARN(name string) string { return "arn:aws:lambda:us-east-1:123456789012:function:" + name }

func wording(in *cip.CreateUserPoolInput) {
	in.LambdaConfig = &types.LambdaConfigType{CustomMessage: aws.String(functionARN("words"))}
}

func sending(in *cip.CreateUserPoolInput) {
	in.LambdaConfig = &types.LambdaConfigType{
		CustomEmailSender: &types.CustomEmailLambdaVersionConfigType{LambdaArn: aws.String(functionARN("mail")), LambdaVersion: "V1_0"},
		CustomSMSSender:   &types.CustomSMSLambdaVersionConfigType{LambdaArn: aws.String(functionARN("sms")), LambdaVersion: "V1_0"},
		KMSKeyID:          aws.String(senderKeyID),
	}
}

// everyOccasion sends a message on each occasion that there is, to a user of its
// own, and returns the users' names.
func everyOccasion(t *testing.T, r rig, pool, client string) []struct {
	occasion string
	send     func() (string, error)
} {
	ctx := t.Context()
	token := func(name string) *string {
		r.user(t, pool, name, verified(name+"@example.com")...)
		return r.signIn(t, client, name).AccessToken
	}
	quietly := func(name string) { // a sign-up whose message is not looked at
		r.signUp(t, client, name, "email", name+"@example.com")
	}
	return []struct {
		occasion string
		send     func() (string, error)
	}{
		{"SignUp", func() (string, error) {
			_, err := r.SignUp(ctx, &cip.SignUpInput{ClientId: &client, Username: aws.String("a1"), Password: aws.String(password), UserAttributes: attributes("email", "a1@example.com")})
			return "a1", err
		}},
		{"ResendCode", func() (string, error) {
			_, err := r.ResendConfirmationCode(ctx, &cip.ResendConfirmationCodeInput{ClientId: &client, Username: aws.String("a1")})
			return "a1", err
		}},
		{"AdminCreateUser", func() (string, error) {
			_, err := r.AdminCreateUser(ctx, &cip.AdminCreateUserInput{
				UserPoolId: &pool, Username: aws.String("a2"), UserAttributes: attributes("email", "a2@example.com"), TemporaryPassword: aws.String(password), DesiredDeliveryMediums: []types.DeliveryMediumType{"EMAIL"},
			})
			return "a2", err
		}},
		{"ForgotPassword", func() (string, error) {
			r.user(t, pool, "a3", verified("a3@example.com")...)
			_, err := r.ForgotPassword(ctx, &cip.ForgotPasswordInput{ClientId: &client, Username: aws.String("a3")})
			return "a3", err
		}},
		{"UpdateUserAttribute", func() (string, error) {
			_, err := r.UpdateUserAttributes(ctx, &cip.UpdateUserAttributesInput{AccessToken: token("a4"), UserAttributes: attributes("email", "b4@example.com")})
			return "a4", err
		}},
		{"VerifyUserAttribute", func() (string, error) {
			_, err := r.GetUserAttributeVerificationCode(ctx, &cip.GetUserAttributeVerificationCodeInput{AccessToken: token("a5"), AttributeName: aws.String("email")})
			return "a5", err
		}},
		{"Authentication", func() (string, error) {
			r.user(t, pool, "a6", "phone_number", "+12065550100", "phone_number_verified", "true")
			must[*cip.AdminSetUserMFAPreferenceOutput](t)(r.AdminSetUserMFAPreference(ctx, &cip.AdminSetUserMFAPreferenceInput{
				UserPoolId: &pool, Username: aws.String("a6"), SMSMfaSettings: &types.SMSMfaSettingsType{Enabled: true},
			}))
			_, err := r.trySignIn(t, client, "a6", password)
			return "a6", err
		}},
		{"SignUp", func() (string, error) { quietly("a7"); return "a7", nil }},
	}
}

// withSMSFactor lets a pool's people turn codes by SMS on.
func (r rig) withSMSFactor(t *testing.T, pool string) {
	t.Helper()
	must[*cip.SetUserPoolMfaConfigOutput](t)(r.SetUserPoolMfaConfig(t.Context(), &cip.SetUserPoolMfaConfigInput{
		UserPoolId: &pool, MfaConfiguration: "OPTIONAL", SmsMfaConfiguration: &types.SmsMfaConfigType{
			SmsConfiguration: &types.SmsConfigurationType{SnsCallerArn: aws.String("arn:aws:iam::123456789012:role/sms")},
		},
	}))
}

// TestCustomMessage has each occasion's message worded by a function.
func TestCustomMessage(t *testing.T) {
	withHook(t, func(t *testing.T, r rig, h *hook) {
		pool := r.pool(t, withSMS, wording)
		r.withSMSFactor(t, pool)
		for _, o := range everyOccasion(t, r, pool, r.client(t, pool)) {
			name := must[string](t)(o.send())
			e := h.next(t)
			if e.TriggerSource != "CustomMessage_"+o.occasion || e.UserName != name || e.UserPoolID != pool || !strings.HasPrefix(e.CallerContext["awsSdkVersion"].(string), "aws-sdk-go-v2") {
				t.Errorf("%s: event %+v", o.occasion, e)
			}
			m := r.inbox(t, pool, name)[0]
			want := map[string]string{"EMAIL": "mail ", "SMS": "sms "}[m.Medium] + name + " " + m.Code
			if m.Code == "" || m.Body != want || m.Medium == "EMAIL" && m.Subject != e.TriggerSource {
				t.Errorf("%s: %s %q %q", o.occasion, m.Medium, m.Subject, m.Body)
			}
		}
	})
}

// TestCustomSenders has each occasion's message sent by a function, which opens
// the code with AWS's Encryption SDK; the code then confirms.
func TestCustomSenders(t *testing.T) {
	withHook(t, func(t *testing.T, r rig, h *hook) {
		h.answers(func(w http.ResponseWriter, _ *http.Request, e event) { _ = json.NewEncoder(w).Encode(e) })
		pool := r.pool(t, withSMS, sending)
		r.withSMSFactor(t, pool)
		client := r.client(t, pool)
		for _, o := range everyOccasion(t, r, pool, client) {
			name := must[string](t)(o.send())
			e := h.next(t)
			source := "CustomEmailSender_" + o.occasion
			if o.occasion == "Authentication" {
				source = "CustomSMSSender_" + o.occasion
			}
			if e.TriggerSource != source || e.UserName != name || e.Response != nil {
				t.Errorf("%s: event %+v", o.occasion, e)
			}
			if name != "a7" {
				continue
			}
			code := opened(t, pool, e.Request["code"].(string))
			must[*cip.ConfirmSignUpOutput](t)(r.ConfirmSignUp(t.Context(), &cip.ConfirmSignUpInput{ClientId: &client, Username: &name, ConfirmationCode: &code}))
			r.signIn(t, client, name)
		}
	})
}

// opened is a code as AWS's Encryption SDK opens it.
func opened(t *testing.T, pool, code string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience.Limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "encryption-sdk.mjs", senderKey, senderKeyID, "REQUIRE_ENCRYPT_ALLOW_DECRYPT")
	cmd.Dir = filepath.Join("..", "js")
	cmd.Stdin = strings.NewReader(code)
	out, err := cmd.CombinedOutput()
	fields := strings.Fields(string(out))
	if err != nil || len(fields) != 3 || fields[0] != pool {
		t.Fatalf("%s, %v", out, err)
	}
	return fields[1]
}

// TestSenderKeys: a pool that names a key which the server does not have is
// refused.
func TestSenderKeys(t *testing.T) {
	withHook(t, func(t *testing.T, r rig, _ *hook) {
		_, err := r.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: aws.String("people"), LambdaConfig: &types.LambdaConfigType{
			CustomEmailSender: &types.CustomEmailLambdaVersionConfigType{LambdaArn: aws.String(functionARN("mail")), LambdaVersion: "V1_0"},
			KMSKeyID:          aws.String("arn:aws:kms:us-east-1:123456789012:key/another"),
		}})
		wantType[*types.InvalidParameterException](t, err)
	})
}

// TestMessageFunctionFails: a function that throws, hangs or answers garbage is
// told to the caller; who has signed up stays, and no message goes out.
func TestMessageFunctionFails(t *testing.T) {
	withHook(t, func(t *testing.T, r rig, h *hook) {
		pool := r.pool(t, wording)
		client := r.client(t, pool)
		for _, row := range []struct {
			name   string
			answer func(w http.ResponseWriter, r *http.Request, e event)
			want   error
		}{
			{"throws", func(w http.ResponseWriter, _ *http.Request, _ event) {
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = io.WriteString(w, `{"errorMessage":"no text"}`)
			}, &types.UserLambdaValidationException{Message: aws.String("CustomMessage failed with error no text.")}},
			{"away", func(w http.ResponseWriter, _ *http.Request, _ event) { w.WriteHeader(http.StatusBadGateway) },
				&types.UnexpectedLambdaException{Message: aws.String("CustomMessage invocation failed due to error ServiceException.")}},
			{"garbage", func(w http.ResponseWriter, _ *http.Request, _ event) { _, _ = io.WriteString(w, "<html>") },
				&types.InvalidLambdaResponseException{Message: aws.String("Invalid lambda function output : Invalid JSON")}},
			{"wrong-type", func(w http.ResponseWriter, _ *http.Request, _ event) {
				_, _ = io.WriteString(w, `{"response":{"emailMessage":7}}`)
			}, &types.InvalidLambdaResponseException{Message: aws.String("Unrecognizable lambda output")}},
		} {
			h.answers(row.answer)
			_, err := r.SignUp(t.Context(), &cip.SignUpInput{
				ClientId: &client, Username: &row.name, Password: aws.String(password), UserAttributes: attributes("email", row.name+"@example.com"),
			})
			wantError(t, err, row.want)
			if got := r.find(t, pool, row.name).UserStatus; got != types.UserStatusTypeUnconfirmed {
				t.Errorf("%s: the user is %s", row.name, got)
			}
			r.pass(2 * time.Minute)
			if list := r.inbox(t, pool, row.name); len(list) != 0 {
				t.Errorf("%s: sent %v", row.name, list)
			}
		}
	})
}

// TestMessageFunctionHangs: a hanging function is abandoned after the server's limit.
// A later code is sent.
func TestMessageFunctionHangs(t *testing.T) {
	withHook(t, func(t *testing.T, r rig, h *hook) {
		left := make(chan struct{})
		pool := r.pool(t, wording)
		client := r.client(t, pool)
		h.answers(func(_ http.ResponseWriter, r *http.Request, _ event) { <-r.Context().Done(); close(left) })
		_, err := r.SignUp(t.Context(), &cip.SignUpInput{
			ClientId: &client, Username: aws.String("alice"), Password: aws.String(password), UserAttributes: attributes("email", "alice@example.com"),
		})
		wantError(t, err, &types.UnexpectedLambdaException{Message: aws.String("CustomMessage invocation failed due to error Socket timeout while invoking Lambda function.")})
		if got := r.find(t, pool, "alice").UserStatus; got != types.UserStatusTypeUnconfirmed {
			t.Errorf("the user is %s", got)
		}
		r.pass(2 * time.Minute)
		if list := r.inbox(t, pool, "alice"); len(list) != 0 {
			t.Errorf("sent %v", list)
		}
		select { // The server let go of the function.
		case <-left:
		case <-t.Context().Done():
		}
		h.answers(worded)
		must[*cip.ResendConfirmationCodeOutput](t)(r.ResendConfirmationCode(t.Context(), &cip.ResendConfirmationCodeInput{ClientId: &client, Username: aws.String("alice")}))
		code := r.code(t, pool, "alice")
		must[*cip.ConfirmSignUpOutput](t)(r.ConfirmSignUp(t.Context(), &cip.ConfirmSignUpInput{ClientId: &client, Username: aws.String("alice"), ConfirmationCode: &code}))
	}, func(c *server.Config) { c.TriggerTimeout = 15 * time.Second }) // enough for the call that works
}

// TestCustomMessageOfNode runs an unmodified handler of Node.js.
func TestCustomMessageOfNode(t *testing.T) {
	t.Parallel()
	r, end, err := start(server.Config{Data: t.TempDir(), Functions: filepath.Join("..", "functions", "node")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	pool := r.pool(t, func(in *cip.CreateUserPoolInput) {
		in.LambdaConfig = &types.LambdaConfigType{CustomMessage: aws.String(functionARN("custom-message"))}
	})
	client := r.client(t, pool)
	must[*cip.SignUpOutput](t)(r.SignUp(t.Context(), &cip.SignUpInput{
		ClientId: &client, Username: aws.String("alice"), Password: aws.String(password), UserAttributes: attributes("email", "alice@example.com"),
		ClientMetadata: map[string]string{"language": "de"},
	}))
	m := r.inbox(t, pool, "alice")[0]
	if m.Subject != "Welcome to Example" || m.Body != "<p>Ihr Code: "+m.Code+"</p>" {
		t.Errorf("%q, %q", m.Subject, m.Body)
	}
}
