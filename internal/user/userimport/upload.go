package userimport

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/keys"
	"cognate/internal/store"
)

const (
	// uploadWithin is how long a pre-signed URL is good (Cognito: 15 minutes). An
	// upload that has begun by then may go on to its end, for as long again.
	uploadWithin = 15 * time.Minute
	// chunkSize is the size of the pieces that a file is stored in.
	chunkSize = 64 << 10
)

// UploadPath is the route of uploads, for [Service.Upload]; it begins with
// UploadPrefix.
const (
	UploadPrefix = "/_cognate/imports/"
	UploadPath   = UploadPrefix + "{pool}/{job}"
)

// Mount adds the route of uploads.
func (s *Service) Mount(mux *http.ServeMux) { mux.HandleFunc("PUT "+UploadPath, s.Upload) }

// IsUpload reports whether a request is the upload of a job's file. It may be
// larger and take longer than others: its signature is verified before its body is
// read.
func IsUpload(r *http.Request) bool {
	return r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, UploadPrefix)
}

// uploadURL is the address that takes the job's file by PUT. Who has it needs no
// other proof; it is good for this one job and until its time.
func (s *Service) uploadURL(j *job) string {
	expires := strconv.FormatInt(j.URLExpires.Unix(), 10)
	q := url.Values{"expires": {expires}, "signature": {s.signature(j.rec.PoolID, j.rec.ID, expires)}}
	return s.deps.BaseURL + UploadPrefix + j.rec.PoolID + "/" + j.rec.ID + "?" + q.Encode()
}

func (s *Service) signature(poolID, id, expires string) string {
	sum := s.deps.Ring.Hash(keys.PurposeImport, []byte("upload"), []byte(poolID), []byte(id), []byte(expires))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// refusal is why an upload is not taken, in the words of S3, whose clients are
// used for it.
type refusal struct {
	status        int
	code, message string
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

var (
	errSignature  = &refusal{http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."}
	errExpired    = &refusal{http.StatusForbidden, "AccessDenied", "Request has expired"}
	errNoJob      = &refusal{http.StatusNotFound, "NoSuchKey", "The user import job does not exist."}
	errStarted    = &refusal{http.StatusConflict, "OperationAborted", "The user import job was started, or can no longer be."}
	errNoLength   = &refusal{http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header."}
	errTooLarge   = &refusal{http.StatusRequestEntityTooLarge, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"}
	errSlow       = &refusal{http.StatusBadRequest, "RequestTimeout", "Your socket connection to the server was not read from or written to within the timeout period."}
	errIncomplete = &refusal{http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header"}
	errEmpty      = &refusal{http.StatusBadRequest, "InvalidRequest", "The file is empty."}
)

// Upload takes a job's file. It replaces one that came before, once it is whole.
func (s *Service) Upload(w http.ResponseWriter, r *http.Request) {
	err := s.upload(w, r)
	if err == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	w.Header().Set("Connection", "close") // what is left of the file is not read
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		audit.From(r.Context()).SetCause(err)
		refused = &refusal{http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again."}
		if errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrFull) {
			refused.status, refused.code = http.StatusServiceUnavailable, "ServiceUnavailable"
		}
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(refused.status)
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: refused.code, Message: refused.message})
}

func (s *Service) upload(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	poolID, id := r.PathValue("pool"), r.PathValue("job")
	if err := s.signed(r, poolID, id); err != nil {
		return err
	}
	audit.From(ctx).SetPool(poolID)
	audit.From(ctx).SetImportJob(id)
	switch {
	case r.ContentLength < 0:
		return errNoLength
	case r.ContentLength == 0:
		return errEmpty
	case r.ContentLength > s.deps.MaxBytes:
		return errTooLarge
	}
	if _, err := s.awaiting(ctx, &s.deps.Store.Reader, poolID, id); err != nil {
		return err
	}
	// Until it belongs to the job it is swept away, whatever becomes of us.
	upload := keys.NewUUID()
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		return tx.InsertImportUpload(ctx, poolID, upload, s.now().Add(2*uploadWithin))
	})
	if err != nil {
		return err
	}
	err = s.receive(ctx, w, r.Body, poolID, upload, r.ContentLength)
	if err == nil {
		err = s.attach(ctx, poolID, id, upload, r.ContentLength)
	}
	if err != nil {
		s.drop(ctx, poolID, upload)
	}
	return err
}

// signed checks the URL.
func (s *Service) signed(r *http.Request, poolID, id string) error {
	q := r.URL.Query()
	expires := q.Get("expires")
	want := s.signature(poolID, id, expires)
	if subtle.ConstantTimeCompare([]byte(want), []byte(q.Get("signature"))) != 1 {
		return errSignature
	}
	until, err := strconv.ParseInt(expires, 10, 64)
	if err != nil {
		return errSignature
	}
	if s.deps.Now().Unix() >= until {
		return errExpired
	}
	return nil
}

// awaiting reads the job if it waits for a file.
func (s *Service) awaiting(ctx context.Context, r *store.Reader, poolID, id string) (*job, error) {
	if _, err := r.PoolVersion(ctx, poolID); err != nil {
		if errors.Is(err, store.ErrNotFound) {
			err = errNoJob
		}
		return nil, err
	}
	rec, err := r.ImportJob(ctx, poolID, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errNoJob
	}
	if err != nil {
		return nil, err
	}
	j, err := openJob(rec)
	if err == nil && j.status(s.now()) != idp.UserImportJobStatusTypeCreated {
		err = errStarted
	}
	return j, err
}

// receive stores the file piece by piece. It takes its time as long as something
// arrives, but ends well before the sweep takes what is there for left behind.
func (s *Service) receive(ctx context.Context, w http.ResponseWriter, body io.Reader, poolID, upload string, size int64) error {
	buf, until := make([]byte, chunkSize), s.now().Add(uploadWithin)
	for seq := int64(0); size > 0; seq++ {
		if err := s.deps.KeepOpen(w); err != nil {
			return err
		}
		piece := buf[:min(size, chunkSize)]
		if _, err := io.ReadFull(body, piece); err != nil {
			return errIncomplete
		}
		if !s.now().Before(until) {
			return errSlow
		}
		sealed := s.deps.Ring.Seal(keys.PurposeImport, chunkAD(poolID, upload, seq), piece)
		err := s.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.InsertImportChunk(ctx, poolID, upload, seq, sealed) })
		if err != nil {
			return err
		}
		size -= int64(len(piece))
	}
	return nil
}

func chunkAD(poolID, upload string, seq int64) []byte {
	return []byte("import_chunks\x00" + poolID + "\x00" + upload + "\x00" + strconv.FormatInt(seq, 10))
}

// attach makes a whole file the job's.
func (s *Service) attach(ctx context.Context, poolID, id, upload string, size int64) error {
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		j, err := s.awaiting(ctx, &tx.Reader, poolID, id)
		if err != nil {
			return err
		}
		if err := tx.ExpireImportUpload(ctx, poolID, upload, time.Time{}); err != nil {
			return err
		}
		if j.Upload != "" {
			if err := tx.ExpireImportUpload(ctx, poolID, j.Upload, s.now()); err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		j.Upload, j.Size = upload, size
		return j.write(ctx, tx)
	})
}

// drop leaves what came of a file to the sweep.
func (s *Service) drop(ctx context.Context, poolID, upload string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = s.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.ExpireImportUpload(ctx, poolID, upload, s.now()) })
}
