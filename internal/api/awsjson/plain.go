package awsjson

// plainLen counts the bytes that s begins with and that stand for themselves in
// a JSON string: ASCII but control characters, quotes and backslashes. Tokens are
// long and all plain, so it takes eight bytes at a time.
func plainLen[T ~string | ~[]byte](s T) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	i := 0
	for ; i+8 <= len(s); i += 8 {
		v := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		// A byte below n, or equal to c, borrows into its high bit. A borrow may
		// reach past such a byte but never occurs without one.
		control := (v - ones*0x20) &^ v
		quote := v ^ ones*'"'
		backslash := v ^ ones*'\\'
		if (v|control|(quote-ones)&^quote|(backslash-ones)&^backslash)&highs != 0 {
			break
		}
	}
	for i < len(s) && s[i] >= 0x20 && s[i] < 0x80 && s[i] != '"' && s[i] != '\\' {
		i++
	}
	return i
}
