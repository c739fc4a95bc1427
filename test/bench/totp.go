package main

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/keys"
)

// totpPerTurn is how many people sign in in a turn. Each has an app of their own
// and uses it once: a code counts once.
const totpPerTurn = 120

// measureTOTP compares how many people sign in by password and authenticator app
// in a second with how many do by password alone.
func (b *bench) measureTOTP(ctx context.Context, e *engine) (err error) {
	const name = "TOTP sign-ins/s, to password sign-ins/s"
	if !b.wanted(name) {
		return nil
	}
	needed := totpPerTurn * (b.rounds + 1)
	t, err := b.newTarget(ctx, e, e.name+"-totp", needed+totpPerTurn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	fmt.Fprintf(b.progress, "%s: %s\n", e.name, name)
	bare, people := t.people[:totpPerTurn], t.people[totpPerTurn:]
	secrets, err := b.enrol(ctx, t, people)
	if err != nil {
		return fmt.Errorf("enrolment: %w", err)
	}
	var ratios []float64
	for round := range b.rounds + 1 {
		alone, err := rate(&t.clients, t.passwordsOf(bare), b.clients)
		if err != nil {
			return err
		}
		both, err := b.totpRate(t, people[round*totpPerTurn:][:totpPerTurn], secrets[round*totpPerTurn:][:totpPerTurn])
		if err != nil {
			return err
		}
		if round > 0 { // the first is for warming
			ratios = append(ratios, both/alone)
		}
	}
	value := median(ratios, identity)
	b.report.measured(name, e.name, fmt.Sprintf("%.2f", value), "≥ 0.6", value >= 0.6)
	return nil
}

// enrol returns everybody an authenticator app by the operations that a client would use.
func (b *bench) enrol(ctx context.Context, t *target, people []person) ([][]byte, error) {
	sdk := cognitoidentityprovider.New(cognitoidentityprovider.Options{
		Region: region, BaseEndpoint: aws.String("http://" + t.addr), Credentials: credentials.StaticCredentialsProvider{Value: t.key},
	})
	_, err := sdk.SetUserPoolMfaConfig(ctx, &cognitoidentityprovider.SetUserPoolMfaConfigInput{
		UserPoolId: &t.pool, MfaConfiguration: types.UserPoolMfaTypeOptional, SoftwareTokenMfaConfiguration: &types.SoftwareTokenMfaConfigType{Enabled: true},
	})
	if err != nil {
		return nil, err
	}
	replies, err := t.clients.send(t.passwordsOf(people), b.clients)
	if err != nil {
		return nil, err
	}
	known, err := tokensOf(replies)
	if err != nil {
		return nil, err
	}
	requests := func(operation string, of func(i int) map[string]any) [][]byte {
		list := make([][]byte, len(known))
		for i := range known {
			input := of(i)
			input["AccessToken"] = known[i].access
			list[i] = request(t.addr, operation, input)
		}
		return list
	}
	replies, err = t.clients.send(requests("AssociateSoftwareToken", func(int) map[string]any { return map[string]any{} }), b.clients)
	if err != nil {
		return nil, err
	}
	secrets := make([][]byte, len(known))
	for i, r := range replies {
		var body struct{ SecretCode string }
		if err := decode(r, &body); err != nil {
			return nil, err
		}
		if secrets[i], err = base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(body.SecretCode); err != nil {
			return nil, err
		}
	}
	if _, err := t.clients.send(requests("VerifySoftwareToken", func(i int) map[string]any {
		// The code before the present one, so that the present one is left for the sign-in.
		return map[string]any{"UserCode": keys.TOTPCode(secrets[i], keys.TOTPStepAt(time.Now())-1)}
	}), b.clients); err != nil {
		return nil, err
	}
	_, err = t.clients.send(requests("SetUserMFAPreference", func(int) map[string]any {
		return map[string]any{"SoftwareTokenMfaSettings": map[string]bool{"Enabled": true, "PreferredMfa": true}}
	}), b.clients)
	return secrets, err
}

// totpRate signs people in by both calls and returns the sign-ins in a second.
func (b *bench) totpRate(t *target, people []person, secrets [][]byte) (float64, error) {
	first := t.passwordsOf(people)
	begin := time.Now()
	replies, err := t.clients.send(first, b.clients)
	took := time.Since(begin)
	if err != nil {
		return 0, err
	}
	second := make([][]byte, len(people))
	for i, r := range replies {
		var ch struct{ ChallengeName, Session string }
		if err := decode(r, &ch); err != nil {
			return 0, err
		}
		second[i] = request(t.addr, "RespondToAuthChallenge", map[string]any{
			"ChallengeName": ch.ChallengeName, "ClientId": t.client, "Session": ch.Session,
			"ChallengeResponses": map[string]string{"USERNAME": people[i].username, "SOFTWARE_TOKEN_MFA_CODE": keys.TOTPCode(secrets[i], keys.TOTPStepAt(time.Now()))},
		})
	}
	begin = time.Now()
	replies, err = t.clients.send(second, b.clients)
	took += time.Since(begin)
	if err != nil {
		return 0, err
	}
	_, err = tokensOf(replies)
	return float64(len(people)) / took.Seconds(), err
}
