package message

import "strings"

// Placeholders of message templates (Cognito: message customizations).
const (
	codePlaceholder     = "{####}"
	usernamePlaceholder = "{username}"
)

// Render fills in a template: {####} becomes the code or temporary password,
// {username} the user's name. It works in one pass, so that a name that looks like
// a placeholder stays a name.
func Render(template, code, username string) string {
	return strings.NewReplacer(codePlaceholder, code, usernamePlaceholder, username).Replace(template)
}
