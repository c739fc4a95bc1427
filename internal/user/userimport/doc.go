// Package userimport imports users into a user pool from a file. It has the jobs and
// their operations, the upload to this server, and the worker that reads the file and
// stores the users.
//
// A job is stored in the database alone. Its file is there in sealed pieces. Each batch
// of lines is one transaction that stores the users, the log of their lines and the
// progress of the job. If the worker is killed, another node or the next start
// continues there, and no line counts twice. Package user decides what a user of the
// pool must be like. This package sends no message, calls no function and never holds a
// whole file.
package userimport
