package api

import "errors"

// A Reason says why a request was refused, if the code alone does not. Reasons are for the
// log and the metrics. No client sees them, so they may distinguish cases that answers must
// hide. The set is closed.
type Reason string

// Reasons of refusals. Their meanings are in Reasons.
const (
	ReasonWrongPassword       Reason = "wrong_password"
	ReasonUnknownUser         Reason = "unknown_user"
	ReasonDisabled            Reason = "disabled"
	ReasonLocked              Reason = "locked"
	ReasonRisk                Reason = "risk"
	ReasonUnconfirmed         Reason = "unconfirmed"
	ReasonResetRequired       Reason = "reset_required"
	ReasonTemporaryExpired    Reason = "temporary_password_expired"
	ReasonNoPassword          Reason = "no_password"
	ReasonWrongStatus         Reason = "wrong_status"
	ReasonClock               Reason = "clock"
	ReasonFlowDisabled        Reason = "flow_disabled"
	ReasonCodeMismatch        Reason = "code_mismatch"
	ReasonCodeExpired         Reason = "code_expired"
	ReasonCodeUsed            Reason = "code_used"
	ReasonTooManyCodes        Reason = "too_many_codes"
	ReasonTooManyAttempts     Reason = "too_many_attempts"
	ReasonBadSession          Reason = "bad_session"
	ReasonSessionExpired      Reason = "session_expired"
	ReasonSessionUsed         Reason = "session_used"
	ReasonAccountChanged      Reason = "account_changed"
	ReasonChallengeFailed     Reason = "challenge_failed"
	ReasonBadPasskey          Reason = "bad_passkey"
	ReasonBadDevice           Reason = "bad_device"
	ReasonProvider            Reason = "identity_provider"
	ReasonUnknownDevice       Reason = "unknown_device"
	ReasonNoFactor            Reason = "no_factor"
	ReasonBadRefreshToken     Reason = "bad_refresh_token"
	ReasonRefreshTokenExpired Reason = "refresh_token_expired"
	ReasonRefreshTokenRevoked Reason = "refresh_token_revoked"
	ReasonRefreshTokenReused  Reason = "refresh_token_reused"
	ReasonBadAccessToken      Reason = "bad_access_token"
	ReasonAccessTokenExpired  Reason = "access_token_expired"
	ReasonAccessTokenRevoked  Reason = "access_token_revoked"
	ReasonAccessTokenScope    Reason = "access_token_scope"
	ReasonUnknownClient       Reason = "unknown_client"
	ReasonUnknownPool         Reason = "unknown_pool"
	ReasonBadSecretHash       Reason = "bad_secret_hash"
	ReasonBadClientSecret     Reason = "bad_client_secret"
	ReasonSignUpDisabled      Reason = "sign_up_disabled"
	ReasonNotAllowed          Reason = "not_allowed"
	ReasonNameTaken           Reason = "name_taken"
	ReasonBadPassword         Reason = "bad_password"
	ReasonPasswordReused      Reason = "password_reused"
	ReasonDeliveryFailed      Reason = "delivery_failed"
	ReasonFunctionRefused     Reason = "function_refused"
	ReasonFunctionFailed      Reason = "function_failed"
	ReasonOverloaded          Reason = "overloaded"
	ReasonRateLimited         Reason = "rate_limited"
	ReasonQuota               Reason = "quota"
	ReasonInvalidRequest      Reason = "invalid_request"
	ReasonNotConfigured       Reason = "not_configured"
	ReasonNotFound            Reason = "not_found"
	ReasonConflict            Reason = "conflict"
	ReasonNotSigned           Reason = "not_signed"
	ReasonBadSignature        Reason = "bad_signature"
	ReasonUnknownAccessKey    Reason = "unknown_access_key"
	ReasonExpiredAccessKey    Reason = "expired_session_token"
	ReasonPolicy              Reason = "policy"
)

// reasons are all reasons with their meanings, in the order of the operator's page.
var reasons = []struct {
	reason  Reason
	meaning string
}{
	{ReasonWrongPassword, "the password, or the proof of it by SRP, was wrong"},
	{ReasonUnknownUser, "the pool has no user of that name, or the user was deleted"},
	{ReasonDisabled, "an administrator disabled the user"},
	{ReasonRisk, "threat protection refused the sign-in"},
	{ReasonLocked, "too many wrong passwords: the user is locked for a while"},
	{ReasonUnconfirmed, "the user did not confirm the sign-up"},
	{ReasonResetRequired, "the user must set a new password by a code first"},
	{ReasonTemporaryExpired, "the temporary password is older than the pool allows"},
	{ReasonNoPassword, "the user has no password of the kind that the flow checks: none at all, or an imported hash in SRP"},
	{ReasonWrongStatus, "the user's status does not allow the operation, such as the confirmation of a confirmed user"},
	{ReasonClock, "the client's TIMESTAMP is not a time, or its clock is more than five minutes off"},
	{ReasonFlowDisabled, "the app client may not sign in this way"},
	{ReasonCodeMismatch, "the code was wrong"},
	{ReasonCodeExpired, "the code has expired, or none is pending"},
	{ReasonCodeUsed, "the code of the authenticator app was used before"},
	{ReasonTooManyCodes, "too many codes were asked for"},
	{ReasonTooManyAttempts, "too many wrong codes"},
	{ReasonBadSession, "the session is not valid, or belongs to another user, app client or challenge"},
	{ReasonSessionExpired, "the session is too old"},
	{ReasonSessionUsed, "the session was used before"},
	{ReasonAccountChanged, "the user's password, status or factors changed during the sign-in"},
	{ReasonChallengeFailed, "the function that defines custom challenges ended the sign-in"},
	{ReasonBadPasskey, "the passkey's answer does not verify"},
	{ReasonProvider, "an identity provider refused the sign-in, or its answer does not verify"},
	{ReasonBadDevice, "the proof of the remembered device is wrong"},
	{ReasonUnknownDevice, "the user has no such device"},
	{ReasonNoFactor, "the user has nothing to sign in by that the pool allows"},
	{ReasonBadRefreshToken, "the refresh token is not one of the app client's, or it is bound to another device"},
	{ReasonRefreshTokenExpired, "the refresh token is too old"},
	{ReasonRefreshTokenRevoked, "the refresh token was revoked, or the user signed out everywhere"},
	{ReasonRefreshTokenReused, "the refresh token was replaced by rotation before"},
	{ReasonBadAccessToken, "the access token is not one of the pool's"},
	{ReasonAccessTokenExpired, "the access token is too old"},
	{ReasonAccessTokenRevoked, "the access token was revoked, or the user signed out everywhere"},
	{ReasonAccessTokenScope, "the access token lacks the scope of the operation"},
	{ReasonUnknownClient, "there is no such app client"},
	{ReasonUnknownPool, "there is no such user pool"},
	{ReasonBadSecretHash, "SECRET_HASH is missing or wrong"},
	{ReasonBadClientSecret, "the client secret is missing or wrong"},
	{ReasonSignUpDisabled, "only administrators create users in this pool"},
	{ReasonNotAllowed, "the settings of the pool or the app client do not allow it"},
	{ReasonNameTaken, "the username, or the address to sign in by, belongs to another user"},
	{ReasonBadPassword, "the new password does not meet the policy"},
	{ReasonPasswordReused, "the new password was used before"},
	{ReasonDeliveryFailed, "the message could not be sent"},
	{ReasonFunctionRefused, "a function of the pool refused"},
	{ReasonFunctionFailed, "a function of the pool failed, or answered what cannot be used"},
	{ReasonOverloaded, "the server had too much to do"},
	{ReasonRateLimited, "the client, or all clients together, sent too many requests a second"},
	{ReasonQuota, "a limit on how many there may be"},
	{ReasonInvalidRequest, "a parameter is missing or not valid"},
	{ReasonNotConfigured, "the pool lacks the setting, or this version the feature"},
	{ReasonNotFound, "what the request names does not exist"},
	{ReasonConflict, "it exists already, or changed at the same time"},
	{ReasonNotSigned, "an administrator's operation without a signature"},
	{ReasonBadSignature, "the signature is wrong, too old or incomplete"},
	{ReasonUnknownAccessKey, "no such access key, or it was revoked"},
	{ReasonExpiredAccessKey, "the session token of temporary credentials has expired"},
	{ReasonPolicy, "the policies of the access key do not allow it"},
}

// Reasons calls f for each reason with its meaning.
func Reasons(f func(r Reason, meaning string)) {
	for _, r := range reasons {
		f(r.reason, r.meaning)
	}
}

// codeReasons are the codes that always have the same reason. Other codes, such as
// NotAuthorizedException, are not in it: the code that makes such an error names its reason.
var codeReasons = map[string]Reason{
	"AccessDenied":                                   ReasonPolicy,
	"AccessDeniedException":                          ReasonPolicy,
	"AliasExistsException":                           ReasonNameTaken,
	"CodeDeliveryFailureException":                   ReasonDeliveryFailed,
	"CodeMismatchException":                          ReasonCodeMismatch,
	"ConcurrentModification":                         ReasonConflict,
	"ConcurrentModificationException":                ReasonConflict,
	"DeleteConflict":                                 ReasonConflict,
	"DeviceKeyExistsException":                       ReasonConflict,
	"DuplicateProviderException":                     ReasonConflict,
	"EnableSoftwareTokenMFAException":                ReasonCodeMismatch,
	"EntityAlreadyExists":                            ReasonConflict,
	"EntityTemporarilyUnmodifiable":                  ReasonConflict,
	"ExpiredCodeException":                           ReasonCodeExpired,
	"ExpiredToken":                                   ReasonExpiredAccessKey,
	"ExpiredTokenException":                          ReasonExpiredAccessKey,
	"ExpiredTradeInTokenException":                   ReasonInvalidRequest,
	"FeatureUnavailableInTierException":              ReasonNotConfigured,
	"ForbiddenException":                             ReasonNotAllowed,
	"GroupExistsException":                           ReasonConflict,
	"IDPCommunicationError":                          ReasonProvider,
	"IDPRejectedClaim":                               ReasonProvider,
	"IncompleteSignature":                            ReasonBadSignature,
	"IncompleteSignatureException":                   ReasonBadSignature,
	"InvalidAction":                                  ReasonInvalidRequest,
	"InvalidAuthorizationMessageException":           ReasonInvalidRequest,
	"InvalidClientTokenId":                           ReasonUnknownAccessKey,
	"InvalidEmailRoleAccessPolicyException":          ReasonDeliveryFailed,
	"InvalidIdentityToken":                           ReasonProvider,
	"InvalidInput":                                   ReasonInvalidRequest,
	"InvalidLambdaResponseException":                 ReasonFunctionFailed,
	"InvalidOAuthFlowException":                      ReasonInvalidRequest,
	"InvalidParameterException":                      ReasonInvalidRequest,
	"InvalidPasswordException":                       ReasonBadPassword,
	"InvalidSignatureException":                      ReasonBadSignature,
	"InvalidSmsRoleAccessPolicyException":            ReasonDeliveryFailed,
	"InvalidSmsRoleTrustRelationshipException":       ReasonDeliveryFailed,
	"InvalidUserPoolConfigurationException":          ReasonNotConfigured,
	"JWTPayloadSizeExceededException":                ReasonQuota,
	"LimitExceeded":                                  ReasonQuota,
	"MFAMethodNotFoundException":                     ReasonNoFactor,
	"MalformedInput":                                 ReasonInvalidRequest,
	"MalformedPolicyDocument":                        ReasonInvalidRequest,
	"ManagedLoginBrandingExistsException":            ReasonConflict,
	"MissingAction":                                  ReasonInvalidRequest,
	"MissingAuthenticationToken":                     ReasonNotSigned,
	"MissingAuthenticationTokenException":            ReasonNotSigned,
	"NoSuchEntity":                                   ReasonNotFound,
	"OperationNotEnabledException":                   ReasonNotConfigured,
	"OutboundWebIdentityFederationDisabledException": ReasonNotConfigured,
	"PackedPolicyTooLarge":                           ReasonQuota,
	"PasswordHistoryPolicyViolationException":        ReasonPasswordReused,
	"PasswordResetRequiredException":                 ReasonResetRequired,
	"PolicyNotAttachable":                            ReasonInvalidRequest,
	"PreconditionNotMetException":                    ReasonWrongStatus,
	"RefreshTokenReuseException":                     ReasonRefreshTokenReused,
	"RegionDisabledException":                        ReasonNotConfigured,
	"RequestEntityTooLarge":                          ReasonInvalidRequest,
	"RequestEntityTooLargeException":                 ReasonInvalidRequest,
	"ScopeDoesNotExistException":                     ReasonNotFound,
	"SerializationException":                         ReasonInvalidRequest,
	"ServiceQuotaExceededException":                  ReasonQuota,
	"SessionDurationEscalationException":             ReasonNotAllowed,
	"SignatureDoesNotMatch":                          ReasonBadSignature,
	"SoftwareTokenMFANotFoundException":              ReasonNotConfigured,
	"TermsExistsException":                           ReasonConflict,
	"TierChangeNotAllowedException":                  ReasonNotAllowed,
	"TooManyFailedAttemptsException":                 ReasonTooManyAttempts,
	"UnexpectedLambdaException":                      ReasonFunctionFailed,
	"UnknownOperationException":                      ReasonInvalidRequest,
	"UnmodifiableEntity":                             ReasonNotAllowed,
	"UnrecognizedClientException":                    ReasonUnknownAccessKey,
	"UnsupportedIdentityProviderException":           ReasonNotConfigured,
	"UnsupportedOperationException":                  ReasonNotConfigured,
	"UnsupportedTokenTypeException":                  ReasonInvalidRequest,
	"UnsupportedUserStateException":                  ReasonWrongStatus,
	"UserImportInProgressException":                  ReasonConflict,
	"UserLambdaValidationException":                  ReasonFunctionRefused,
	"UserNotConfirmedException":                      ReasonUnconfirmed,
	"UserNotFoundException":                          ReasonUnknownUser,
	"UserPoolAddOnNotEnabledException":               ReasonNotConfigured,
	"UserPoolTaggingException":                       ReasonInvalidRequest,
	"UsernameExistsException":                        ReasonNameTaken,
	"ValidationError":                                ReasonInvalidRequest,
	"ValidationException":                            ReasonInvalidRequest,
	"WebAuthnChallengeNotFoundException":             ReasonBadSession,
	"WebAuthnClientMismatchException":                ReasonBadSession,
	"WebAuthnConfigurationMissingException":          ReasonNotConfigured,
	"WebAuthnCredentialNotSupportedException":        ReasonBadPasskey,
	"WebAuthnNotEnabledException":                    ReasonNotConfigured,
	"WebAuthnOriginNotAllowedException":              ReasonBadPasskey,
	"WebAuthnRelyingPartyMismatchException":          ReasonBadPasskey,
}

// NeedsReason are the codes that say too little by themselves. An error with such a code must
// name its reason.
var NeedsReason = []string{
	"LimitExceededException", "NotAuthorizedException", "ResourceNotFoundException", "TooManyRequestsException", "UnauthorizedException",
}

// WithReason returns a copy with the reason of the refusal. It is for the log: clients never
// see it.
func (e *Error) WithReason(r Reason) *Error {
	c := *e
	c.reason = r
	return &c
}

// ReasonOf returns the reason of the refusal in err's chain: the outermost named reason, else
// the reason of its code, else "".
func ReasonOf(err error) Reason {
	first, ok := errors.AsType[*Error](err)
	if !ok {
		return ""
	}
	for e := first; ok; e, ok = errors.AsType[*Error](e.cause) {
		if e.reason != "" {
			return e.reason
		}
	}
	return codeReasons[first.Code]
}
