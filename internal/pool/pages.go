package pool

import (
	"encoding/json"
	"time"

	"cognate/internal/keys"
)

// pageLife is how long a page token is valid.
const pageLife = time.Hour

// A pager opens and seals the page tokens of lists.
type pager struct {
	tokens *keys.PageTokens
	now    func() time.Time
}

// open reads the position of a token into cursor. Without a token it leaves cursor
// unchanged.
func (p pager) open(op string, bind []string, token *string, cursor any) error {
	b, err := p.openRaw(op, bind, token)
	if err != nil || b == nil {
		return err
	}
	if err := json.Unmarshal(b, cursor); err != nil {
		return invalidPage(err)
	}
	return nil
}

// openRaw returns the cursor as it was sealed, nil without a token.
func (p pager) openRaw(op string, bind []string, token *string) ([]byte, error) {
	if token == nil {
		return nil, nil
	}
	b, err := p.tokens.Decode(op, bind, *token, p.now())
	if err != nil {
		return nil, invalidPage(err)
	}
	return b, nil
}

func invalidPage(cause error) error {
	return invalidBecause("Invalid pagination token provided", cause)
}

// next returns the token of the page after cursor.
func (p pager) next(op string, bind []string, cursor any) *string {
	b, err := json.Marshal(cursor)
	if err != nil {
		panic(err) // Cursors are plain strings and times.
	}
	return p.nextRaw(op, bind, b)
}

func (p pager) nextRaw(op string, bind []string, cursor []byte) *string {
	return new(p.tokens.Encode(op, bind, cursor, p.now().Add(pageLife)))
}

// pageSize returns the size of a page. The request may leave it out.
func pageSize(asked *int32, most int) int {
	if asked == nil || *asked <= 0 || int(*asked) > most {
		return most
	}
	return int(*asked)
}
