package login

import "regexp"

// A linkedText is a part of a sentence, as a link if it has an address.
type linkedText struct{ Text, URL string }

var placeholder = regexp.MustCompile(`\{[01]\}`)

// termsNote returns the sentence that links to the app client's terms documents. It returns nil if the app client has no
// such documents. Classic pages do not show them (Cognito: terms documents).
func (v *visit) termsNote() ([]linkedText, error) {
	if !v.site.Domain.Managed {
		return nil, nil
	}
	look, err := v.deps.Branding.Appearance(v.r.Context(), v.site.Pool, v.request.Client.ID)
	if err != nil {
		return nil, err
	}
	links, ok := look.TermsLinks(string(v.text))
	if !ok {
		return nil, nil
	}
	return v.termsSentence(links.TermsOfUse, links.PrivacyPolicy), nil
}

// termsSentence returns the sentence about the terms, with links to these addresses.
func (v *visit) termsSentence(use, privacy string) []linkedText {
	documents := map[string]linkedText{"{0}": {v.text.T("terms.use"), use}, "{1}": {v.text.T("terms.privacy"), privacy}}
	var note []linkedText
	text, end := v.text.T("terms.agree"), 0
	for _, at := range placeholder.FindAllStringIndex(text, -1) {
		note = append(note, linkedText{Text: text[end:at[0]]}, documents[text[at[0]:at[1]]])
		end = at[1]
	}
	return append(note, linkedText{Text: text[end:]})
}
