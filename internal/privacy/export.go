package privacy

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cognate/internal/store"
	"cognate/internal/user/userimport"
)

// Format and Version name the schema of a Document. A change that a reader of the earlier schema
// would misread has a new version.
const (
	Format  = "cognate.person"
	Version = 1
)

// A Document is everything that is held about a person, for the person. docs/privacy.md describes
// it.
type Document struct {
	Format    string    `json:"format"`
	Version   int       `json:"version"`
	CreatedAt time.Time `json:"createdAt"`
	Person    Person    `json:"person"`
	// Sections have one entry for each kind of data, also for a kind of which nothing is held.
	Sections map[string]Section `json:"sections"`
	// NotAssigned lists data that exists and cannot be assigned to a person.
	NotAssigned []Unassigned `json:"notAssigned"`
	// ImportFiles are files of imports that may name the person.
	ImportFiles []userimport.WaitingFile `json:"importFiles,omitempty"`
}

// A Person identifies the user of the document.
type Person struct {
	UserPool string `json:"userPool"`
	Sub      string `json:"sub"`
	Username string `json:"username,omitempty"`
}

// A Section is one kind of data.
type Section struct {
	About   string `json:"about"`
	Records []any  `json:"records"`
	// Rows is how many rows of each table of the database the records show.
	Rows map[string]int `json:"rows"`
	// Kept says for each table when a row goes by itself.
	Kept map[string]string `json:"kept"`
}

// Unassigned is data in which no row can be found by a person.
type Unassigned struct {
	Table string `json:"table"`
	Holds string `json:"holds"`
	Life  string `json:"goes"`
}

// A reading is what a section reads: the records, and the rows of tables that they show.
type reading struct {
	records []any
	rows    map[string]int
}

// add adds a record that shows a row of the table.
func (o *reading) add(table string, record any) {
	o.records = append(o.records, record)
	o.count(table, 1)
}

func (o *reading) count(table string, n int) {
	if o.rows == nil {
		o.rows = map[string]int{}
	}
	o.rows[table] += n
}

// Export returns everything that is held about the user with a sign-in name or a sub. The user may
// be gone, if the sub is known. It reads one snapshot of the database.
func (s *Service) Export(ctx context.Context, poolID, name string) (*Document, error) {
	p, err := s.find(ctx, poolID, name)
	if err != nil {
		return nil, err
	}
	doc := &Document{
		Format: Format, Version: Version, CreatedAt: s.deps.Now().UTC(),
		Person: Person{UserPool: p.pool.ID, Sub: p.id}, Sections: map[string]Section{},
	}
	if p.user != nil {
		doc.Person.Username = p.user.Username()
	}
	err = s.deps.Store.View(ctx, func(r *store.Reader) error {
		for _, section := range sections {
			o, err := section.read(ctx, s, r, p)
			if err != nil {
				return fmt.Errorf("%s: %w", section.name, err)
			}
			doc.Sections[section.name] = newSection(section, o)
		}
		doc.ImportFiles, err = userimport.WaitingFiles(ctx, r, p.pool.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, t := range Tables {
		if t.Erasure == Expiring {
			doc.NotAssigned = append(doc.NotAssigned, Unassigned{t.Name, t.Holds, t.Life})
		}
	}
	return doc, nil
}

func newSection(d sectionReader, o reading) Section {
	out := Section{About: d.about, Records: slices.Clip(o.records), Rows: map[string]int{}, Kept: map[string]string{}}
	if out.Records == nil {
		out.Records = []any{}
	}
	for _, t := range tablesOf(d.name) {
		out.Rows[t.Name] = o.rows[t.Name]
		out.Kept[t.Name] = "until the user is deleted"
		if t.Life != "" {
			out.Kept[t.Name] = t.Life
		}
	}
	return out
}
