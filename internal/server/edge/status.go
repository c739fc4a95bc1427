package edge

import (
	"encoding/json"
	"net/http"
)

// WriteStatus answers with a status and a text that says why, as JSON.
func WriteStatus(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"status": text})
}
