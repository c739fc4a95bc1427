// Package trigger calls the functions that a user pool names in its
// LambdaConfig: it builds their events, has a [Transport] run them, and reads
// their answers.
//
// [Service] has a method for each trigger. It gives what the function asked
// for, already checked for type and length, or the exception that Cognito
// answers: UserLambdaValidationException where the function failed,
// UnexpectedLambdaException where it could not be run, and
// InvalidLambdaResponseException where its answer is of no use. It does not
// know what a sign-up or a token is: acting on an answer is the caller's.
//
// The package may use the network and, for functions in a folder, processes. It
// touches no store. A call goes out with no transaction open. Events hold
// passwords and answers to challenges, so neither events nor answers are logged.
package trigger
