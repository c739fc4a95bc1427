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
	// uploadWithin is how long a pre-signed URL is valid (Cognito: 15 minutes). An upload
	// that has started by then may take the same time again.
	uploadWithin = 15 * time.Minute
	// chunkSize is the size of the pieces that a file is stored in.
	chunkSize = 64 << 10
)

// UploadPath is the route of [Service.Upload]. It starts with UploadPrefix.
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

// uploadURL returns the URL that accepts the job's file by PUT. It needs no other
// credential. It is valid for this job only, until the job's URLExpires.
func (s *Service) uploadURL(j *job) string {
	expires := strconv.FormatInt(j.URLExpires.Unix(), 10)
	q := url.Values{"expires": {expires}, "signature": {s.signature(j.rec.PoolID, j.rec.ID, expires)}}
	return s.deps.BaseURL + UploadPrefix + j.rec.PoolID + "/" + j.rec.ID + "?" + q.Encode()
}

func (s *Service) signature(poolID, id, expires string) string {
	sum := s.deps.Ring.Hash(keys.PurposeImport, []byte("upload"), []byte(poolID), []byte(id), []byte(expires))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// uploadError is the error of a rejected upload, in the words of S3: clients of S3 are used
// for uploads.
type uploadError struct {
	status        int
	code, message string
}

func (r *uploadError) Error() string { return r.code + ": " + r.message }

var (
	errSignature  = &uploadError{http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."}
	errExpired    = &uploadError{http.StatusForbidden, "AccessDenied", "Request has expired"}
	errNoJob      = &uploadError{http.StatusNotFound, "NoSuchKey", "The user import job does not exist."}
	errStarted    = &uploadError{http.StatusConflict, "OperationAborted", "The user import job was started, or can no longer be."}
	errNoLength   = &uploadError{http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header."}
	errTooLarge   = &uploadError{http.StatusRequestEntityTooLarge, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"}
	errSlow       = &uploadError{http.StatusBadRequest, "RequestTimeout", "Your socket connection to the server was not read from or written to within the timeout period."}
	errIncomplete = &uploadError{http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header"}
	errEmpty      = &uploadError{http.StatusBadRequest, "InvalidRequest", "The file is empty."}
)

// Upload accepts a job's file. When the file is complete, it replaces an earlier one.
func (s *Service) Upload(w http.ResponseWriter, r *http.Request) {
	err := s.upload(w, r)
	if err == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	w.Header().Set("Connection", "close") // what is left of the file is not read
	refused, ok := errors.AsType[*uploadError](err)
	if !ok {
		audit.From(r.Context()).SetCause(err)
		refused = &uploadError{http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again."}
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
	if err := s.checkSignature(r, poolID, id); err != nil {
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
	if _, err := s.readAwaiting(ctx, &s.deps.Store.Reader, poolID, id); err != nil {
		return err
	}
	// The sweep deletes the upload unless it is attached to the job, even if this process
	// dies.
	upload := keys.NewUUID()
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		return tx.InsertImportUpload(ctx, poolID, upload, s.now().Add(2*uploadWithin))
	})
	if err != nil {
		return err
	}
	err = s.receive(ctx, w, r.Body, poolID, upload, r.ContentLength)
	if err == nil {
		err = s.attachUpload(ctx, poolID, id, upload, r.ContentLength)
	}
	if err != nil {
		s.discardUpload(ctx, poolID, upload)
	}
	return err
}

// checkSignature checks the signature of the URL and that it has not expired.
func (s *Service) checkSignature(r *http.Request, poolID, id string) error {
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

// readAwaiting reads the job. It rejects a job that does not wait for a file.
func (s *Service) readAwaiting(ctx context.Context, r *store.Reader, poolID, id string) (*job, error) {
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

// receive stores the file piece by piece. It continues while data arrives, but it ends well
// before the sweep could delete the pieces.
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

// attachUpload makes a complete file the job's file.
func (s *Service) attachUpload(ctx context.Context, poolID, id, upload string, size int64) error {
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		j, err := s.readAwaiting(ctx, &tx.Reader, poolID, id)
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

// discardUpload lets the sweep delete the pieces of a file.
func (s *Service) discardUpload(ctx context.Context, poolID, upload string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = s.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.ExpireImportUpload(ctx, poolID, upload, s.now()) })
}
