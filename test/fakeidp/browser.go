package fakeidp

import (
	"context"
	"crypto/rand"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"

	"cognate/internal/federation"
)

// Callback is where the provider sends the browser.
const Callback = "https://login.example.com/oauth2/idpresponse"

// NewAttempt returns an attempt with fresh secrets.
func NewAttempt() federation.Attempt {
	return federation.Attempt{
		State: "state-" + rand.Text(), Callback: Callback, RequestID: "_" + rand.Text(), Nonce: "nonce-" + rand.Text(),
		Verifier: rand.Text() + rand.Text(),
	}
}

var hiddenInput = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// Visit goes to the provider as a browser does, and returns what it brings to the callback.
func Visit(ctx context.Context, address string) (url.Values, error) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	switch resp.StatusCode {
	case http.StatusFound:
		to, err := resp.Location()
		if err != nil {
			return nil, err
		}
		return to.Query(), nil
	case http.StatusOK:
		form := url.Values{}
		for _, m := range hiddenInput.FindAllStringSubmatch(string(page), -1) {
			form.Add(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
		}
		return form, nil
	}
	return nil, fmt.Errorf("the provider answered %s: %s", resp.Status, page)
}

// SignIn goes through a sign-in at the provider.
func SignIn(ctx context.Context, p federation.Provider, w federation.Wish) (*federation.Identity, error) {
	a := NewAttempt()
	address, err := p.Start(ctx, a, w)
	if err != nil {
		return nil, err
	}
	form, err := Visit(ctx, address)
	if err != nil {
		return nil, err
	}
	return p.Finish(ctx, a, federation.Answer{Form: form})
}
