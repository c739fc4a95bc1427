package userimport

import (
	"slices"
	"strings"
	"unicode/utf8"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
)

// byteOrderMark is at the start of the files of some programs.
const byteOrderMark = "\ufeff"

// header parses the first line. It must have every column of the pool, in any order, and no
// other column. If the job has an algorithm, it must have the column of hashes too.
func header(sn *pool.Snapshot, algorithm idp.PasswordHashingAlgorithmType, line string) ([]string, bool) {
	want := columns(sn)
	if algorithm != "" {
		want = append(want, columnHash)
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
	errLong    = lineError("The line is longer than 16000 characters.")
	errText    = lineError("The line is not UTF-8 text.")
	errColumns = lineError("The line does not have as many values as the header has columns.")
)

// parsePerson makes a user of the text of a line.
func (s *Service) parsePerson(sn *pool.Snapshot, j *job, line string) (*person, error) {
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
	byColumn := make(fields, 8)
	for i, v := range list {
		if v != "" {
			byColumn[j.Columns[i]] = v
		}
	}
	return s.newPerson(sn, byColumn, schemes[j.Algorithm])
}
