package iam

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"cognate/internal/iam/policy"
	"cognate/internal/keys"
)

// ErrDenial means that a text is no message about a denied request, or that it is too old.
var ErrDenial = errors.New("iam: invalid authorization message")

// items is a list in the form of AWS's messages.
type items[T any] struct {
	Items []T `json:"items"`
}

// denialMessage describes a denied request (AWS STS API Reference: DecodeAuthorizationMessage).
type denialMessage struct {
	Allowed      bool                  `json:"allowed"`
	ExplicitDeny bool                  `json:"explicitDeny"`
	Matched      items[denialMatch]    `json:"matchedStatements"`
	Failures     items[denialConflict] `json:"failures"`
	Context      denialContext         `json:"context"`
}

type denialMatch struct {
	StatementID string `json:"statementId"`
	Effect      string `json:"effect"`
	Policy      string `json:"policy,omitempty"`
}

// denialConflict is a layer of policies without an Allow.
type denialConflict struct {
	Reason string `json:"reason"`
}

type denialContext struct {
	Principal struct {
		ID   string `json:"id"`
		Name string `json:"name,omitempty"`
		ARN  string `json:"arn"`
	} `json:"principal"`
	Action     string           `json:"action"`
	Resource   string           `json:"resource"`
	Conditions items[denialKey] `json:"conditions"`
}

type denialKey struct {
	Key    string             `json:"key"`
	Values items[denialValue] `json:"values"`
}

type denialValue struct {
	Value string `json:"value"`
}

// sealedDenial is what a message seals.
type sealedDenial struct {
	Expires int64           `json:"e"`
	Message json.RawMessage `json:"m"`
}

// maxDenial bounds the JSON of a message. A longer one loses its condition keys.
const maxDenial = 16 << 10

// encodeDenial returns the sealed description of a denied request. It is "" if the description
// does not fit, or if the server must not seal.
func (s *Service) encodeDenial(p *Principal, l policy.Layers, r *policy.Request) string {
	x := policy.Explain(l, r)
	m := denialMessage{ExplicitDeny: x.Decision == policy.ExplicitDeny}
	m.Matched.Items, m.Failures.Items, m.Context.Conditions.Items = []denialMatch{}, []denialConflict{}, []denialKey{}
	for _, match := range x.Matches {
		effect := "ALLOW"
		if match.Deny {
			effect = "DENY"
		}
		m.Matched.Items = append(m.Matched.Items, denialMatch{match.Sid, effect, match.Document.Name()})
	}
	if !m.ExplicitDeny {
		m.Failures.Items = append(m.Failures.Items, denialConflict{x.Reason(r.Action)})
	}
	c := &m.Context
	c.Principal.ID, c.Principal.Name, c.Principal.ARN, c.Action, c.Resource = p.ID, p.Name, p.ARN, r.Action, r.Resource
	for key, values := range r.Context.All() {
		k := denialKey{Key: key}
		for _, v := range values {
			k.Values.Items = append(k.Values.Items, denialValue{v})
		}
		c.Conditions.Items = append(c.Conditions.Items, k)
	}
	text := s.sealDenial(&m)
	if text == "" {
		c.Conditions.Items = []denialKey{}
		text = s.sealDenial(&m)
	}
	return text
}

func (s *Service) sealDenial(m *denialMessage) string {
	message, err := json.Marshal(m)
	if err != nil || len(message) > maxDenial {
		return ""
	}
	body, err := json.Marshal(sealedDenial{s.deps.Now().Add(keys.DenialLife).Unix(), message})
	if err != nil {
		return ""
	}
	text, err := s.deps.Ring.SealToken(keys.TokenDenial, nil, keys.Deflate(body))
	if err != nil {
		return ""
	}
	return text
}

// DecodeDenial returns the JSON of a message about a denied request. The error is ErrDenial, or a
// fault.
func (s *Service) DecodeDenial(ctx context.Context, text string) (string, error) {
	b, err := s.deps.Ring.OpenToken(ctx, keys.TokenDenial, nil, text)
	if errors.Is(err, keys.ErrToken) {
		return "", ErrDenial
	}
	if err != nil {
		return "", err
	}
	body, err := keys.Inflate(b, 2*maxDenial)
	if err != nil {
		return "", err
	}
	var d sealedDenial
	if err := json.Unmarshal(body, &d); err != nil {
		return "", err
	}
	if !s.deps.Now().Before(time.Unix(d.Expires, 0)) {
		return "", ErrDenial
	}
	return string(d.Message), nil
}
