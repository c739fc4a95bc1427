package trail

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"cognate/internal/api/awsjson"
	"cognate/internal/audit"
	"cognate/internal/store"
)

// The kinds of records.
const (
	// KindCall is an operation.
	KindCall = "call"
	// KindPage is a page or an endpoint of a login domain.
	KindPage = "page"
	// KindOperator is a command of an operator on the machine.
	KindOperator = "operator"
	// KindStart is the first record of a chain. It names the heads of other chains.
	KindStart = "start"
	// KindGap says how many records were lost.
	KindGap = "gap"
)

// eventVersion is the version of CloudTrail's record format.
const eventVersion = "1.11"

// sourceTrail is the event source of records that the trail makes about itself.
const sourceTrail = "cloudtrail.amazonaws.com"

// details is the part of a record that is not in columns of its own and names no person. Package
// encoding/json reads it; appendTo writes it.
type details struct {
	Account      string          `json:"account"`
	Identity     json.RawMessage `json:"identity"`
	ErrorMessage string          `json:"message"`
	Request      json.RawMessage `json:"request"`
	Response     json.RawMessage `json:"response"`
	Additional   json.RawMessage `json:"additional"`
	Service      json.RawMessage `json:"service"`
	TLS          json.RawMessage `json:"tls"`
	Data         bool            `json:"data"`
}

// personal is the part of a record that can name a person, without sub and username.
type personal struct {
	SourceIP  string          `json:"ip"`
	UserAgent string          `json:"agent"`
	Identity  json.RawMessage `json:"identity"`
	Request   json.RawMessage `json:"request"`
	Response  json.RawMessage `json:"response"`
	Resources json.RawMessage `json:"resources"`
}

func appendRaw(b []byte, name string, value json.RawMessage) []byte {
	if len(value) == 0 {
		return b
	}
	return append(awsjson.Name(b, name), value...)
}

func appendText(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return awsjson.String(awsjson.Name(b, name), value)
}

func (d *details) appendTo(b []byte) []byte {
	b = awsjson.String(append(b, `{"account":`...), d.Account)
	b = appendRaw(b, `"identity":`, d.Identity)
	b = appendText(b, `"message":`, d.ErrorMessage)
	b = appendRaw(b, `"request":`, d.Request)
	b = appendRaw(b, `"response":`, d.Response)
	b = appendRaw(b, `"additional":`, d.Additional)
	b = appendRaw(b, `"service":`, d.Service)
	b = appendRaw(b, `"tls":`, d.TLS)
	if d.Data {
		b = append(b, `,"data":true`...)
	}
	return append(b, '}')
}

func (p *personal) appendTo(b []byte) []byte {
	b = awsjson.String(append(b, `{"ip":`...), p.SourceIP)
	b = appendText(b, `"agent":`, p.UserAgent)
	b = appendRaw(b, `"identity":`, p.Identity)
	b = appendRaw(b, `"request":`, p.Request)
	b = appendRaw(b, `"response":`, p.Response)
	b = appendRaw(b, `"resources":`, p.Resources)
	return append(b, '}')
}

// saltSize is the length of the salt before the JSON text of a personal part. Without the salt,
// nobody can test whether a commitment is that of a person.
const saltSize = 16

// seal encodes both parts of a record and commits to the personal part.
func seal(e *store.AuditEvent, d *details, p *personal) {
	e.Body = d.appendTo(make([]byte, 0, 512))
	e.Personal = p.appendTo(newSalt())
	e.Commitment = commitmentOf(e)
}

// commitmentOf returns the commitment to the personal part of a record.
func commitmentOf(e *store.AuditEvent) [32]byte {
	b := make([]byte, 0, 512)
	b = append(b, "cognate audit person 1\x00"...)
	b = appendField(b, e.Sub)
	b = appendField(b, e.Username)
	return sha256.Sum256(appendField(b, e.Personal))
}

// Erased reports whether the personal part of a record was erased.
func Erased(e *store.AuditEvent) bool {
	return len(e.Personal) == 0 && e.Sub == "" && e.Username == ""
}

// isCommitted reports whether the personal part is the committed one.
func isCommitted(e *store.AuditEvent) bool {
	is := commitmentOf(e)
	return subtle.ConstantTimeCompare(is[:], e.Commitment[:]) == 1
}

// hashOf returns the hash of a record after the record with the hash previous.
func hashOf(previous [32]byte, e *store.AuditEvent) [32]byte {
	b := make([]byte, 0, 512+len(e.Body))
	b = append(b, "cognate audit record 1\x00"...)
	b = append(b, previous[:]...)
	for _, n := range [...]int64{e.Chain, e.Seq, e.At.UnixMilli()} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	readOnly := byte(0)
	if e.ReadOnly {
		readOnly = 1
	}
	b = append(b, readOnly)
	for _, s := range [...]string{e.Kind, e.Source, e.Name, e.Region, e.PoolID, e.Resource, e.AccessKey, e.Error, e.RequestID} {
		b = appendField(b, s)
	}
	b = appendField(b, e.Body)
	return sha256.Sum256(append(b, e.Commitment[:]...))
}

// appendField appends a value after its length, so that different records have different
// encodings.
func appendField[T ~string | ~[]byte](b []byte, value T) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	return append(b, value...)
}

// chainDigits is the length of a chain's name in hexadecimal digits.
const chainDigits = 15

// ChainName returns the name of a chain.
func ChainName(chain int64) string { return fmt.Sprintf("%0*x", chainDigits, chain) }

// ParseChain reads the name of a chain.
func ParseChain(name string) (int64, error) {
	if len(name) != chainDigits {
		return 0, fmt.Errorf("trail: %q is not the name of a chain", name)
	}
	return strconv.ParseInt(name, 16, 64)
}

// EventID returns the id of the record at a position: a UUID of version 8 (RFC 9562 §5.8) that
// contains the position. So a record is found by its id without an index.
func EventID(chain, seq int64) string {
	c, s := ChainName(chain), fmt.Sprintf("%014x", seq)
	return c[:8] + "-" + c[8:12] + "-8" + c[12:] + "-80" + s[:2] + "-" + s[2:]
}

// parseEventID returns the position in an id.
func parseEventID(id string) (chain, seq int64, ok bool) {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[14] != '8' || id[18] != '-' || id[19:21] != "80" || id[23] != '-' {
		return 0, 0, false
	}
	chain, err := strconv.ParseInt(id[:8]+id[9:13]+id[15:18], 16, 64)
	seq, err2 := strconv.ParseInt(id[21:23]+id[24:], 16, 64)
	return chain, seq, err == nil && err2 == nil && EventID(chain, seq) == id
}

// Hidden replaces what a record must not show, as in CloudTrail's events.
const Hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

// erased replaces what was erased from a record.
const erased = "ERASED"

// Render returns a record in CloudTrail's shape, as JSON on one line.
func Render(e *store.AuditEvent) ([]byte, error) {
	var d details
	if err := json.Unmarshal(e.Body, &d); err != nil {
		return nil, fmt.Errorf("trail: record %s: %w", EventID(e.Chain, e.Seq), err)
	}
	p := personal{SourceIP: erased, UserAgent: erased}
	if len(e.Personal) > saltSize {
		p = personal{}
		if err := json.Unmarshal(e.Personal[saltSize:], &p); err != nil {
			return nil, fmt.Errorf("trail: record %s: %w", EventID(e.Chain, e.Seq), err)
		}
	}
	api := e.Kind == KindCall
	b := append(make([]byte, 0, 1024), '{')
	b = appendText(b, `"eventVersion":`, eventVersion)
	b = orNull(b, `"userIdentity":`, firstRaw(p.Identity, d.Identity, json.RawMessage(`{"type":"`+erased+`"}`)))
	b = appendText(b, `"eventTime":`, e.At.UTC().Format(time.RFC3339))
	b = appendText(b, `"eventSource":`, e.Source)
	b = appendText(b, `"eventName":`, e.Name)
	b = awsjson.String(awsjson.Name(b, `"awsRegion":`), e.Region)
	b = awsjson.String(awsjson.Name(b, `"sourceIPAddress":`), p.SourceIP)
	b = appendText(b, `"userAgent":`, p.UserAgent)
	if e.Error != "" || e.Kind == KindPage {
		b = awsjson.String(awsjson.Name(b, `"errorCode":`), e.Error)
		b = awsjson.String(awsjson.Name(b, `"errorMessage":`), d.ErrorMessage)
	}
	b = orNull(b, `"requestParameters":`, firstRaw(p.Request, d.Request))
	b = orNull(b, `"responseElements":`, firstRaw(p.Response, d.Response))
	b = appendRaw(b, `"additionalEventData":`, withSub(d.Additional, e.Sub))
	b = appendText(b, `"requestID":`, e.RequestID)
	b = appendText(b, `"eventID":`, EventID(e.Chain, e.Seq))
	b = awsjson.Bool(awsjson.Name(b, `"readOnly":`), e.ReadOnly)
	b = appendRaw(b, `"resources":`, p.Resources)
	eventType, category := "AwsServiceEvent", "Management"
	if api {
		eventType = "AwsApiCall"
	}
	if d.Data {
		category = "Data"
	}
	b = appendText(b, `"eventType":`, eventType)
	b = awsjson.Bool(awsjson.Name(b, `"managementEvent":`), !d.Data)
	b = appendText(b, `"recipientAccountId":`, d.Account)
	b = appendRaw(b, `"serviceEventDetails":`, d.Service)
	b = appendText(b, `"eventCategory":`, category)
	b = appendRaw(b, `"tlsDetails":`, d.TLS)
	return append(b, '}'), nil
}

func firstRaw(list ...json.RawMessage) json.RawMessage {
	for _, v := range list {
		if len(v) > 0 {
			return v
		}
	}
	return nil
}

func orNull(b []byte, name string, value json.RawMessage) []byte {
	if len(value) == 0 {
		value = json.RawMessage("null")
	}
	return appendRaw(b, name, value)
}

// withSub adds the sub to an object, which may be empty.
func withSub(object json.RawMessage, sub string) json.RawMessage {
	return withTexts(object, `"sub":`, sub)
}

// withRisk adds to additionalEventData how threat protection has rated a sign-in. There is no place for it in the answers of
// Cognito's API, and clients must not learn it.
func withRisk(object json.RawMessage, f audit.Facts) json.RawMessage {
	return withTexts(object, `"authEventId":`, f.AuthEvent, `"risk":`, f.Risk)
}

// withTexts adds members to an object, which may be empty. Names and values follow each other. A member without a value is
// left out.
func withTexts(object json.RawMessage, members ...string) json.RawMessage {
	for pair := range slices.Chunk(members, 2) {
		name, value := pair[0], pair[1]
		if value == "" {
			continue
		}
		if len(object) == 0 {
			object = json.RawMessage("{}")
		}
		b := bytes.Clone(object[:len(object)-1])
		object = append(awsjson.String(awsjson.Name(b, name), value), '}')
	}
	return object
}

// tlsDetails describes the client's connection. Behind a proxy only the host is known.
func tlsDetails(state *tls.ConnectionState, host string) json.RawMessage {
	b := append(make([]byte, 0, 128), '{')
	if state != nil {
		b = appendText(b, `"tlsVersion":`, tls.VersionName(state.Version))
		b = appendText(b, `"cipherSuite":`, tls.CipherSuiteName(state.CipherSuite))
	}
	return append(appendText(b, `"clientProvidedHostHeader":`, host), '}')
}

func hexOf(hash [32]byte) string { return hex.EncodeToString(hash[:]) }
