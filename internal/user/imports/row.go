package imports

import (
	"slices"
	"strings"
	"unicode/utf8"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/user"
)

// byteOrderMark is what some programs begin a file with.
const byteOrderMark = "\ufeff"

// header reads the first line: every column of the pool, in any order, and no
// other; the column of hashes as well where the job has an algorithm.
func header(sn *pool.Snapshot, algorithm idp.PasswordHashingAlgorithmType, line string) ([]string, bool) {
	want := user.ImportColumns(sn)
	if algorithm != "" {
		want = append(want, user.ImportHash)
	}
	got := values(strings.TrimPrefix(line, byteOrderMark))
	a, b := slices.Clone(got), slices.Clone(want)
	slices.Sort(a)
	slices.Sort(b)
	return got, slices.Equal(a, b)
}

// schemes are the names of the algorithms in package keys.
var schemes = map[idp.PasswordHashingAlgorithmType]string{
	idp.PasswordHashingAlgorithmTypeBcrypt:       "bcrypt",
	idp.PasswordHashingAlgorithmTypeScrypt:       "scrypt",
	idp.PasswordHashingAlgorithmTypeArgon2id:     "argon2id",
	idp.PasswordHashingAlgorithmTypePbkdf2Sha256: "pbkdf2-sha256",
}

const (
	errLong    = user.ImportError("The line is longer than 16000 characters.")
	errText    = user.ImportError("The line is not UTF-8 text.")
	errColumns = user.ImportError("The line does not have as many values as the header has columns.")
)

// person makes a person of a line.
func (s *Service) person(sn *pool.Snapshot, j *job, line string) (*user.Imported, error) {
	switch {
	case len(line) > maxLine && utf8.RuneCountInString(line) > maxLine:
		return nil, errLong
	case !utf8.ValidString(line) || strings.IndexByte(line, 0) >= 0:
		return nil, errText
	}
	list := values(line)
	if len(list) != len(j.Columns) {
		return nil, errColumns
	}
	row := make(user.ImportRow, 8)
	for i, v := range list {
		if v != "" {
			row[j.Columns[i]] = v
		}
	}
	return s.d.Users.NewImported(sn, row, schemes[j.Algorithm])
}
