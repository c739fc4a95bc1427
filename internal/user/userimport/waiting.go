package userimport

import (
	"context"

	"cognate/internal/store"
)

// A WaitingFile is the file of an import that has not ended. Its lines are sealed and name people
// who may be no users yet.
type WaitingFile struct {
	Job    string `json:"jobId"`
	Name   string `json:"jobName"`
	Status string `json:"status"`
}

// WaitingFiles returns the files of a pool's imports that are not finished.
func WaitingFiles(ctx context.Context, r *store.Reader, poolID string) ([]WaitingFile, error) {
	recs, err := r.OldestImportJobs(ctx, poolID, maxJobs)
	if err != nil {
		return nil, err
	}
	var list []WaitingFile
	for _, rec := range recs {
		j, err := openJob(rec)
		if err != nil {
			return nil, err
		}
		if j.Upload != "" {
			list = append(list, WaitingFile{j.rec.ID, j.Name, string(j.Status)})
		}
	}
	return list, nil
}
