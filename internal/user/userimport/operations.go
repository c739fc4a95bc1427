package userimport

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/store"
)

// GetCSVHeader returns the columns that a file for the pool must have.
func (s *Service) GetCSVHeader(ctx context.Context, in *idp.GetCSVHeaderRequest) (*idp.GetCSVHeaderResponse, error) {
	sn, err := s.deps.Pools.Load(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	return &idp.GetCSVHeaderResponse{UserPoolId: &sn.ID, CSVHeader: columns(sn)}, nil
}

// roleARN is the form of an IAM role's ARN (IAM: identifiers).
var roleARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,576}$`)

// CreateUserImportJob creates a job and the URL for the upload of its file.
func (s *Service) CreateUserImportJob(ctx context.Context, in *idp.CreateUserImportJobRequest) (*idp.CreateUserImportJobResponse, error) {
	sn, err := s.deps.Pools.Load(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	if !roleARN.MatchString(in.CloudWatchLogsRoleArn) {
		return nil, idp.InvalidParameterException("CloudWatchLogsRoleArn is not the ARN of an IAM role.")
	}
	now := s.now()
	j := &job{
		rec: store.ImportJob{PoolID: sn.ID, ID: keys.NewImportJobID(), CreatedAt: now, DueAt: now.Add(startWithin)},
		document: document{
			Name: in.JobName, RoleARN: in.CloudWatchLogsRoleArn, Algorithm: in.PasswordHashingAlgorithm,
			Status: idp.UserImportJobStatusTypeCreated, URLExpires: now.Add(uploadWithin),
		},
	}
	rec, err := j.record()
	if err != nil {
		return nil, err
	}
	if err := s.deleteOldest(ctx, sn.ID); err != nil {
		return nil, err
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if err := s.deps.Pools.Hold(ctx, tx, sn.ID); err != nil {
			return err
		}
		n, err := tx.CountImportJobs(ctx, sn.ID, maxJobs)
		if err != nil {
			return err
		}
		if n >= maxJobs {
			return idp.LimitExceededException("The user pool has the maximum number of user import jobs.").WithReason(api.ReasonQuota)
		}
		return tx.InsertImportJob(ctx, rec)
	})
	if err != nil {
		return nil, err
	}
	return &idp.CreateUserImportJobResponse{UserImportJob: s.describe(j)}, nil
}

// deleteOldest deletes the oldest job that has ended, with its log, if the pool has the
// maximum number of jobs. No operation deletes jobs, and the next job must not have to wait
// for a year.
func (s *Service) deleteOldest(ctx context.Context, poolID string) error {
	n, err := s.deps.Store.CountImportJobs(ctx, poolID, maxJobs)
	if err != nil || n < maxJobs {
		return err
	}
	list, err := s.deps.Store.OldestImportJobs(ctx, poolID, maxJobs)
	if err != nil {
		return err
	}
	for _, rec := range list {
		j, err := openJob(rec)
		if err != nil {
			return err
		}
		if !j.rec.Active && j.status(s.now()) != idp.UserImportJobStatusTypeCreated {
			return s.deps.Store.DeleteImportJob(ctx, poolID, rec.ID)
		}
	}
	return nil
}

// DescribeUserImportJob returns a job with its progress.
func (s *Service) DescribeUserImportJob(ctx context.Context, in *idp.DescribeUserImportJobRequest) (*idp.DescribeUserImportJobResponse, error) {
	sn, err := s.deps.Pools.Load(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	j, err := read(ctx, &s.deps.Store.Reader, sn.ID, in.JobId)
	if err != nil {
		return nil, err
	}
	return &idp.DescribeUserImportJobResponse{UserImportJob: s.describe(j)}, nil
}

const (
	listOperation = "ListUserImportJobs"
	pageLife      = time.Hour
	// maxPage is the model's limit of a page. A request may ask for 60 (Cognito:
	// UserImportJobsListType, PoolQueryLimitType).
	maxPage = 50
)

// ListUserImportJobs lists a pool's jobs, the newest first.
func (s *Service) ListUserImportJobs(ctx context.Context, in *idp.ListUserImportJobsRequest) (*idp.ListUserImportJobsResponse, error) {
	sn, err := s.deps.Pools.Load(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	var after store.ImportCursor
	if in.PaginationToken != nil {
		b, err := s.deps.Pages.Decode(listOperation, []string{sn.ID}, *in.PaginationToken, s.deps.Now())
		if err == nil {
			err = json.Unmarshal(b, &after)
		}
		if err != nil {
			return nil, idp.InvalidParameterException("Invalid pagination token provided").WithCause(err)
		}
	}
	limit := min(int(in.MaxResults), maxPage)
	list, err := s.deps.Store.ImportJobs(ctx, sn.ID, after, limit+1)
	if err != nil {
		return nil, err
	}
	out := &idp.ListUserImportJobsResponse{UserImportJobs: []idp.UserImportJobType{}}
	if len(list) > limit {
		list = list[:limit]
		cursor, err := json.Marshal(store.ImportCursor{CreatedAt: list[limit-1].CreatedAt, ID: list[limit-1].ID})
		if err != nil {
			return nil, err
		}
		out.PaginationToken = new(s.deps.Pages.Encode(listOperation, []string{sn.ID}, cursor, s.deps.Now().Add(pageLife)))
	}
	for _, rec := range list {
		j, err := openJob(rec)
		if err != nil {
			return nil, err
		}
		out.UserImportJobs = append(out.UserImportJobs, *s.describe(j))
	}
	return out, nil
}

// StartUserImportJob hands a job with its file to the workers.
func (s *Service) StartUserImportJob(ctx context.Context, in *idp.StartUserImportJobRequest) (*idp.StartUserImportJobResponse, error) {
	j, err := s.change(ctx, in.UserPoolId, in.JobId, func(tx *store.Tx, j *job) error {
		if status := j.status(s.now()); status != idp.UserImportJobStatusTypeCreated {
			return idp.PreconditionNotMetException("The user import job cannot be started: its status is " + string(status) + ".")
		}
		if j.Upload == "" {
			return idp.PreconditionNotMetException("No csv file was uploaded for " + in.JobId)
		}
		// A change of the pool looks for a running job.
		if err := s.deps.Pools.Hold(ctx, tx, j.rec.PoolID); err != nil {
			return err
		}
		_, err := tx.ActiveImport(ctx, j.rec.PoolID)
		if err == nil {
			return idp.PreconditionNotMetException("The user import job cannot be started: another one is running.")
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		j.Status, j.Started = idp.UserImportJobStatusTypePending, s.now()
		j.rec.Active, j.rec.DueAt = true, time.Time{}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.wakeUp()
	return &idp.StartUserImportJobResponse{UserImportJob: s.describe(j)}, nil
}

// StopUserImportJob takes a job from its worker, which can then store no more batches. The
// next free worker ends the job. Imported users stay.
func (s *Service) StopUserImportJob(ctx context.Context, in *idp.StopUserImportJobRequest) (*idp.StopUserImportJobResponse, error) {
	j, err := s.change(ctx, in.UserPoolId, in.JobId, func(_ *store.Tx, j *job) error {
		switch status := j.status(s.now()); status {
		case idp.UserImportJobStatusTypePending, idp.UserImportJobStatusTypeInProgress:
			j.Status, j.rec.Owner, j.rec.Waiting = idp.UserImportJobStatusTypeStopping, "", time.Time{}
			return nil
		default:
			return idp.PreconditionNotMetException("The user import job cannot be stopped: its status is " + string(status) + ".")
		}
	})
	if err != nil {
		return nil, err
	}
	s.wakeUp()
	return &idp.StopUserImportJobResponse{UserImportJob: s.describe(j)}, nil
}

// change reads, changes and writes a job in one transaction.
func (s *Service) change(ctx context.Context, poolID, id string, fn func(tx *store.Tx, j *job) error) (*job, error) {
	sn, err := s.deps.Pools.Load(ctx, poolID)
	if err != nil {
		return nil, err
	}
	var j *job
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		var err error
		if j, err = read(ctx, &tx.Reader, sn.ID, id); err != nil {
			return err
		}
		if err := fn(tx, j); err != nil {
			return err
		}
		return j.write(ctx, tx)
	})
	return j, err
}
