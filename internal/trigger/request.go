package trigger

// The requests of the triggers. A nil ClientMetadata is left out; nil
// UserAttributes are written as an empty object. UserNotFound is written only for
// clients that hide whether users exist.
type (
	// PreSignUpRequest is the request of PreSignUp. Nil ValidationData is null.
	PreSignUpRequest struct {
		UserAttributes map[string]string `json:"userAttributes"`
		ValidationData map[string]string `json:"validationData"`
		ClientMetadata map[string]string `json:"clientMetadata,omitzero"`
	}

	// PostConfirmationRequest is the request of PostConfirmation.
	PostConfirmationRequest struct {
		UserAttributes map[string]string `json:"userAttributes"`
		ClientMetadata map[string]string `json:"clientMetadata,omitzero"`
	}

	// PreAuthenticationRequest is the request of PreAuthentication.
	// ValidationData is the ClientMetadata of InitiateAuth, or null.
	PreAuthenticationRequest struct {
		UserAttributes map[string]string `json:"userAttributes"`
		ValidationData map[string]string `json:"validationData"`
		UserNotFound   *bool             `json:"userNotFound,omitzero"`
	}

	// PostAuthenticationRequest is the request of PostAuthentication.
	PostAuthenticationRequest struct {
		UserAttributes map[string]string `json:"userAttributes"`
		NewDeviceUsed  bool              `json:"newDeviceUsed"`
		ClientMetadata map[string]string `json:"clientMetadata,omitzero"`
	}

	// PreTokenGenerationRequest is the request of PreTokenGeneration. V1_0
	// events leave the scopes out. GroupConfiguration is nil for machines.
	PreTokenGenerationRequest struct {
		UserAttributes     map[string]string   `json:"userAttributes"`
		GroupConfiguration *GroupConfiguration `json:"groupConfiguration"`
		Scopes             []string            `json:"scopes,omitzero"`
		ClientMetadata     map[string]string   `json:"clientMetadata,omitzero"`
	}

	// GroupConfiguration lists a user's groups and their roles.
	GroupConfiguration struct {
		GroupsToOverride   []string `json:"groupsToOverride"`
		IAMRolesToOverride []string `json:"iamRolesToOverride"`
		PreferredRole      *string  `json:"preferredRole"`
	}

	// ChallengeResult is one entry of a custom sign-in's session, oldest first.
	ChallengeResult struct {
		ChallengeName     string  `json:"challengeName"`
		ChallengeResult   bool    `json:"challengeResult"`
		ChallengeMetadata *string `json:"challengeMetadata"`
	}

	// DefineAuthChallengeRequest is the request of DefineAuthChallenge.
	DefineAuthChallengeRequest struct {
		UserAttributes map[string]string `json:"userAttributes"`
		Session        []ChallengeResult `json:"session"`
		ClientMetadata map[string]string `json:"clientMetadata,omitzero"`
		UserNotFound   *bool             `json:"userNotFound,omitzero"`
	}

	// CreateAuthChallengeRequest is the request of CreateAuthChallenge.
	// An empty ChallengeName is written as CUSTOM_CHALLENGE.
	CreateAuthChallengeRequest struct {
		UserAttributes map[string]string `json:"userAttributes"`
		ChallengeName  string            `json:"challengeName"`
		Session        []ChallengeResult `json:"session"`
		ClientMetadata map[string]string `json:"clientMetadata,omitzero"`
		UserNotFound   *bool             `json:"userNotFound,omitzero"`
	}

	// VerifyAuthChallengeResponseRequest is the request of VerifyAuthChallengeResponse.
	VerifyAuthChallengeResponseRequest struct {
		UserAttributes             map[string]string `json:"userAttributes"`
		PrivateChallengeParameters map[string]string `json:"privateChallengeParameters"`
		ChallengeAnswer            string            `json:"challengeAnswer"`
		ClientMetadata             map[string]string `json:"clientMetadata,omitzero"`
		UserNotFound               *bool             `json:"userNotFound,omitzero"`
	}

	// UserMigrationRequest is the request of UserMigration. An empty Password is left
	// out, as for a forgotten password.
	UserMigrationRequest struct {
		Password       string            `json:"password,omitzero"`
		ValidationData map[string]string `json:"validationData"`
		ClientMetadata map[string]string `json:"clientMetadata,omitzero"`
		UserAttributes *struct{}         `json:"userAttributes"` // always null
	}

	// CustomMessageRequest is the request of CustomMessage. The members without a
	// JSON key say how the answer is checked.
	CustomMessageRequest struct {
		UserAttributes    map[string]string `json:"userAttributes"`
		CodeParameter     string            `json:"codeParameter"`
		LinkParameter     string            `json:"linkParameter"`
		UsernameParameter *string           `json:"usernameParameter"`
		ClientMetadata    map[string]string `json:"clientMetadata,omitzero"`

		// CodeLength is the length of the code, or of what replaces it; 0 means 6.
		CodeLength int `json:"-"`
		// Link is true for a mail with a link in place of a code.
		Link bool `json:"-"`
	}

	// CustomSenderRequest is the request of CustomEmailSender and of
	// CustomSMSSender. A nil ClientMetadata is written as null.
	CustomSenderRequest struct {
		UserAttributes map[string]string
		ClientMetadata map[string]string
		// Code is the code or the temporary password in plain text. The event carries
		// it encrypted, or null if it is empty.
		Code string
		// KMSKeyID is the pool's key for the code.
		KMSKeyID string
	}

	// InboundFederationRequest is the request of InboundFederation.
	InboundFederationRequest struct {
		ProviderName string              `json:"providerName"`
		ProviderType string              `json:"providerType"`
		Attributes   FederatedAttributes `json:"attributes"`
	}

	// FederatedAttributes are the attributes that a provider sent. For SAML the first
	// three are nil; for other providers the last is nil.
	FederatedAttributes struct {
		TokenResponse map[string]string `json:"tokenResponse,omitzero"`
		IDToken       map[string]string `json:"idToken,omitzero"`
		UserInfo      map[string]string `json:"userInfo,omitzero"`
		SAMLResponse  map[string]string `json:"samlResponse,omitzero"`
	}

	senderRequest struct {
		Type           string            `json:"type"`
		Code           *string           `json:"code"`
		ClientMetadata map[string]string `json:"clientMetadata"`
		UserAttributes map[string]string `json:"userAttributes"`
	}
)

// Placeholders that messages carry.
const (
	CodePlaceholder     = "{####}"
	LinkPlaceholder     = "{##Click Here##}"
	UsernamePlaceholder = "{username}"
)

// CustomChallenge is the name of the challenge that CreateAuthChallenge makes.
const CustomChallenge = "CUSTOM_CHALLENGE"

func attributes(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}
