package store

import "context"

// A TemplateStack is what one template has made. Owner is the server that changes it, or empty. Beat changes while that
// server lives.
type TemplateStack struct {
	Name, Owner string
	Beat        int64
}

// A TemplateResource is a thing that a template has made. Body is sealed.
type TemplateResource struct {
	Stack, ID string
	Body      []byte
}

var (
	stackByName = prepare("SELECT owner, beat FROM template_stacks WHERE stack = ?")
	stackInsert = prepare("INSERT INTO template_stacks (stack, owner, beat) VALUES (?, '', 0) ON CONFLICT DO NOTHING")
	stackTake   = prepare("UPDATE template_stacks SET owner = ?, beat = beat + 1 WHERE stack = ? AND owner = ? AND beat = ?")
	stackBeat   = prepare("UPDATE template_stacks SET beat = beat + 1 WHERE stack = ? AND owner = ?")
	stackFree   = prepare("UPDATE template_stacks SET owner = '', beat = beat + 1 WHERE stack = ? AND owner = ?")

	templateResourcePut    = prepare("INSERT INTO template_resources (stack, id, body) VALUES (?, ?, ?) ON CONFLICT (stack, id) DO UPDATE SET body = excluded.body")
	templateResourceDelete = prepare("DELETE FROM template_resources WHERE stack = ? AND id = ?")
	templateResourceList   = prepare("SELECT stack, id, body FROM template_resources WHERE stack = ? ORDER BY id LIMIT {limit}")
)

// TemplateStack reads a stack. A stack that does not exist has no owner.
func (s *Store) TemplateStack(ctx context.Context, name string) (TemplateStack, error) {
	t := TemplateStack{Name: name}
	err := s.Update(ctx, func(tx *Tx) error {
		if err := tx.run(ctx, stackInsert, name); err != nil {
			return err
		}
		return tx.one(ctx, stackByName, []any{name}, &t.Owner, &t.Beat)
	})
	return t, err
}

// TakeTemplateStack makes a server the owner of a stack. It returns ErrConflict if the stack has changed since it was read.
func (tx *Tx) TakeTemplateStack(ctx context.Context, was TemplateStack, owner string) error {
	return tx.change(ctx, ErrConflict, stackTake, owner, was.Name, was.Owner, was.Beat)
}

// BeatTemplateStack shows others that the owner of a stack lives. It returns ErrConflict if another server has the stack.
// Every transaction that changes resources of the stack calls it.
func (tx *Tx) BeatTemplateStack(ctx context.Context, name, owner string) error {
	return tx.change(ctx, ErrConflict, stackBeat, name, owner)
}

// FreeTemplateStack ends the ownership of a stack. Another server may have it already.
func (tx *Tx) FreeTemplateStack(ctx context.Context, name, owner string) error {
	return tx.run(ctx, stackFree, name, owner)
}

// PutTemplateResource adds or replaces a resource.
func (tx *Tx) PutTemplateResource(ctx context.Context, r TemplateResource) error {
	return tx.run(ctx, templateResourcePut, r.Stack, r.ID, r.Body)
}

// DeleteTemplateResource removes a resource. The resource may be gone already.
func (tx *Tx) DeleteTemplateResource(ctx context.Context, stack, id string) error {
	return tx.run(ctx, templateResourceDelete, stack, id)
}

// TemplateResources lists the resources of a stack.
func (r *Reader) TemplateResources(ctx context.Context, stack string, limit int) ([]TemplateResource, error) {
	return all(ctx, r, templateResourceList, []any{stack, limit}, func(r row, t *TemplateResource) error {
		return r.scan(&t.Stack, &t.ID, &t.Body)
	})
}
