// Package trigger calls the functions that a user pool names in its
// LambdaConfig: it builds their events, has a [Transport] run them, and reads
// their answers.
//
// [Service] has a method for each trigger. It returns the function's answer,
// already checked for type and length, or the exception that Cognito answers:
//   - UserLambdaValidationException if the function failed,
//   - UnexpectedLambdaException if it could not be run,
//   - InvalidLambdaResponseException if its answer cannot be used.
//
// The package does not know what a sign-up or a token is: callers act on answers.
//
// The package may use the network and, for functions in a folder, processes. It
// uses no store, and no transaction may be open during a call. Events hold
// passwords and answers to challenges, so neither events nor answers are logged.
package trigger
