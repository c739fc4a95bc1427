package functions_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"cognate/internal/trigger"
	"cognate/test/patience"
)

// TestEncryptionSDKWithKMS has it open what was encrypted by a key in AWS KMS.
func TestEncryptionSDKWithKMS(t *testing.T) {
	t.Parallel()
	const id = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
	server := httptest.NewServer(&keyService{arn: id, keys: map[string]dataKey{}})
	t.Cleanup(server.Close)
	load := func(context.Context, string) (aws.Config, error) {
		return aws.Config{BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}, nil
	}
	keys, err := trigger.NewSenderKeys(map[string]trigger.Key{id: {KMS: true}}, trigger.KMSOptions{Load: load})
	if err != nil {
		t.Fatal(err)
	}
	code, err := keys.Encrypt(t.Context(), id, "us-east-1_AbCdEf123", "123456")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience.Limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "encryption-sdk.mjs", "kms", id, "REQUIRE_ENCRYPT_ALLOW_DECRYPT")
	cmd.Dir = filepath.Join("..", "js")
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL_KMS="+server.URL, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	cmd.Stdin = strings.NewReader(code)
	out, err := cmd.Output() // The SDK complains of old versions of Node.js on the other pipe.
	if got, want := strings.TrimSpace(string(out)), "us-east-1_AbCdEf123 123456 0378"; err != nil || got != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}

// keyService is as much of AWS KMS as data keys need. It decrypts a key only
// under the encryption context that the key was made with.
type keyService struct {
	arn string

	mu   sync.Mutex
	keys map[string]dataKey
}

type dataKey struct {
	plain []byte
	bound map[string]string
}

func (k *keyService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		KeyId, KeySpec    string
		EncryptionContext map[string]string
		CiphertextBlob    []byte
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.KeyId != k.arn || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
		http.Error(w, `{"__type":"ValidationException"}`, http.StatusBadRequest)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	out := map[string]any{"KeyId": k.arn}
	switch r.Header.Get("X-Amz-Target") {
	case "TrentService.GenerateDataKey":
		blob, plain := []byte(rand.Text()), make([]byte, 32)
		_, _ = rand.Read(plain)
		k.keys[string(blob)] = dataKey{plain, in.EncryptionContext}
		out["CiphertextBlob"], out["Plaintext"] = blob, plain
	case "TrentService.Decrypt":
		key, ok := k.keys[string(in.CiphertextBlob)]
		if !ok || !maps.Equal(key.bound, in.EncryptionContext) {
			http.Error(w, `{"__type":"InvalidCiphertextException"}`, http.StatusBadRequest)
			return
		}
		out["Plaintext"], out["EncryptionAlgorithm"] = key.plain, "SYMMETRIC_DEFAULT"
	default:
		http.Error(w, `{"__type":"UnknownOperationException"}`, http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(out)
}
