package passwords

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestCommon(t *testing.T) {
	t.Parallel()
	for _, password := range []string{
		"", "abc12", "password", "Password1", "Password123!", "P@ssw0rd", "Passw0rd!", "pa$$word2024", "PASSWORD_1", "Welcome1", "Welc0me!", "Summer2024!", "winter-2023",
		"qwerty", "Qwerty123", "qwertyuiop", "1q2w3e4r", "1qaz2wsx", "!QAZ2wsx", "1qaz@WSX", "zxcvbnm", "asdf1234", "qazwsxedc", "azerty123", "Qwer!234", "poiuytrewq",
		"12345678", "87654321", "11111111", "123123123", "111222333", "abcdefgh", "abcd1234!", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "abababab",
		"24121985", "19851224", "12/24/1985", "24.12.1985!", "051299", "147258369", "iloveyou", "ILoveYou2", "letme1n", "monkey12", "dragon!!", "passwordpassword", "Passw0rdPassw0rd",
		"admin123", "Admin@123", "1password", "mypassword1", "Test1234", "Test1234!", "changeme1", "Trustno1", "football99", "Secret007", "M1chael!", "charlie321",
	} {
		if !Common(password) {
			t.Errorf("%q is not common", password)
		}
	}
	for _, password := range []string{
		"correct horse battery staple", "Tr0ub4dor&3", "vK9#mQ2$xL", "maple-ostrich-lantern", "Hk7!pWz4", "zebra8271violet", "98471063", "blauerwal", "grünerTee77",
		"passionfruit-42-lemon", "windowsill", "testament of youth", "mountain river 12", "8f3kd92mx", "rosebud-kane-1941", "adminition-of-things", "31.02.1985x", "secretary's desk",
		strings.Repeat("x7!", 1) + "Lq9-zzT",
	} {
		if Common(password) {
			t.Errorf("%q is common", password)
		}
	}
}

func FuzzCommon(f *testing.F) {
	f.Add("P@ssw0rd123!")
	f.Add("\xff\xfe1qaz\u0130")
	f.Fuzz(func(_ *testing.T, password string) { Common(password) })
}

func BenchmarkCommon(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if Common("maple-ostrich-lantern7") {
			b.Fatal("common")
		}
	}
}

// TestCommonSparesRandomPasswords: what a password manager makes is not common.
func TestCommonSparesRandomPasswords(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!@#$"
	for range 50_000 {
		b := make([]byte, 10)
		for i := range b {
			b[i] = alphabet[random.IntN(len(alphabet))]
		}
		if Common(string(b)) {
			t.Errorf("%s is common", b)
		}
	}
}
