package store

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func FuzzUserRecord(f *testing.F) {
	u := User{ID: "i", Username: "u", UsernameKey: "k", Status: "CONFIRMED", Enabled: true, Version: 3, CreatedAt: time.UnixMilli(5).UTC(),
		Email: new(""), Name: new("n"), Profile: []byte("{}"), Credential: []byte{1}}
	record, err := encodeUser(u)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(record)
	f.Add(record[:len(record)-1])
	f.Add(append(slices.Clip(record), 0))
	f.Add([]byte{})
	f.Add([]byte{userFormat, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		var u User
		if decodeUser(b, &u) != nil {
			return
		}
		again, err := encodeUser(u)
		if err != nil {
			return // text that no record is made of
		}
		var v User
		if err := decodeUser(again, &v); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(u, v); diff != "" && len(b) < 2048 {
			t.Error(diff)
		}
	})
}

func TestUserRecordDamaged(t *testing.T) {
	t.Parallel()
	record, err := encodeUser(User{ID: "i", Email: new("e"), Credential: []byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	for n := range record {
		if err := decodeUser(record[:n], &User{}); err == nil {
			t.Errorf("the first %d bytes passed for a record", n)
		}
	}
	record[0]++
	if err := decodeUser(record, &User{}); err == nil {
		t.Error("a record of another format was read")
	}
}

func TestPrefixEnd(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		prefix, end string
		bounded     bool
	}{
		{"", "", false},
		{"a", "b", true},
		{"az", "a{", true},
		{"\x7f", "\u0080", true},
		{"\ud7ff", "\ue000", true},
		{"a\U0010ffff", "b", true},
		{"\U0010ffff", "", false},
		{"😀", "😁", true},
	} {
		if end, bounded := prefixEnd(row.prefix); end != row.end || bounded != row.bounded {
			t.Errorf("prefixEnd(%q) = %q, %v", row.prefix, end, bounded)
		}
	}
}
