package login

// A page is where the person answers one question.
type page struct {
	path     string
	template string
	// show returns what the template shows beside what every page has.
	show func(v *visit) (any, error)
	// submit handles the page's form. It answers the request itself, or returns an
	// error for the page to show.
	submit func(v *visit) error
}

// pages are all pages but the one for errors. A path is in lower case.
var pages = []page{
	{path: "/login", template: "signin.html", show: (*visit).showSignIn, submit: (*visit).submitSignIn},
	{path: "/oauth2/login", template: "signin.html", show: (*visit).showSignIn, submit: (*visit).submitSignIn},
}
