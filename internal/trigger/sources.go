package trigger

// Sources lists every triggerSource that Cognito has, by trigger.
func Sources() []string {
	list := []string{
		SourceSignUp, SourceAdminCreateUser, SourceExternalProvider,
		SourceConfirmSignUp, SourceConfirmForgotPassword,
		SourcePreAuthentication, SourcePostAuthentication,
		SourceDefineAuthChallenge, SourceCreateAuthChallenge, SourceVerifyAuthChallengeResponse,
		SourceTokenHostedAuth, SourceTokenAuthentication, SourceTokenNewPasswordChallenge, SourceTokenAuthenticateDevice,
		SourceTokenRefreshTokens, SourceTokenClientCredentials,
		SourceMigrationAuthentication, SourceMigrationForgotPassword,
		SourceInboundFederation,
		SourceCustomEmailSender + OccasionAccountTakeOver,
	}
	for _, message := range []string{SourceCustomMessage, SourceCustomEmailSender, SourceCustomSMSSender} {
		for _, occasion := range []string{
			OccasionSignUp, OccasionAdminCreateUser, OccasionResendCode, OccasionForgotPassword,
			OccasionUpdateUserAttribute, OccasionVerifyUserAttribute, OccasionAuthentication,
		} {
			list = append(list, message+occasion)
		}
	}
	return list
}
