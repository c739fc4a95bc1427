package store

import (
	"context"
	"errors"
	"strconv"
	"time"
)

// LogsOfNobody names the source of records about users who do not exist. They are never delivered.
const LogsOfNobody = "nobody"

// A LogRecord is a record of a user pool's logs that waits to be delivered. UserID is empty if the record is about no user.
type LogRecord struct {
	PoolID, Source string
	At             time.Time
	ID, UserID     string
	Body           []byte
}

// A LogStream is a source of a pool that has records, and the time of its first record.
type LogStream struct {
	PoolID, Source string
	First          time.Time
}

const logRecordColumns = "pool_id, source, at, id, user_id, body"

var (
	logRecordInsert       = prepare("INSERT INTO log_records (" + logRecordColumns + ") VALUES (?, ?, ?, ?, '', ?) ON CONFLICT DO NOTHING")
	logRecordInsertOfUser = prepare("INSERT INTO log_records (" + logRecordColumns + ") SELECT pool_id, ?, ?, ?, id, ? FROM users WHERE pool_id = ? AND id = ?{for_key_share} ON CONFLICT DO NOTHING")
	logRecordOfNobody     = prepare("INSERT INTO log_records (" + logRecordColumns + ") VALUES (?, '" + LogsOfNobody + "', 0, ?, '', ?) ON CONFLICT (pool_id, source, at, id) DO UPDATE SET body = excluded.body")
	logRecordDelete       = prepare("DELETE FROM log_records WHERE pool_id = ? AND source = ? AND at = ? AND id = ?")
	logRecordDrop         = sweepExpired("log_records", "pool_id, source, at, id", "pool_id = ? AND source = ? AND at <= ?")

	logRecordList   = prepare("SELECT " + logRecordColumns + " FROM log_records WHERE pool_id = ? AND source = ? ORDER BY at, id LIMIT {limit}")
	logRecordNext   = prepare("SELECT pool_id, source, at FROM log_records WHERE (pool_id, source) > (?, ?) ORDER BY pool_id, source, at, id LIMIT 1")
	logRecordBeyond = prepare("SELECT at FROM log_records WHERE pool_id = ? AND source = ? ORDER BY at DESC, id DESC LIMIT 1 OFFSET ?")

	logsOfUser     = prepare("SELECT " + logRecordColumns + " FROM log_records WHERE user_id > '' AND pool_id = ? AND user_id = ?")
	userLogsDelete = prepare("DELETE FROM log_records WHERE user_id > '' AND pool_id = ? AND user_id = ?")
)

func scanLogRecord(r row, l *LogRecord) error {
	return r.scan(&l.PoolID, &l.Source, &l.At, &l.ID, &l.UserID, &l.Body)
}

// PutLogRecord adds a record. It adds none about a user who was deleted.
func (tx *Tx) PutLogRecord(ctx context.Context, l LogRecord) error {
	if l.UserID == "" {
		return tx.run(ctx, logRecordInsert, l.PoolID, l.Source, l.At, l.ID, l.Body)
	}
	return tx.run(ctx, logRecordInsertOfUser, l.Source, l.At, l.ID, l.Body, l.PoolID, l.UserID)
}

// PutLogOfNobody writes as PutLogRecord does, for a user who does not exist. A pool has one row for each place, so that
// strangers cannot fill the table.
func (tx *Tx) PutLogOfNobody(ctx context.Context, poolID string, place uint8, body []byte) error {
	return tx.run(ctx, logRecordOfNobody, poolID, strconv.Itoa(int(place)), body)
}

// LogRecords lists the first records of a source.
func (r *Reader) LogRecords(ctx context.Context, poolID, source string, limit int) ([]LogRecord, error) {
	return all(ctx, r, logRecordList, []any{poolID, source, limit}, scanLogRecord)
}

// LogStreams lists the sources that have records, after one of them. Its cost grows with the list, not with the records.
func (r *Reader) LogStreams(ctx context.Context, after LogStream, limit int) ([]LogStream, error) {
	var list []LogStream
	for len(list) < limit {
		next, err := first(ctx, r, logRecordNext, []any{after.PoolID, after.Source}, func(r row, s *LogStream) error {
			return r.scan(&s.PoolID, &s.Source, &s.First)
		})
		if errors.Is(err, ErrNotFound) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		list, after = append(list, next), next
	}
	return list, nil
}

// LogRecordsOfUser lists the records about a user, in no order.
func (r *Reader) LogRecordsOfUser(ctx context.Context, poolID, userID string) ([]LogRecord, error) {
	return all(ctx, r, logsOfUser, []any{poolID, userID}, scanLogRecord)
}

// DeleteLogRecord removes a record that was delivered. The record may be gone already.
func (tx *Tx) DeleteLogRecord(ctx context.Context, l LogRecord) error {
	return tx.run(ctx, logRecordDelete, l.PoolID, l.Source, l.At, l.ID)
}

// DropLogRecords removes the records of a source up to a time, in small transactions. It returns their number.
func (s *Store) DropLogRecords(ctx context.Context, poolID, source string, until time.Time) (int, error) {
	const most = 1 << 30
	dropped := 0
	err := s.sweep(ctx, &dropped, most, logRecordDrop, poolID, source, until)
	return dropped, err
}

// LogRecordBeyond returns the time of the newest record that has at least keep records after it. The error is ErrNotFound if there
// is no such record.
func (r *Reader) LogRecordBeyond(ctx context.Context, poolID, source string, keep int) (at time.Time, err error) {
	err = r.one(ctx, logRecordBeyond, []any{poolID, source, keep}, &at)
	return at, err
}
