package login_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/test/serving"
)

// contextData returns what the script of a page puts into cognitoAsfData.
func (r *rig) contextData(t *testing.T) string {
	const version = "JS20171115"
	payload := fmt.Sprintf(`{"contextData":{"UserAgent":"Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"},"username":"","userPoolId":"","timestamp":"%d"}`, time.Now().UnixMilli())
	mac := hmac.New(sha256.New, []byte(*r.client.ClientId))
	mac.Write([]byte(version + payload))
	document, err := json.Marshal(map[string]string{"payload": payload, "signature": base64.StdEncoding.EncodeToString(mac.Sum(nil)), "version": version})
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(document)
}

// TestContextData: what the script of the pages gathers is in the events of a sign-up and of a recovery.
func TestContextData(t *testing.T) {
	t.Parallel()
	engines(t, func(in *cip.CreateUserPoolInput) {
		in.UserPoolAddOns = &types.UserPoolAddOnsType{AdvancedSecurityMode: types.AdvancedSecurityModeTypeAudit}
	}, func(t *testing.T, r *rig) {
		b, data := r.browser(t), r.contextData(t)
		p := b.send(b.open("/signup"), "username", "carol", "requiredAttributes[email]", "carol@example.com", "password", password, "cognitoAsfData", data)
		wantPage(t, p, "/confirm", "We sent a code")
		p = b.sendTo(p, "/resendcode", "cognitoAsfData", data)
		b.wantSignedIn(b.send(p, "code", r.code(t), "cognitoAsfData", data))
		b = r.browser(t)
		p = b.send(b.open("/forgotPassword"), "username", "carol", "cognitoAsfData", data)
		b.send(p, "code", r.code(t), "password", "Passw0rd!y", "confirm_password", "Passw0rd!y", "cognitoAsfData", data)
		out, err := r.sdk.AdminListUserAuthEvents(t.Context(), &cip.AdminListUserAuthEventsInput{UserPoolId: &r.pool, Username: new("carol")})
		passed := map[types.EventType]int{}
		for _, e := range serving.Must(t, out, err).AuthEvents {
			// The sign-in that follows a sign-up has no data of its own.
			if e.EventResponse == types.EventResponseTypePass && (e.EventType == types.EventTypeSignIn || *e.EventContextData.DeviceName == "Firefox 127, Linux") {
				passed[e.EventType]++
			}
		}
		for _, e := range []types.EventType{types.EventTypeSignUp, types.EventTypeResendCode, types.EventTypeForgotPassword, types.EventTypePasswordChange} {
			if passed[e] != 1 {
				t.Errorf("%d events %s with the page's data", passed[e], e)
			}
		}
	})
}
