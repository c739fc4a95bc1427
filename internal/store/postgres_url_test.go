package store

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestPostgresURLStaysSecret: what is wrong with a database's address is said without any part of the password.
func TestPostgresURLStaysSecret(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		form       bool // the text is no URL
	}{
		{"keywords", "host=h password=s3cret tail", true},
		{"keywords, quoted", "host=h password='s3cret tail", true},
		{"a blank", "postgres://user:s3cret tail@h/db", true},
		{"an at sign and a blank", "postgres://user:s3cret@tail tail@h/db", true},
		{"a slash", "postgres://user:s3cret/tail@h/db", true},
		{"a per cent sign", "postgres://user:s3cret%tail@h/db", true},
		{"another scheme", "mysql://user:s3cretword@h/db", true},
		{"a wrong mode", "postgres://user:s3cretword@h/db?sslmode=wrong", false},
		{"a wrong escape", "postgres://user@h/db?password=s3cret%tail", false},
		{"a wrong time", "postgres://user:s3cretword@h/db?connect_timeout=soon", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := newPostgresConnector(tt.text, time.Second)
			if err == nil || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "tail") {
				t.Fatalf("the error is %v", err)
			}
			if got := errors.Is(err, errPostgresURL); got != tt.form {
				t.Errorf("%v: of the form: %v", err, got)
			}
		})
	}
}
