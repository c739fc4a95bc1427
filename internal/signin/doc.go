// Package signin proves who somebody is: one engine over one sign-in state, with
// a file for each factor.
//
// A call is either the start of a flow or the answer to a challenge. The engine
// (engine.go) finds the step that it is for and runs it; the step says that its
// factor is proven, or what to ask next; steps never call each other. What comes
// after a proven factor is one pure decision (package progress). The state of an
// attempt travels sealed in its Session or SECRET_BLOCK (state.go), so that the
// next call can reach any node; the store learns only which states are spent.
//
// A sign-in ends in a proof (proof.go): who signed in, when, and by which factors.
// The call's completion makes the answer of it: tokens, for the API. A call writes
// by one function, commit (commit.go), which spends the state it answers.
//
// The package writes nothing else of its own: passwords and attributes change
// through user, tokens come from token, failures are counted by risk.
package signin
