// Package oidc signs people in at OpenID Connect providers and at social providers: Google,
// Facebook, Login with Amazon, Sign in with Apple. It only knows the authorization code flow,
// so no token ever comes from the browser.
//
// A [Provider] is a pure function of its settings and of the provider's answers. It keeps
// nothing: the caller stores the attempt, binds it to the browser, and ends it after one use.
package oidc
