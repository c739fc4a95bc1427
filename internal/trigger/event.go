package trigger

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// An Envelope holds the members that every event has beside its request (Cognito:
// Lambda trigger event, common parameters).
type Envelope struct {
	Version    string // "" is "1"; PreTokenGeneration sets it by the event's version
	Source     string // triggerSource, one of the constants below
	Region     string
	PoolID     string
	Username   string
	ClientID   string // "" is an administrator's call without a client
	SDKVersion string // "" is what the caller's User-Agent tells
}

// The values of triggerSource.
const (
	SourceSignUp           = "PreSignUp_SignUp"
	SourceAdminCreateUser  = "PreSignUp_AdminCreateUser"
	SourceExternalProvider = "PreSignUp_ExternalProvider"

	SourceConfirmSignUp         = "PostConfirmation_ConfirmSignUp"
	SourceConfirmForgotPassword = "PostConfirmation_ConfirmForgotPassword"

	SourcePreAuthentication  = "PreAuthentication_Authentication"
	SourcePostAuthentication = "PostAuthentication_Authentication"

	SourceDefineAuthChallenge         = "DefineAuthChallenge_Authentication"
	SourceCreateAuthChallenge         = "CreateAuthChallenge_Authentication"
	SourceVerifyAuthChallengeResponse = "VerifyAuthChallengeResponse_Authentication"

	SourceTokenHostedAuth           = "TokenGeneration_HostedAuth"
	SourceTokenAuthentication       = "TokenGeneration_Authentication"
	SourceTokenNewPasswordChallenge = "TokenGeneration_NewPasswordChallenge"
	SourceTokenAuthenticateDevice   = "TokenGeneration_AuthenticateDevice"
	SourceTokenRefreshTokens        = "TokenGeneration_RefreshTokens"
	SourceTokenClientCredentials    = "TokenGeneration_ClientCredentials"

	SourceMigrationAuthentication = "UserMigration_Authentication"
	SourceMigrationForgotPassword = "UserMigration_ForgotPassword"

	SourceInboundFederation = "InboundFederation_ExternalProvider"

	// The source of a message is one of these, followed by an occasion.
	SourceCustomMessage     = "CustomMessage_"
	SourceCustomEmailSender = "CustomEmailSender_"
	SourceCustomSMSSender   = "CustomSMSSender_"
)

// The occasions of messages.
const (
	OccasionSignUp              = "SignUp"
	OccasionAdminCreateUser     = "AdminCreateUser"
	OccasionResendCode          = "ResendCode"
	OccasionForgotPassword      = "ForgotPassword"
	OccasionUpdateUserAttribute = "UpdateUserAttribute"
	OccasionVerifyUserAttribute = "VerifyUserAttribute"
	OccasionAuthentication      = "Authentication"
	OccasionAccountTakeOver     = "AccountTakeOverNotification" // CustomEmailSender only
)

const (
	// ClientNotApplicable stands for the client in events of administrators' calls.
	ClientNotApplicable = "CLIENT_ID_NOT_APPLICABLE"
	// ClientCredentialsUser stands for the user in events of machines' tokens.
	ClientCredentialsUser = "ClientCredentials"

	unknownSDK = "aws-sdk-unknown-unknown"
)

type callerContext struct {
	AWSSDKVersion string `json:"awsSdkVersion"`
	ClientID      string `json:"clientId"`
}

type event struct {
	Version       string          `json:"version"`
	TriggerSource string          `json:"triggerSource"`
	Region        string          `json:"region"`
	UserPoolID    string          `json:"userPoolId"`
	UserName      string          `json:"userName"`
	CallerContext callerContext   `json:"callerContext"`
	Request       any             `json:"request"`
	Response      json.RawMessage `json:"response,omitempty"`
}

// encode returns the event as the function receives it. response is the pre-filled
// answer, or "".
func (e Envelope) encode(request any, response string) ([]byte, error) {
	ev := event{
		Version: e.Version, TriggerSource: e.Source, Region: e.Region, UserPoolID: e.PoolID, UserName: e.Username,
		CallerContext: callerContext{e.SDKVersion, e.ClientID}, Request: request, Response: json.RawMessage(response),
	}
	if ev.Version == "" {
		ev.Version = "1"
	}
	if ev.CallerContext.ClientID == "" {
		ev.CallerContext.ClientID = ClientNotApplicable
	}
	if ev.CallerContext.AWSSDKVersion == "" {
		ev.CallerContext.AWSSDKVersion = unknownSDK
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(ev); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// sdkProduct finds the SDK in a User-Agent, such as "aws-sdk-js/3.1169.0 …".
var sdkProduct = regexp.MustCompile(`(?:^|[\s;(])(aws-sdk-[A-Za-z0-9+-]{1,32}|aws-cli|aws-amplify|Boto3|Botocore)/(\d[A-Za-z0-9.+-]{0,31})`)

// SDKVersion returns callerContext.awsSdkVersion for a User-Agent, such as
// "aws-sdk-js-3.1169.0".
func SDKVersion(userAgent string) string {
	m := sdkProduct.FindStringSubmatch(userAgent)
	if m == nil {
		return unknownSDK
	}
	name := strings.ToLower(m[1])
	if !strings.HasPrefix(name, "aws-") {
		name = "aws-sdk-python"
	}
	return name + "-" + m[2]
}
