package userimport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/store"
)

const (
	// startWithin is how long a job can be started (Cognito: 24 to 48 hours).
	startWithin = 24 * time.Hour
	// retention is how long a job and its log can be read after its end by default.
	retention = 365 * 24 * time.Hour
	// maxJobs is how many jobs a pool keeps (Cognito: quotas).
	maxJobs = 1000
)

// Completion messages of jobs (Cognito: CompletionMessage).
const (
	messageSucceeded  = "Import Job Completed Successfully."
	messageTooMany    = "Too many users have failed or been skipped during the import."
	messageStopped    = "The Import Job was stopped by the developer."
	messageNoHeader   = "The CSV file does not begin with the header of the user pool."
	messageNoVerified = "The user pool does not have any auto verified attributes."
	messageNoFile     = "The CSV file could not be read."
)

// document is the stored form of a job.
type document struct {
	Name      string
	RoleARN   string
	Algorithm idp.PasswordHashingAlgorithmType `json:",omitempty"`
	Status    idp.UserImportJobStatusType
	// URLExpires ends the pre-signed URL.
	URLExpires          time.Time
	Started, Completed  time.Time `json:",omitzero"`
	Message             string    `json:",omitempty"`
	Imported            int64
	Skipped             int64
	Failed              int64
	Upload              string `json:",omitempty"` // the file; "" where there is none yet
	Size                int64  `json:",omitempty"`
	Columns             []string
	Offset, Line, Batch int64 // where the next line begins, how many were read, how many batches
	Generation          int64 `json:",omitempty"` // how often a worker took the job
}

// job is a record with its document.
type job struct {
	rec store.ImportJob
	document
}

func openJob(rec store.ImportJob) (*job, error) {
	j := &job{rec: rec}
	if err := json.Unmarshal(rec.Doc, &j.document); err != nil {
		return nil, fmt.Errorf("userimport: job %s of %s: %w", rec.ID, rec.PoolID, err)
	}
	return j, nil
}

// record returns the job as it is stored.
func (j *job) record() (store.ImportJob, error) {
	doc, err := json.Marshal(j.document)
	if err != nil {
		return store.ImportJob{}, fmt.Errorf("userimport: job %s of %s: %w", j.rec.ID, j.rec.PoolID, err)
	}
	j.rec.Doc = doc
	return j.rec, nil
}

// read reads a job of a pool.
func read(ctx context.Context, r *store.Reader, poolID, id string) (*job, error) {
	rec, err := r.ImportJob(ctx, poolID, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, idp.ResourceNotFoundException("User import job " + id + " does not exist.").WithReason(api.ReasonNotFound)
	}
	if err != nil {
		return nil, err
	}
	return openJob(rec)
}

// write stores a job that was read in the same transaction.
func (j *job) write(ctx context.Context, tx *store.Tx) error {
	rec, err := j.record()
	if err != nil {
		return err
	}
	return tx.UpdateImportJob(ctx, rec)
}

// status returns the job's status now. A job that was not started in time has expired,
// even if that is not stored yet.
func (j *job) status(now time.Time) idp.UserImportJobStatusType {
	if j.Status == idp.UserImportJobStatusTypeCreated && !now.Before(j.rec.DueAt) {
		return idp.UserImportJobStatusTypeExpired
	}
	return j.Status
}

// end ends the job. The next sweep deletes its file. keep is how long the job and its log are kept.
func (j *job) end(ctx context.Context, tx *store.Tx, status idp.UserImportJobStatusType, message string, now time.Time, keep time.Duration) error {
	j.Status, j.Message, j.Completed = status, message, now
	j.rec.Active, j.rec.Owner, j.rec.Waiting, j.rec.DueAt = false, "", time.Time{}, now.Add(keep)
	if j.Upload != "" {
		if err := tx.ExpireImportUpload(ctx, j.rec.PoolID, j.Upload, now); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		j.Upload = ""
	}
	if err := tx.EndImportBeat(ctx, j.rec.PoolID, j.rec.ID); err != nil {
		return err
	}
	return j.write(ctx, tx)
}

// describe returns the job as the operations show it.
func (s *Service) describe(j *job) *idp.UserImportJobType {
	out := &idp.UserImportJobType{
		JobName: &j.Name, JobId: &j.rec.ID, UserPoolId: &j.rec.PoolID, PreSignedUrl: new(s.uploadURL(j)),
		CreationDate: j.rec.CreatedAt, StartDate: j.Started, CompletionDate: j.Completed, Status: j.status(s.now()),
		CloudWatchLogsRoleArn: &j.RoleARN, ImportedUsers: &j.Imported, SkippedUsers: &j.Skipped, FailedUsers: &j.Failed,
		PasswordHashingAlgorithm: j.Algorithm,
	}
	if j.Message != "" {
		out.CompletionMessage = &j.Message
	}
	return out
}
