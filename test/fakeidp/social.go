package fakeidp

import (
	"encoding/json"
	"net/http"
	"strings"
)

// Social stands in for the servers of Facebook and Amazon that describe access tokens. A token
// "app:person" was issued for the app. Every other token is refused, and so is what they do not serve.
func Social(w http.ResponseWriter, r *http.Request) {
	app, person, ok := strings.Cut(r.URL.Query().Get("access_token"), ":")
	answer := map[string]any{
		"/app": map[string]any{"id": app}, "/me": map[string]any{"id": person}, "/auth/o2/tokeninfo": map[string]any{"aud": app, "user_id": person},
	}[r.URL.Path]
	if !ok || answer == nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}
