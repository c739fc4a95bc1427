package gateway

import (
	"bytes"
	"crypto/md5" //nolint:gosec // Amazon S3 wants Content-MD5. It protects against accidents.
	"encoding/base64"
	"encoding/xml"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"cognate/internal/iam/gateway/operation"
	"cognate/internal/iam/policy"
	"cognate/internal/iam/sigv4"
)

// maxDeleteAnswer is the longest answer of the store to DeleteObjects: 1000 keys of 1 KiB,
// escaped, and the elements around them.
const maxDeleteAnswer = 16 << 20

// deleteObjects asks the policies about every object of a DeleteObjects. The store gets
// those that may be deleted; the others become errors in its answer.
func (x *exchange) deleteObjects() error {
	body, err := x.readBody(operation.MaxDeleteBody)
	if err != nil {
		return err
	}
	if err := checkDigests(x.r.Header, body); err != nil {
		return err
	}
	deletion, failed := operation.ParseDeletion(body, x.gateway.config.Backend.PathKeys)
	if failed != nil {
		return failed
	}
	denied := x.filter(deletion)
	if len(deletion.Objects) == 0 {
		return x.answerXML(append([]byte(xml.Header+`<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`), append(denied, "</DeleteResult>"...)...))
	}
	if body, err = xml.Marshal(deletion); err != nil {
		return internalError(err)
	}
	h := x.operation.Header
	for name := range h {
		if strings.HasPrefix(name, "X-Amz-Checksum-") || name == "X-Amz-Sdk-Checksum-Algorithm" || name == "Content-Encoding" {
			delete(h, name)
		}
	}
	sum := md5.Sum(body) //nolint:gosec // See above.
	h.Set("Content-Md5", base64.StdEncoding.EncodeToString(sum[:]))
	h.Set("Content-Type", "application/xml")
	res, err := x.send(bytes.NewReader(body), int64(len(body)), hashOf(body))
	if err != nil {
		return err
	}
	if len(denied) == 0 || res.StatusCode != http.StatusOK {
		return x.answer(res)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxDeleteAnswer))
	if err != nil {
		return internalError(err)
	}
	x.copyHeaders(res.Header)
	return x.answerXML(mergeErrors(answer, denied))
}

// filter removes the objects that the policies deny, and returns their elements of the
// answer.
func (x *exchange) filter(d *operation.Deletion) []byte {
	var denied bytes.Buffer
	common := x.context(nil)
	kept := d.Objects[:0]
	for i := range d.Objects {
		object := d.Objects[i]
		if failed := x.decideDeletion(&object, common); failed != nil {
			denied.WriteString("<Error>")
			writeElement(&denied, element{"Key", object.Key})
			if object.VersionID != nil {
				writeElement(&denied, element{"VersionId", *object.VersionID})
			}
			writeElement(&denied, element{"Code", failed.code})
			writeElement(&denied, element{"Message", failed.message})
			denied.WriteString("</Error>")
			continue
		}
		kept = append(kept, object)
	}
	d.Objects = kept
	return denied.Bytes()
}

func (x *exchange) decideDeletion(object *operation.DeletedObject, common policy.Context) *s3Error {
	for _, check := range x.operation.DeleteChecks(object) {
		conditions := common
		if len(check.Keys) > 0 {
			conditions = x.context(check.Keys)
		}
		if result := x.decide(&check, conditions); result.Decision != policy.Allow {
			return x.denial(&check, result)
		}
	}
	return nil
}

// emptyResult is a DeleteResult without elements.
var emptyResult = regexp.MustCompile(`<DeleteResult([^<>]*?)/>\s*$`)

// mergeErrors adds elements to the store's DeleteResult.
func mergeErrors(answer, more []byte) []byte {
	const end = "</DeleteResult>"
	if i := bytes.LastIndex(answer, []byte(end)); i >= 0 {
		return append(append(bytes.Clone(answer[:i]), more...), end...)
	}
	if m := emptyResult.FindSubmatchIndex(answer); m != nil {
		out := append(bytes.Clone(answer[:m[0]]), "<DeleteResult"+string(answer[m[2]:m[3]])+">"...)
		return append(append(out, more...), end...)
	}
	return append(append([]byte(xml.Header+"<DeleteResult>"), more...), end...)
}

func (x *exchange) answerXML(body []byte) error {
	h := x.w.Header()
	h.Set("Content-Type", "application/xml")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.event.Status = http.StatusOK
	x.w.WriteHeader(http.StatusOK)
	_, err := x.w.Write(body)
	if err != nil {
		return internalError(err)
	}
	return nil
}

// checkDigests verifies the checksums in the headers of a body that the store does not get
// as it is.
func checkDigests(h http.Header, body []byte) error {
	mismatch := func(name string) error {
		return &s3Error{status: 400, code: "BadDigest", message: "The " + name + " you specified did not match what we received."}
	}
	if sent := h.Get("Content-Md5"); sent != "" {
		sum := md5.Sum(body) //nolint:gosec // See above.
		if sent != base64.StdEncoding.EncodeToString(sum[:]) {
			return mismatch("Content-MD5")
		}
	}
	for name := range h {
		name = strings.ToLower(name)
		if sum := sigv4.NewChecksum(name); sum != nil {
			sum.Write(body)
			if h.Get(name) != base64.StdEncoding.EncodeToString(sum.Sum(nil)) {
				return mismatch(name)
			}
		}
	}
	return nil
}
