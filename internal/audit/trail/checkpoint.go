package trail

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cognate/internal/keys"
	"cognate/internal/store"
)

// A Checkpoint is a signed statement about the heads of chains at a time. A copy that is kept
// elsewhere shows whether the database was rolled back.
type Checkpoint struct {
	Version int       `json:"version"`
	Time    time.Time `json:"time"`
	// Chains are the heads, by name.
	Chains []ChainHead `json:"chains"`
	// Key is the id of the data key that signs, and PublicKey its public half in Base64, for a
	// verification without the key ring.
	Key       uint32 `json:"key"`
	PublicKey string `json:"publicKey"`
	// Signature is by Ed25519, over the checkpoint without its signature.
	Signature string `json:"signature,omitempty"`
}

// A ChainHead is the end of a chain. Seq is also the number of records that the chain ever had.
type ChainHead struct {
	Chain string `json:"chain"`
	Seq   int64  `json:"seq"`
	Hash  string `json:"hash"`
	// First is the first record that is kept, and Before the hash of the record before it. They
	// are absent if no record was removed by age.
	First  int64  `json:"first,omitempty"`
	Before string `json:"before,omitempty"`
}

const checkpointVersion = 1

func headOf(p position, first int64, before [32]byte) ChainHead {
	h := ChainHead{Chain: ChainName(p.chain), Seq: p.seq, Hash: hexOf(p.hash)}
	if first > 1 {
		h.First, h.Before = first, hexOf(before)
	}
	return h
}

// statement returns what the signature covers.
func (c Checkpoint) statement() []byte {
	c.Signature = ""
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // The structure has texts and numbers alone.
	}
	return append([]byte("cognate audit checkpoint 1\x00"), text...)
}

// sign makes a checkpoint.
func (t *Trail) sign(now time.Time, heads []ChainHead) *Checkpoint {
	c := &Checkpoint{Version: checkpointVersion, Time: now.UTC().Truncate(time.Millisecond), Chains: heads}
	for {
		c.Key = t.deps.Ring.SigningKeyID(keys.PurposeAuditCheckpoint)
		if public, err := t.deps.Ring.VerifyingKey(context.Background(), keys.PurposeAuditCheckpoint, c.Key); err == nil {
			c.PublicKey = base64.StdEncoding.EncodeToString(public)
		}
		id, signature := t.deps.Ring.Sign(keys.PurposeAuditCheckpoint, c.statement())
		if id == c.Key { // Else the key was replaced in between.
			c.Signature = base64.StdEncoding.EncodeToString(signature)
			return c
		}
	}
}

// errCheckpoint means that a checkpoint is not one of this installation.
var errCheckpoint = errors.New("the signature of the checkpoint is wrong, or its key is unknown here")

// check verifies the signature of a checkpoint.
func (t *Trail) check(ctx context.Context, c *Checkpoint) error {
	signature, err := base64.StdEncoding.DecodeString(c.Signature)
	if err != nil || c.Version != checkpointVersion {
		return errCheckpoint
	}
	if err := t.deps.Ring.VerifySigned(ctx, keys.PurposeAuditCheckpoint, c.Key, c.statement(), signature); err != nil {
		return fmt.Errorf("%w: %w", errCheckpoint, err)
	}
	return nil
}

// ParseCheckpoint reads a checkpoint. It does not verify the signature.
func ParseCheckpoint(text []byte) (*Checkpoint, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	c := &Checkpoint{}
	if err := d.Decode(c); err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	return c, nil
}

// Text returns a checkpoint as JSON on one line.
func (c *Checkpoint) Text() []byte {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // The structure has texts and numbers alone.
	}
	return text
}

func (t *Trail) checkpointRow(p position, c *Checkpoint) store.AuditCheckpoint {
	return store.AuditCheckpoint{Chain: p.chain, Seq: p.seq, At: c.Time, Doc: c.Text()}
}

// Checkpoint returns a checkpoint of all chains that have records.
func (t *Trail) Checkpoint(ctx context.Context) (*Checkpoint, error) {
	var heads []ChainHead
	err := eachChain(ctx, &t.deps.Store.Reader, true, func(c store.AuditChain) error {
		h, err := t.head(c)
		if err != nil {
			return fmt.Errorf("chain %s: %w; run cognate audit verify", ChainName(c.Chain), err)
		}
		heads = append(heads, h)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return t.sign(t.deps.Now(), heads), nil
}

// head returns both ends of a chain.
func (t *Trail) head(c store.AuditChain) (ChainHead, error) {
	head, err := t.openHead(c)
	if err != nil {
		return ChainHead{}, err
	}
	tail, err := t.openTail(c)
	return headOf(head, c.First, tail.hash), err
}
