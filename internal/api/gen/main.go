// Command gen reads the interface tables of a service and writes its Go package:
// shapes, decoding, validation, encoding, operations, errors and the Service
// interface. go generate runs it, and its output is committed.
//
// It knows the form of the tables and of Go, not the meaning of operations.
package main

import (
	"flag"
	"log"
	"os"
	"path/filepath"
)

// services are the tables and the packages made from them.
var services = []struct{ Table, Package string }{
	{"cognito-idp", "idp"},
	{"cognito-identity", "identity"},
	{"sts", "sts"},
	{"iam", "iamapi"},
	{"cloudtrail", "cloudtrail"},
}

func main() {
	log.SetFlags(0)
	tables := flag.String("tables", "tables", "directory of the interface tables")
	out := flag.String("out", ".", "directory to write the packages into")
	flag.Parse()
	for _, s := range services {
		files, err := generate(filepath.Join(*tables, s.Table+".json"), s.Package)
		if err != nil {
			log.Fatalf("gen: %s: %v", s.Table, err)
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(*out, s.Package, name), text, 0o644); err != nil {
				log.Fatal(err)
			}
		}
	}
}
