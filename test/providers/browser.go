package providers

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// Browser goes through a provider's pages until the provider sends it to the callback.
type Browser struct {
	client *http.Client
	at     *url.URL
	page   string
}

// NewBrowser returns a browser without cookies.
func NewBrowser() (*Browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &Browser{client: &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), Callback) {
			return http.ErrUseLastResponse
		}
		return nil
	}}}, nil
}

// SignIn opens the URL at which a sign-in begins, and fills in each form that the provider
// shows. It returns what the browser brings to the callback.
func (b *Browser) SignIn(ctx context.Context, address string) (url.Values, error) {
	answer, err := b.send(ctx, http.MethodGet, address, nil)
	for range 5 {
		if err != nil || answer != nil {
			return answer, err
		}
		answer, err = b.submit(ctx)
	}
	return nil, errors.New("the provider shows form after form")
}

// Cancel opens the URL at which a sign-in begins, and follows the link that ends it.
func (b *Browser) Cancel(ctx context.Context, address string) (url.Values, error) {
	if answer, err := b.send(ctx, http.MethodGet, address, nil); err != nil || answer != nil {
		return answer, err
	}
	m := cancelLink.FindStringSubmatch(b.page)
	if m == nil {
		return nil, fmt.Errorf("no link to cancel at %s:\n%s", b.at, b.page)
	}
	to, err := b.at.Parse(html.UnescapeString(m[1]))
	if err != nil {
		return nil, err
	}
	return b.send(ctx, http.MethodGet, to.String(), nil)
}

var (
	formTag    = regexp.MustCompile(`(?is)<form[^>]*>`)
	inputTag   = regexp.MustCompile(`(?is)<input[^>]*>`)
	attribute  = regexp.MustCompile(`(?is)\b(name|value|action)="([^"]*)"`)
	cancelLink = regexp.MustCompile(`href="([^"]*/abort)"`)
)

// submit fills in the page's form.
func (b *Browser) submit(ctx context.Context) (url.Values, error) {
	form := formTag.FindString(b.page)
	if form == "" {
		return nil, fmt.Errorf("no form at %s:\n%s", b.at, b.page)
	}
	to, err := b.at.Parse(attributes(form)["action"])
	if err != nil {
		return nil, err
	}
	values := url.Values{}
	for _, tag := range inputTag.FindAllString(b.page, -1) {
		input := attributes(tag)
		switch input["name"] {
		case "":
		case "login":
			values.Set("login", Email)
		case "password":
			values.Set("password", Password)
		default:
			values.Set(input["name"], input["value"])
		}
	}
	return b.send(ctx, http.MethodPost, to.String(), values)
}

func attributes(tag string) map[string]string {
	list := map[string]string{}
	for _, m := range attribute.FindAllStringSubmatch(tag, -1) {
		list[strings.ToLower(m[1])] = html.UnescapeString(m[2])
	}
	return list
}

// send makes a request and keeps the page. It returns what the browser brings to the callback,
// if the provider sends it there.
func (b *Browser) send(ctx context.Context, method, address string, form url.Values) (url.Values, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if to, err := resp.Location(); err == nil && strings.HasPrefix(to.String(), Callback) {
		return to.Query(), nil
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s:\n%s", resp.Request.URL, resp.Status, page)
	}
	b.at, b.page = resp.Request.URL, string(page)
	return nil, nil
}
