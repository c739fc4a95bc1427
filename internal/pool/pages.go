package pool

import (
	"encoding/json"
	"time"
)

// pageLife is how long a page token is good.
const pageLife = time.Hour

// openPage reads where a list goes on into cursor, which stays as it is without a token.
func (s *Service) openPage(op string, bind []string, token *string, cursor any) error {
	if token == nil {
		return nil
	}
	b, err := s.deps.Pages.Decode(op, bind, *token, s.deps.Now())
	if err == nil {
		err = json.Unmarshal(b, cursor)
	}
	if err != nil {
		return invalidBecause("Invalid pagination token provided", err)
	}
	return nil
}

// nextPage seals where a list goes on.
func (s *Service) nextPage(op string, bind []string, cursor any) *string {
	b, err := json.Marshal(cursor)
	if err != nil {
		panic(err) // Cursors are plain strings and times.
	}
	return new(s.deps.Pages.Encode(op, bind, b, s.deps.Now().Add(pageLife)))
}

// pageSize is a list's page size where the request may leave it out.
func pageSize(asked *int32, most int) int {
	if asked == nil || *asked <= 0 || int(*asked) > most {
		return most
	}
	return int(*asked)
}
