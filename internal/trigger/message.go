package trigger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Longest texts of messages, in characters with the code filled in.
const (
	maxSMS     = 140
	maxEmail   = 20000
	maxSubject = 140

	usualCodeLength = 6
)

var linkPattern = regexp.MustCompile(`\{##[^#]+##\}`)

// CustomMessage asks for the texts of a message. It drops a text without its
// placeholder, so the pool's template takes its place: a message without its code
// is of no use.
func (s *Service) CustomMessage(ctx context.Context, arn string, e Envelope, req CustomMessageRequest) (CustomMessageResponse, error) {
	req.UserAttributes = attributes(req.UserAttributes)
	if req.CodeParameter == "" {
		req.CodeParameter = CodePlaceholder
	}
	if req.LinkParameter == "" {
		req.LinkParameter = LinkPlaceholder
	}
	if req.UsernameParameter == nil && e.Source == SourceCustomMessage+OccasionAdminCreateUser {
		req.UsernameParameter = new(UsernamePlaceholder)
	}
	var out CustomMessageResponse
	err := s.run(ctx, call{CustomMessage, arn, e, req, customMessageResponse}, func(m members) error {
		out = CustomMessageResponse{m.string("smsMessage"), m.string("emailMessage"), m.string("emailSubject")}
		length := func(name, text string, limit int) error {
			if n := filledLength(text, e.Username, req.CodeLength); n > limit {
				return fmt.Errorf("%s has %d characters, more than %d", name, n, limit)
			}
			return nil
		}
		return errors.Join(length("smsMessage", out.SMSMessage, maxSMS),
			length("emailMessage", out.EmailMessage, maxEmail), length("emailSubject", out.EmailSubject, maxSubject))
	})
	if err != nil {
		return CustomMessageResponse{}, err
	}
	for name, text := range map[string]*string{"smsMessage": &out.SMSMessage, "emailMessage": &out.EmailMessage} {
		link := req.Link && text == &out.EmailMessage
		if *text == "" || usable(*text, link, req.UsernameParameter != nil) {
			continue
		}
		s.deps.Log.WarnContext(ctx, "a custom message lacks its placeholder, so the pool's own text is sent",
			slog.String("function", arn), slog.String("source", e.Source), slog.String("member", name))
		*text = ""
	}
	return out, nil
}

// filledLength returns a text's length with the code and the name filled in.
func filledLength(text, username string, codeLength int) int {
	if codeLength == 0 {
		codeLength = usualCodeLength
	}
	return utf8.RuneCountInString(text) +
		strings.Count(text, CodePlaceholder)*(codeLength-len(CodePlaceholder)) +
		strings.Count(text, UsernamePlaceholder)*(utf8.RuneCountInString(username)-len(UsernamePlaceholder))
}

func usable(text string, link, username bool) bool {
	if username && !strings.Contains(text, UsernamePlaceholder) {
		return false
	}
	if link {
		return linkPattern.MatchString(text)
	}
	return strings.Contains(text, CodePlaceholder)
}

// CustomEmailSender has a function send a mail. It returns when the transport has
// delivered the event, or when the function has run. An error is for the log only;
// the caller may try again later.
func (s *Service) CustomEmailSender(ctx context.Context, arn string, e Envelope, req CustomSenderRequest) error {
	return s.send(ctx, CustomEmailSender, "customEmailSenderRequestV1", arn, e, req)
}

// CustomSMSSender has a function send an SMS. See [Service.CustomEmailSender].
func (s *Service) CustomSMSSender(ctx context.Context, arn string, e Envelope, req CustomSenderRequest) error {
	return s.send(ctx, CustomSMSSender, "customSMSSenderRequestV1", arn, e, req)
}

func (s *Service) send(ctx context.Context, trigger, kind, arn string, e Envelope, req CustomSenderRequest) error {
	out := senderRequest{Type: kind, ClientMetadata: req.ClientMetadata, UserAttributes: attributes(req.UserAttributes)}
	if req.Code != "" {
		code := req.Code
		if e.Source == SourceCustomEmailSender+OccasionAdminCreateUser || e.Source == SourceCustomSMSSender+OccasionAdminCreateUser {
			// Temporary passwords come escaped for HTML, as Cognito sends them.
			code = strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(code)
		}
		sealed, err := s.deps.Keys.Encrypt(ctx, req.KMSKeyID, e.PoolID, code)
		if err != nil {
			return fmt.Errorf("%s: the code cannot be encrypted: %w", trigger, err)
		}
		out.Code = &sealed
	}
	payload, err := e.encode(out, "")
	if err != nil {
		return err
	}
	res, err := s.invoke(ctx, Invocation{ARN: arn, Payload: payload, Async: true})
	if err != nil {
		return fmt.Errorf("%s: %w", trigger, err)
	}
	if res.Failed {
		return functionFailed(trigger, res.Payload)
	}
	return nil
}

var _ json.Marshaler = CustomSenderRequest{}

// MarshalJSON returns an error: the request holds a code that must be encrypted
// before it leaves.
func (CustomSenderRequest) MarshalJSON() ([]byte, error) {
	return nil, errors.New("trigger: a sender's request is not written as it is")
}
