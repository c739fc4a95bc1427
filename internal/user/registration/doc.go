// Package registration is how accounts come into being and come back: sign-up and its
// confirmation, recovery by "forgot password", the verification of addresses, and the
// migration of users from another directory.
//
// It may import package user and what user may import; user must not import it. It
// stores users only through package user (Insert, Edit) and codes only through package
// codes. It issues no token and proves no sign-in. What a client learns of an account
// before the account is proven is decided here: if the app client hides who exists,
// a name without a user is answered like a name with one (PreventUserExistenceErrors).
package registration
