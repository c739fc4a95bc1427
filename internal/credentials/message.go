package credentials

import (
	"context"
	"errors"

	"cognate/internal/api"
	"cognate/internal/api/sts"
	"cognate/internal/iam"
)

// DecodeAuthorizationMessage explains why a request was denied, by the encoded message in its
// answer.
func (s *Service) DecodeAuthorizationMessage(ctx context.Context, in *sts.DecodeAuthorizationMessageRequest) (*sts.DecodeAuthorizationMessageResponse, error) {
	message, err := s.deps.IAM.DecodeDenial(ctx, in.EncodedMessage)
	if errors.Is(err, iam.ErrDenial) {
		return nil, sts.InvalidAuthorizationMessageException("The encoded message is not valid, or it is older than a day.").WithCause(err).WithReason(api.ReasonInvalidRequest)
	}
	if err != nil {
		return nil, err
	}
	return &sts.DecodeAuthorizationMessageResponse{DecodedMessage: &message}, nil
}
