// Package logs has the logs of user pools: where a pool sends them (SetLogDeliveryConfiguration), the records that wait in the
// store, and their delivery to CloudWatch Logs, S3, Firehose or files.
//
// A record is written by the transaction of what it is about, so neither exists without the other. Package audit/delivery sends
// the records in their order, and a sent record is deleted. A destination that is away costs no memory, and no request waits
// for it. The space is limited by a time and by a number of records for each pool and source.
package logs
