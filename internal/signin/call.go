package signin

import (
	"errors"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/protection"
	"cognate/internal/protection/origin"
	"cognate/internal/risk"
	"cognate/internal/signin/progress"
	"cognate/internal/signin/stepup"
	"cognate/internal/store"
	"cognate/internal/user"
)

// A caller is who may call a flow.
type caller uint8

const (
	// publicCaller calls InitiateAuth and RespondToAuthChallenge.
	publicCaller caller = 1 << iota
	// administrator calls AdminInitiateAuth and AdminRespondToAuthChallenge.
	administrator
	// hostedPage is a login page of the pool's domain, which calls StartOnPage and
	// AnswerOnPage.
	hostedPage
)

// A call is one request, whichever operation brought it.
type call struct {
	pool    *pool.Snapshot
	client  *pool.Client
	from    caller
	params  map[string]string // AuthParameters or ChallengeResponses
	session *string
	// response is the challenge that the call answers; nil where it starts a flow.
	response *challengeResponse
	// validation and metadata are ClientMetadata: the call that starts a flow shows
	// it to other functions than the call that answers a challenge.
	validation, metadata map[string]string
	preAuthDone          bool // PreAuthentication was called
	// user is who signs in, once the call has looked for it; masks is what a decoy
	// in the user's place hides. Both are for the log.
	user  *user.User
	masks progress.Mask
	// device is what the caller says about the user's device.
	device origin.Client
	// pendingAttempt is the attempt that a refused migration began; the check of the
	// password ends it.
	pendingAttempt *risk.Attempt
	// storedStates are states that are too long for their Sessions, and writes is
	// what else the step leaves to write. The next commit stores both.
	storedStates []store.SignInState
	writes       []func(tx *store.Tx) error
	// stepUp has the authentication levels that the call asks for; nil: none. passkeys says
	// that the page can ask for passkeys, and challenge is what it asked them to sign.
	stepUp    *stepup.Request
	passkeys  bool
	challenge []byte
	// available are the challenges to choose from, where the flow is USER_AUTH.
	available []idp.ChallengeNameType
	// event is the record of the sign-in in threat protection; nil without it, and before
	// the first factor.
	event *protection.Event
	// complete makes the answer to a finished sign-in.
	complete completion
}

// admin reports whether an administrator calls.
func (c *call) admin() bool { return c.from == administrator }

// param returns a parameter, and reports whether it came; an empty one did not.
func (c *call) param(name string) (string, bool) {
	v := c.params[name]
	return v, v != ""
}

// release ends the attempt that no check of a password has ended.
func (c *call) release() {
	if c.pendingAttempt != nil {
		c.pendingAttempt.Release()
	}
}

// secretHash returns SECRET_HASH in the form that the checks take.
func (c *call) secretHash() *string {
	if v, ok := c.param("SECRET_HASH"); ok {
		return &v
	}
	return nil
}

// An answer is a challenge or the result of a sign-in.
type answer struct {
	challenge idp.ChallengeNameType
	params    map[string]string
	session   *string
	result    *idp.AuthenticationResultType
	available []idp.ChallengeNameType
}

// name returns the name of the challenge, "" for a result.
func (a *answer) name() string {
	if a == nil {
		return ""
	}
	return string(a.challenge)
}

// An outcome is the end of a step. With an answer the call is over; without one
// the step's factor is proven and the pipeline decides what comes next.
type outcome struct {
	state  *state
	user   *user.User
	answer *answer
}

// A challengeResponse is a challenge being answered.
type challengeResponse struct {
	*call
	name  idp.ChallengeNameType
	state *state
	user  *user.User
	// spent says that a commit of the call has spent the state.
	spent bool
}

func newResponse(c *call, name idp.ChallengeNameType, st *state) *challengeResponse {
	c.response = &challengeResponse{call: c, name: name, state: st}
	return c.response
}

// A terminalError is the error of a step after which the state is spent: a wrong
// proof ends the attempt, while a slip leaves the session for another try.
type terminalError struct{ error }

func (e terminalError) Unwrap() error { return e.error }

// terminalIf marks an error with one of the codes as terminal.
func terminalIf(err error, codes ...string) error {
	if slices.Contains(codes, api.CodeOf(err)) {
		return terminalError{err}
	}
	return err
}

// errorOf returns the error of a step for a caller that spends no state.
func errorOf(err error) error {
	if last, ok := errors.AsType[terminalError](err); ok {
		return last.error
	}
	return err
}
