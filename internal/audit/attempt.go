package audit

import "slices"

// An AttemptKind is a kind of requests that are counted by pool and app client, as
// Cognito does: each attempt ends in success or failure.
type AttemptKind uint8

const (
	// NoAttempt is the kind of all other requests.
	NoAttempt AttemptKind = iota
	// SignUp is a registration, by a person or by an administrator. Imports and
	// migrations are not counted.
	SignUp
	// SignIn is a sign-in at the pool's own directory. It ends with tokens, or on a login
	// page with a session. A step that leads to another challenge does not end it.
	SignIn
	// TokenRefresh is the exchange of a refresh token.
	TokenRefresh
	// Federation is a sign-in at another identity provider.
	Federation
	// MachineToken is a token request of an app client for itself (client_credentials).
	MachineToken
)

// An attemptResult is how an attempt ended.
type attemptResult uint8

const (
	attemptOpen attemptResult = iota
	attemptSucceeded
	attemptFailed
)

// An Attempt is what is known of the attempt of a request.
type Attempt struct {
	Kind AttemptKind
	// Provider is the name of the identity provider of a Federation.
	Provider string
	result   attemptResult
}

// Begin notes that the request is an attempt. Unless End is called, the code of the answer
// decides how the attempt ended. A request may be attempts of several kinds: on a login page,
// a sign-up goes on with a sign-in.
func (e *Event) Begin(kind AttemptKind) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.attempt(kind)
}

// BeginFederation notes that the request ends a sign-in at an identity provider that the
// pool has.
func (e *Event) BeginFederation(provider string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.attempt(Federation).Provider = provider
}

// End notes how an attempt of the request ended. A success counts the user as active.
func (e *Event) End(kind AttemptKind, succeeded bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	a := e.attempt(kind)
	a.result = attemptFailed
	if succeeded {
		a.result, e.facts.Active = attemptSucceeded, true
	}
}

// EndStep notes how a step of an attempt ended: with an error, with a challenge, or with
// neither, which ends the attempt. The challenge comes from a fixed list.
func (e *Event) EndStep(kind AttemptKind, challenge string, err error) {
	e.Begin(kind)
	if err == nil && challenge != "" {
		e.SetChallenge(challenge)
		return
	}
	e.End(kind, err == nil)
}

// attempt returns the attempt of a kind. The caller holds the lock.
func (e *Event) attempt(kind AttemptKind) *Attempt {
	list := e.facts.Attempts
	i := slices.IndexFunc(list, func(a Attempt) bool { return a.Kind == kind })
	if i < 0 {
		i = len(list)
		e.facts.Attempts = append(list, Attempt{Kind: kind})
	}
	return &e.facts.Attempts[i]
}

// SetActive notes that the request is an identity operation of its user, if it succeeds.
// See [Facts.ActiveUser].
func (e *Event) SetActive() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.facts.Active = true
}

// SetFederated notes that the user signed in at a SAML or OpenID Connect provider.
func (e *Event) SetFederated() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.facts.Federated = true
}

// SetExistingPool notes the user pool, which was found in the store. SetClient does so, too.
func (e *Event) SetExistingPool(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.facts.Pool, e.facts.PoolExists = id, true
}

// SetChallenge notes the challenge of the answer. The name comes from a fixed list.
func (e *Event) SetChallenge(name string) { e.note(&e.facts.Challenge, name) }

// SetProved notes whether the response to a challenge was right. The name comes from a
// fixed list.
func (e *Event) SetProved(name string, right bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.facts.Response, e.facts.ResponseRight = name, right
}

// attemptOperations are the operations whose refusals are attempts of a kind, also if they
// are refused before the operation runs.
var attemptOperations = map[string]AttemptKind{
	"SignUp":       SignUp,
	"InitiateAuth": SignIn, "AdminInitiateAuth": SignIn, "RespondToAuthChallenge": SignIn, "AdminRespondToAuthChallenge": SignIn,
	"GetTokensFromRefreshToken": TokenRefresh, "GetClientToken": MachineToken,
}

// ended returns the attempts that the request has ended, all of them with a result.
func (f *Facts) ended(operation string) []Attempt {
	list := f.Attempts
	if len(list) == 0 && f.Code != "" && attemptOperations[operation] != NoAttempt {
		list = []Attempt{{Kind: attemptOperations[operation]}}
	}
	ended := make([]Attempt, 0, len(list))
	for _, a := range list {
		switch {
		case a.result != attemptOpen:
		case f.Code != "":
			a.result = attemptFailed
		case a.Kind == SignIn:
			continue // It leads to another challenge.
		default:
			a.result = attemptSucceeded
		}
		ended = append(ended, a)
	}
	return ended
}

// activeOperations are the operations that make their user an active user of the month, if
// they succeed (Cognito: quotas, monthly active users). Sign-ins, refreshes and requests to
// the domain say so themselves. Lists, and requests that anybody may send in a user's name
// such as ForgotPassword, do not count. A deletion is counted with the deletion itself.
var activeOperations = map[string]bool{
	"SignUp": true, "ConfirmSignUp": true, "ConfirmForgotPassword": true,
	"GetUser": true, "UpdateUserAttributes": true, "DeleteUserAttributes": true, "ChangePassword": true,
	"GetUserAttributeVerificationCode": true, "VerifyUserAttribute": true, "GetUserAuthFactors": true,
	"SetUserMFAPreference": true, "SetUserSettings": true, "GlobalSignOut": true,
	"ConfirmDevice": true, "ForgetDevice": true, "GetDevice": true, "UpdateDeviceStatus": true,
	"StartWebAuthnRegistration": true, "CompleteWebAuthnRegistration": true, "DeleteWebAuthnCredential": true,

	"AdminCreateUser": true, "AdminGetUser": true, "AdminUpdateUserAttributes": true, "AdminDeleteUserAttributes": true,
	"AdminConfirmSignUp": true, "AdminEnableUser": true, "AdminDisableUser": true,
	"AdminSetUserPassword": true, "AdminResetUserPassword": true, "AdminAddUserToGroup": true, "AdminRemoveUserFromGroup": true,
	"AdminSetUserMFAPreference": true, "AdminSetUserSettings": true, "AdminUserGlobalSignOut": true,
	"AdminLinkProviderForUser": true, "AdminUpdateDeviceStatus": true, "AdminForgetDevice": true, "AdminGetDevice": true,
	"AdminGetUserAuthFactors": true, "AdminDeleteSoftwareToken": true, "AdminRevokeUserSession": true,
}

// ActiveUser returns the user that a finished request makes an active user of the month.
// client is "" for administrators. The user may have been deleted since.
func (f *Facts) ActiveUser(service, operation string) (pool, client, user string, ok bool) {
	user = f.User
	if user == "" || user == NoUser {
		user = f.Target
	}
	active := f.Active || service == cognitoIDP && activeOperations[operation]
	if !active || f.Code != "" || user == "" || user == NoUser || f.Pool == "" {
		return "", "", "", false
	}
	return f.Pool, f.AppClient, user, true
}

// cognitoIDP is the name of the service with the operations of user pools.
const cognitoIDP = "cognito-idp"
