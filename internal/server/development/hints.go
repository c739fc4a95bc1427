package development

import (
	"cmp"
	"net/url"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
)

// Hints returns the function that says what to do about a refusal that costs developers hours. For
// other refusals it returns "". in is the input of the operation, or nil. base is the URL of the server.
func Hints(base string) func(r *api.Request, f audit.Facts, in any) string {
	return func(r *api.Request, f audit.Facts, in any) string {
		if f.Code == "CodeMismatchException" {
			// By the code, not by the reason: the answer for an unknown user must be the same.
			return "Mailed and texted codes are in the inbox: " + base + "/_cognate/inbox" + query("pool", f.Pool) + ". --fixed-code makes them all the same."
		}
		switch f.Reason {
		case api.ReasonFlowDisabled:
			return flowHint(base, f, in)
		case api.ReasonBadSecretHash:
			return "This app client has a secret. Send SECRET_HASH: Base64(HMAC-SHA256(key: the client secret, message: the username and then the client id)). " +
				"A client that was made without GenerateSecret needs none."
		case api.ReasonBadPassword:
			return "The rules are in Policies.PasswordPolicy of the user pool: aws --endpoint-url " + base + " cognito-idp describe-user-pool --user-pool-id " + cmp.Or(f.Pool, "POOL") +
				". A pool without that setting wants 8 characters with upper case, lower case, a digit and a symbol."
		case api.ReasonUnconfirmed:
			return "The code for this user is in the inbox: " + base + "/_cognate/inbox" + query("pool", f.Pool) +
				". An administrator confirms a user without it: aws --endpoint-url " + base + " cognito-idp admin-confirm-sign-up --user-pool-id " + cmp.Or(f.Pool, "POOL") + " --username NAME"
		case api.ReasonCodeUsed:
			return `A code of an authenticator app is good for one use, and the next comes after 30 seconds. To go on at once: POST ` + base +
				`/_cognate/clock with {"advance":"30s","totp":true}, and compute the code for that time.`
		case api.ReasonNotSigned:
			return "Sign administrators' operations with any access key, such as AWS_ACCESS_KEY_ID=dev AWS_SECRET_ACCESS_KEY=dev, or start the server with --allow-unsigned."
		case api.ReasonUnknownPool:
			return regionHint(r, f)
		}
		return ""
	}
}

// flowHint names the setting that allows the flow of a sign-in.
func flowHint(base string, f audit.Facts, in any) string {
	flow := "FLOW"
	switch in := in.(type) {
	case *idp.InitiateAuthRequest:
		flow = string(in.AuthFlow)
	case *idp.AdminInitiateAuthRequest:
		flow = string(in.AuthFlow)
	}
	// Some flows have an older name.
	switch flow {
	case "ADMIN_NO_SRP_AUTH":
		flow = "ADMIN_USER_PASSWORD_AUTH"
	case "REFRESH_TOKEN":
		flow = "REFRESH_TOKEN_AUTH"
	}
	return "Add ALLOW_" + flow + " to ExplicitAuthFlows of the app client. UpdateUserPoolClient replaces all settings: send the settings that it has, too. They are in: aws --endpoint-url " + base +
		" cognito-idp describe-user-pool-client --user-pool-id " + cmp.Or(f.Pool, "POOL") + " --client-id " + cmp.Or(f.AppClient, "CLIENT")
}

// regionHint returns the hint for a request that is signed for another Region than that of the pool's id.
func regionHint(r *api.Request, f audit.Facts) string {
	region, _, ok := strings.Cut(f.Pool, "_")
	if !ok || r.Region == "" || region == r.Region {
		return ""
	}
	return "The id of the user pool begins with " + region + ", and the request is signed for " + r.Region + ". Set AWS_REGION=" + region + " in the client."
}

func query(name, value string) string {
	if value == "" {
		return ""
	}
	return "?" + url.Values{name: {value}}.Encode()
}
