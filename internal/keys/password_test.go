package keys

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// TestImportedHashes has hashes that other programs made: the reference argon2,
// RFC 7914 §12 and §11, and the test of crypt_blowfish.
func TestImportedHashes(t *testing.T) {
	t.Parallel()
	unpadded := func(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }
	scryptSum := []byte("\xfd\xba\xbe\x1c\x9d\x34\x72\x00\x78\x56\xe7\x19\x0d\x01\xe9\xfe\x7c\x6a\xd7\xcb\xc8\x23\x78\x30\xe7\x73\x76\x63\x4b\x37\x31\x62" +
		"\x2e\xaf\x30\xd9\x2e\x22\xa3\x88\x6f\xf1\x09\x27\x9d\x98\x30\xda\xc7\x27\xaf\xb9\x4a\x83\xee\x6d\x83\x60\xcb\xdf\xa2\xcc\x06\x40")
	pbkdf2Sum := []byte("\x4d\xdc\xd8\xf6\x0b\x98\xbe\x21\x83\x0c\xee\x5e\xf2\x27\x01\xf9\x64\x1a\x44\x18\xd0\x4c\x04\x14\xae\xff\x08\x87\x6b\x34\xab\x56" +
		"\xa1\xd4\x25\xa1\x22\x58\x33\x54\x9a\xdb\x84\x1b\x51\xc9\xb3\x17\x6a\x27\x2b\xde\xbb\xa1\xd0\x78\x47\x8f\x62\xb3\x97\xf3\x3c\x8d")
	bc, err := bcrypt.GenerateFromPassword([]byte("password"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, hash, password string
	}{
		{"argon2id", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", "password"},
		{"bcrypt", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
		{"bcrypt 2y", "$2y" + string(bc[3:]), "password"},
		{"scrypt", "$scrypt$ln=10,r=8,p=16$TmFDbA$" + unpadded(scryptSum), "password"},
		{"pbkdf2 PHC", "$pbkdf2-sha256$i=80000,l=64$" + unpadded([]byte("NaCl")) + "$" + unpadded(pbkdf2Sum), "Password"},
		{"pbkdf2 passlib", "$pbkdf2-sha256$80000$" + unpadded([]byte("NaCl")) + "$" + strings.ReplaceAll(unpadded(pbkdf2Sum), "+", "."), "Password"},
		{"pbkdf2 Django", "pbkdf2_sha256$80000$NaCl$" + base64.StdEncoding.EncodeToString(pbkdf2Sum), "Password"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if ok, err := VerifyPassword(tt.hash, tt.password); !ok || err != nil {
				t.Errorf("right password: %v, %v", ok, err)
			}
			if ok, err := VerifyPassword(tt.hash, tt.password+"x"); ok || err != nil {
				t.Errorf("wrong password: %v, %v", ok, err)
			}
		})
	}
}

func TestRefusedHashes(t *testing.T) {
	t.Parallel()
	const salt, sum = "c29tZXNhbHRzb21l", "RdescudvJCsgt3ub+b0dWRWJTmaaJObGRdescudvJCs"
	for _, tt := range []struct {
		name, hash string
	}{
		{"empty", ""},
		{"plain", "P@ssw0rd"},
		{"argon2i", "$argon2i$v=19$m=65536,t=2,p=1$" + salt + "$" + sum},
		{"argon2 version", "$argon2id$v=16$m=65536,t=2,p=1$" + salt + "$" + sum},
		{"argon2 memory", "$argon2id$v=19$m=65537,t=1,p=1$" + salt + "$" + sum},
		{"argon2 passes", "$argon2id$v=19$m=64,t=11,p=1$" + salt + "$" + sum},
		{"argon2 work", "$argon2id$v=19$m=65536,t=5,p=1$" + salt + "$" + sum},
		{"argon2 threads", "$argon2id$v=19$m=65536,t=1,p=5$" + salt + "$" + sum},
		{"argon2 no threads", "$argon2id$v=19$m=65536,t=1,p=0$" + salt + "$" + sum},
		{"argon2 no passes", "$argon2id$v=19$m=65536,t=0,p=1$" + salt + "$" + sum},
		{"argon2 short sum", "$argon2id$v=19$m=65536,t=1,p=1$" + salt + "$c2hvcnQ"},
		{"argon2 short salt", "$argon2id$v=19$m=65536,t=1,p=1$c2hv$" + sum},
		{"argon2 padded", "$argon2id$v=19$m=65536,t=1,p=1$" + salt + "$" + sum + "="},
		{"argon2 trailing", "$argon2id$v=19$m=65536,t=1,p=1$" + salt + "$" + sum + "\n"},
		{"argon2 overflow", "$argon2id$v=19$m=99999999999999999999,t=1,p=1$" + salt + "$" + sum},
		{"bcrypt cost", "$2a$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
		{"bcrypt 2x", "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
		{"bcrypt short", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe"},
		{"scrypt memory", "$scrypt$ln=18,r=8,p=1$" + salt + "$" + sum},
		{"scrypt huge", "$scrypt$ln=63,r=32,p=1$" + salt + "$" + sum},
		{"scrypt threads", "$scrypt$ln=14,r=8,p=17$" + salt + "$" + sum},
		{"scrypt N=1", "$scrypt$ln=0,r=8,p=1$" + salt + "$" + sum},
		{"pbkdf2 iterations", "$pbkdf2-sha256$i=2000001$" + salt + "$" + sum},
		{"pbkdf2 none", "$pbkdf2-sha256$i=0$" + salt + "$" + sum},
		{"pbkdf2 length", "$pbkdf2-sha256$i=1000,l=16$" + salt + "$" + sum},
		{"pbkdf2 SHA-512", "$pbkdf2-sha512$i=1000$" + salt + "$" + sum},
		{"django iterations", "pbkdf2_sha256$2000001$abc$" + sum},
		{"too long", "$pbkdf2-sha256$i=1000$" + strings.Repeat("A", 1000) + "$" + sum},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if ok, err := VerifyPassword(tt.hash, "x"); ok || !errors.Is(err, ErrPasswordHash) {
				t.Errorf("%v, %v, want ErrPasswordHash", ok, err)
			}
		})
	}
}

func FuzzCheckPasswordHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc")
	f.Add("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")
	f.Add("$scrypt$ln=10,r=8,p=4$TmFDbA$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc")
	f.Add("$pbkdf2-sha256$i=1,l=64$TmFDbA$bQk8UB")
	f.Add("pbkdf2_sha256$80000$NaCl$bQk8UB==")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parsePasswordHash(s)
		if err != nil {
			return
		}
		if h.memory > maxArgonMemory || h.time < 1 || h.time > maxPBKDF2Iterations || h.threads > 99 ||
			h.scheme == "scrypt" && 128*h.memory<<h.time > maxScryptMemory {
			t.Errorf("%q is accepted: %+v", s, h)
		}
	})
}
