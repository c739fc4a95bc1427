package trigger

import "testing"

// ReadEveryWay reads an answer in every way there is. No answer may panic, and a
// wrong type must not pass for a right one.
func ReadEveryWay(t *testing.T, payload []byte) {
	t.Helper()
	answer, _, err := readAnswer(payload)
	if err != nil {
		return
	}
	for _, read := range []func(members) (PreTokenGenerationResponse, error){readTokenV1, readTokenV2} {
		_, _ = read(answer)
	}
	_ = answer.bool("autoConfirmUser")
	_ = answer.stringMap("userAttributes")
	_ = answer.strings("desiredDeliveryMediums")
}
