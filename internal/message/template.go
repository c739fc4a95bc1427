package message

import (
	"html"
	"regexp"
)

// placeholders matches the placeholders of message templates: the code, the name, and a link with its text (Cognito: message
// customizations).
var placeholders = regexp.MustCompile(`\{####\}|\{username\}|\{##([^#]+)##\}`)

// Values are what a message's placeholders stand for.
type Values struct {
	// Code is the code or temporary password, for {####}.
	Code string
	// Username is the name by which the message addresses the person, for {username}.
	Username string
	// Link is the address behind the text of {##text##}. If it is "", the placeholder stays.
	Link string
}

// Render fills in a template. It works in one pass, so that a name that looks like a placeholder stays a name. Code and
// Username are inserted as they are. A link becomes an HTML element.
func Render(template string, v Values) string {
	return placeholders.ReplaceAllStringFunc(template, func(found string) string {
		switch {
		case found == "{####}":
			return v.Code
		case found == "{username}":
			return v.Username
		case v.Link == "":
			return found
		}
		text := found[len("{##") : len(found)-len("##}")]
		return `<a href="` + html.EscapeString(v.Link) + `">` + text + "</a>"
	})
}
