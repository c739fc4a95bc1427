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
		if f.Code == "ExpiredCodeException" && f.Reason != api.ReasonCodeUsed {
			return "A code is good for one use, until its time has passed by the clock of this server, " + base + "/_cognate/clock. Ask for another code. " +
				"The inbox has the newest first: " + base + "/_cognate/inbox" + query("pool", f.Pool)
		}
		switch f.Reason {
		case api.ReasonFlowDisabled:
			return flowHint(base, f, in)
		case api.ReasonBadSecretHash:
			return "If the app client has a secret, send SECRET_HASH: Base64(HMAC-SHA256(key: the client secret, message: the username and then the client id)). " +
				"If it has none, send no SECRET_HASH. ClientSecret is in: " + describeClient(base, f)
		case api.ReasonBadPassword:
			return "The rules are in Policies.PasswordPolicy of the user pool: aws --endpoint-url " + base + " cognito-idp describe-user-pool --user-pool-id " + cmp.Or(f.Pool, "POOL") +
				". A pool without that setting wants 8 characters with upper case, lower case, a digit and a symbol."
		case api.ReasonUnconfirmed:
			return "A code that was sent to the user is in the inbox: " + base + "/_cognate/inbox" + query("pool", f.Pool) +
				". An administrator confirms a user without it: aws --endpoint-url " + base + " cognito-idp admin-confirm-sign-up --user-pool-id " + cmp.Or(f.Pool, "POOL") + " --username NAME"
		case api.ReasonCodeUsed:
			return `A code of an authenticator app is good for one use, and the next comes after 30 seconds. To go on at once: POST ` + base +
				`/_cognate/clock with {"advance":"30s","totp":true}, and compute the code for that time.`
		case api.ReasonNotSigned:
			return "Sign administrators' operations with any access key, such as AWS_ACCESS_KEY_ID=dev AWS_SECRET_ACCESS_KEY=dev, or start the server with --allow-unsigned."
		case api.ReasonUnknownPool:
			return cmp.Or(regionHint(r, f), "The user pools of this server: aws --endpoint-url "+base+" cognito-idp list-user-pools --max-results 60. "+textIDs)
		case api.ReasonUnknownClient:
			return "Does the app client belong to this user pool and this server? Its app clients: aws --endpoint-url " + base + " cognito-idp list-user-pool-clients --user-pool-id " + cmp.Or(f.Pool, "POOL") + ". " + textIDs
		case api.ReasonTemporaryExpired:
			return "Temporary passwords are valid for TemporaryPasswordValidityDays of the password policy, by the clock of this server: " + base + "/_cognate/clock. " + permanentHint(base, f)
		case api.ReasonWrongStatus, api.ReasonNoFactor:
			return recoveryHint(base, f, in)
		case api.ReasonSessionUsed:
			return "A Session is good for one response. Send the Session of the latest answer, or begin the sign-in again."
		case api.ReasonBadAccessToken:
			return "Send the AccessToken of the sign-in, not the IdToken. " + textOldTokens
		case api.ReasonBadRefreshToken:
			return "A refresh token works only with the app client of the sign-in. " + textOldTokens
		}
		return ""
	}
}

// PageHint says what to do about the text of an error page. For other texts it returns "". callbacks and logouts are the
// registered addresses of the app client, if it is known.
func PageHint(text string, callbacks, logouts []string) string {
	switch text {
	case "redirect_mismatch":
		return "cognate dev: the redirect_uri must be one of the CallbackURLs of the app client, letter by letter" + listed(callbacks) + "."
	case "Client does not exist":
		return "cognate dev: the user pool of this domain has no app client with this client_id. " + textIDs
	case "Required String parameter 'redirect_uri' is not present":
		return "cognate dev: the logout_uri must be one of the LogoutURLs or CallbackURLs of the app client, letter by letter" + listed(logouts) +
			". Without a logout_uri, the request needs redirect_uri and response_type."
	case "Required parameters missing":
		return "cognate dev: a sign-in needs client_id, response_type and redirect_uri. A sign-out needs client_id and a logout_uri of the app client."
	}
	return ""
}

// listed returns addresses in parentheses, or "" if there are none.
func listed(addresses []string) string {
	if len(addresses) == 0 {
		return ""
	}
	return " (" + strings.Join(addresses, ", ") + ")"
}

const (
	textIDs       = "After a reset and in a new data folder the ids are others, unless a seed, a template or the request chooses the ids."
	textOldTokens = "Tokens from before a reset of the server, or of a deleted user pool, are not valid."
)

// permanentHint says how an administrator sets the password of a user.
func permanentHint(base string, f audit.Facts) string {
	return "An administrator sets a permanent password: aws --endpoint-url " + base + " cognito-idp admin-set-user-password --user-pool-id " + cmp.Or(f.Pool, "POOL") +
		" --username NAME --password PASSWORD --permanent"
}

// recoveryHint says why a user cannot recover the account. For a client that must not learn who exists, ForgotPassword
// has no such error.
func recoveryHint(base string, f audit.Facts, in any) string {
	switch in.(type) {
	case *idp.ForgotPasswordRequest, *idp.AdminResetUserPasswordRequest:
	default:
		return ""
	}
	if f.Reason == api.ReasonWrongStatus {
		return "Only a confirmed user can recover the password. A user with a temporary password signs in with it and chooses another one. " + permanentHint(base, f)
	}
	return "The user needs a verified address: aws --endpoint-url " + base + " cognito-idp admin-update-user-attributes --user-pool-id " + cmp.Or(f.Pool, "POOL") +
		" --username NAME --user-attributes Name=email_verified,Value=true"
}

// describeClient is the command that shows the settings of an app client.
func describeClient(base string, f audit.Facts) string {
	return "aws --endpoint-url " + base + " cognito-idp describe-user-pool-client --user-pool-id " + cmp.Or(f.Pool, "POOL") + " --client-id " + cmp.Or(f.AppClient, "CLIENT")
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
	return "Add ALLOW_" + flow + " to ExplicitAuthFlows of the app client. UpdateUserPoolClient replaces all settings: send the settings that it has, too. They are in: " + describeClient(base, f)
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
