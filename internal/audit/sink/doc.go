// Package sink hands the records of the audit trail to other systems: files, standard output,
// syslog, CloudWatch Logs, S3 buckets and webhooks.
//
// A sink sends records and reports whether the destination has them. It keeps no records: the
// caller reads them from the store again after a failure. So a record may arrive twice, and a
// destination that is away costs no memory. The package does not read or write the store.
package sink
