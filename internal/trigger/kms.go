package trigger

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"cognate/internal/outbound"
	"cognate/internal/trigger/encryptionsdk"
)

// KMSOptions says how to reach AWS KMS, for senders whose key is there. Credentials
// and the endpoint (AWS_ENDPOINT_URL_KMS, AWS_ENDPOINT_URL) are found as AWS's tools
// find them.
type KMSOptions struct {
	// NoInstanceCredentials turns the machine's metadata service off.
	NoInstanceCredentials bool
	// Development signs with dummy credentials where there are none and the
	// endpoint is not AWS.
	Development bool
	// Load replaces how the AWS configuration is found.
	Load func(ctx context.Context, region string) (aws.Config, error)
}

// kmsProvider is the provider id that the AWS Encryption SDK's KMS keyrings look for.
const kmsProvider = "aws-kms"

// kmsKeyARN matches a key's ARN; its first group is the Region. KMS would accept an
// alias, but a reader's keyring compares the key's own ARN (Cognito: KMSKeyID is the
// ARN of a key).
var kmsKeyARN = regexp.MustCompile(`^arn:aws[a-z-]*:kms:([a-z0-9-]+):[0-9]{12}:key/[A-Za-z0-9-]+$`)

// kmsKeys asks AWS KMS for data keys.
type kmsKeys struct {
	options KMSOptions

	mu      sync.Mutex
	clients map[string]*kms.Client // by Region
}

// newKey returns the function that makes data keys under the KMS key arn.
func (k *kmsKeys) newKey(arn, region string) encryptionsdk.NewKey {
	return func(ctx context.Context, _ []byte, pairs map[string]string) ([]byte, encryptionsdk.EncryptedKey, error) {
		client, err := k.client(ctx, region)
		if err != nil {
			return nil, encryptionsdk.EncryptedKey{}, outbound.Clean(err)
		}
		out, err := client.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
			KeyId: &arn, KeySpec: types.DataKeySpecAes256, EncryptionContext: pairs,
		})
		if err != nil {
			return nil, encryptionsdk.EncryptedKey{}, fmt.Errorf("AWS KMS: %w", outbound.Clean(err, aws.ToString(client.Options().BaseEndpoint)))
		}
		return out.Plaintext, encryptionsdk.EncryptedKey{Provider: kmsProvider, Info: []byte(aws.ToString(out.KeyId)), Ciphertext: out.CiphertextBlob}, nil
	}
}

func (k *kmsKeys) client(ctx context.Context, region string) (*kms.Client, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c, ok := k.clients[region]; ok {
		return c, nil
	}
	load := k.options.Load
	if load == nil {
		load = loadAWS(k.options.NoInstanceCredentials)
	}
	cfg, err := load(ctx, region)
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	cfg.Region = region
	cfg.HTTPClient = outbound.NewAWSClient(cfg)
	c := kms.NewFromConfig(cfg)
	if k.options.Development && !outbound.IsAWS(aws.ToString(c.Options().BaseEndpoint)) && !outbound.HasCredentials(ctx, cfg) {
		cfg.Credentials = outbound.Dummy()
		c = kms.NewFromConfig(cfg)
	}
	k.clients[region] = c
	return c, nil
}

func kmsRegion(arn string) (string, error) {
	m := kmsKeyARN.FindStringSubmatch(strings.TrimSpace(arn))
	if m == nil {
		return "", fmt.Errorf("%q is not the ARN of a KMS key", arn)
	}
	return m[1], nil
}
