package message

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"cognate/internal/outbound"
)

// SMTP delivers mail to one submission server (RFC 6409).
type SMTP struct {
	// From is the sender for pools that do not name one.
	From    string
	url     string // for what errors must not show
	host    string
	options []mail.Option
}

// ParseSMTP reads a server's URL:
//
//	smtp://user:password@host:587            STARTTLS required
//	smtp://host:25?starttls=opportunistic    STARTTLS if offered
//	smtp://127.0.0.1:1025?starttls=none      in clear; loopback only
//	smtps://user:password@host:465           TLS from the start
//
// tlsConfig may be nil; it is for private certificate authorities.
func ParseSMTP(rawURL, from string, tlsConfig *tls.Config) (*SMTP, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("the SMTP URL does not parse; in a password, write blanks and the characters / ? # % @ : [ ] as %20 %2F %3F %23 %25 %40 %3A %5B %5D") // err would show it
	}
	s := &SMTP{From: from, url: rawURL, host: u.Hostname()}
	if s.host == "" {
		return nil, errors.New("the SMTP URL names no host")
	}
	if from == "" {
		return nil, errors.New("an SMTP server needs a default sender address")
	}
	port := map[string]int{"smtp": 587, "smtps": 465}[u.Scheme]
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return nil, errors.New("the SMTP URL's port is not a number")
		}
	}
	s.options = append(s.options, mail.WithPort(port), mail.WithTimeout(15*time.Second), mail.WithoutNoop())
	if tlsConfig == nil {
		tlsConfig = &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12}
	}
	s.options = append(s.options, mail.WithTLSConfig(tlsConfig))
	clear := false
	switch mode := u.Query().Get("starttls"); {
	case u.Scheme == "smtps":
		s.options = append(s.options, mail.WithSSL())
	case u.Scheme != "smtp":
		return nil, errors.New("the SMTP URL's scheme must be smtp or smtps")
	case mode == "" || mode == "required":
		s.options = append(s.options, mail.WithTLSPolicy(mail.TLSMandatory))
	case mode == "opportunistic":
		s.options = append(s.options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	case mode == "none":
		if h := s.host; h != "localhost" && !strings.HasPrefix(h, "127.") && h != "::1" {
			return nil, errors.New("SMTP without TLS is for loopback only")
		}
		clear = true
		s.options = append(s.options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		return nil, errors.New("starttls must be required, opportunistic or none")
	}
	if u.User != nil {
		password, _ := u.User.Password()
		auth := mail.SMTPAuthAutoDiscover
		if clear {
			auth = mail.SMTPAuthPlainNoEnc
		}
		s.options = append(s.options, mail.WithSMTPAuth(auth),
			mail.WithUsername(u.User.Username()), mail.WithPassword(password))
	}
	return s, nil
}

// Send implements Sender. The body is HTML, as Cognito sends it, with a plain
// alternative.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	msg := mail.NewMsg()
	from := m.From
	if from == "" {
		from = s.From
	}
	if err := msg.From(from); err != nil {
		return PermanentError{fmt.Errorf("sender address: %w", err)}
	}
	if err := msg.To(m.To); err != nil {
		return PermanentError{fmt.Errorf("recipient address: %w", err)}
	}
	if m.ReplyTo != "" {
		if err := msg.ReplyTo(m.ReplyTo); err != nil {
			return PermanentError{fmt.Errorf("reply-to address: %w", err)}
		}
	}
	// A line break in a subject would start another header (header injection).
	msg.Subject(strings.NewReplacer("\r", " ", "\n", " ").Replace(m.Subject))
	msg.SetMessageIDWithValue(m.ID + "@" + domainOf(from)) // the same in each attempt, so that a duplicate can be told
	msg.SetDateWithValue(m.CreatedAt)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834 §5: no out-of-office answers
	msg.SetBodyString(mail.TypeTextPlain, plainText(m.Body))
	msg.AddAlternativeString(mail.TypeTextHTML, m.Body)

	client, err := mail.NewClient(s.host, s.options...)
	if err != nil {
		return fmt.Errorf("SMTP client: %w", err)
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		err = outbound.Clean(err, s.url)
		var refused *mail.SendError
		if errors.As(err, &refused) && !refused.IsTemp() && refused.ErrorCode() >= 500 {
			return PermanentError{fmt.Errorf("SMTP: %w", err)}
		}
		return fmt.Errorf("SMTP: %w", err)
	}
	return nil
}

func domainOf(address string) string {
	d := address[strings.LastIndexByte(address, '@')+1:]
	return strings.TrimSuffix(d, ">")
}

// plainText takes the tags out of a template's HTML; entities become characters.
func plainText(body string) string {
	var b strings.Builder
	for {
		open := strings.IndexByte(body, '<')
		if open < 0 {
			break
		}
		end := strings.IndexByte(body[open:], '>')
		if end < 0 {
			break
		}
		b.WriteString(body[:open])
		if tag := strings.ToLower(body[open : open+end]); strings.HasPrefix(tag, "<br") || strings.HasPrefix(tag, "</p") {
			b.WriteByte('\n')
		}
		body = body[open+end+1:]
	}
	b.WriteString(body)
	return html.UnescapeString(b.String())
}
