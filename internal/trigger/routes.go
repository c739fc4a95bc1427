package trigger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Routes is the content of the file that says how functions are run and how codes
// are encrypted.
type Routes struct {
	// Functions by ARN or name.
	Functions map[string]Route `yaml:"functions"`
	// Keys by the KMSKeyID of pools.
	Keys map[string]Key `yaml:"keys"`
}

// Route says how one function is run: exactly one of Webhook, Lambda and Folder.
type Route struct {
	// Webhook is a URL, and Secret signs its requests.
	Webhook string `yaml:"webhook"`
	Secret  Secret `yaml:"secret"`
	// Lambda is the URL of an endpoint that speaks the Lambda API. Function is the
	// function's name there, if it is not the ARN.
	Lambda   string `yaml:"lambda"`
	Function string `yaml:"function"`
	// Folder is the name of a function in the folder of functions.
	Folder string `yaml:"folder"`
}

// ParseRoutes reads the file. It rejects unknown members.
func ParseRoutes(text []byte) (Routes, error) {
	var r Routes
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&r); err != nil && !errors.Is(err, io.EOF) {
		return Routes{}, err
	}
	if err := dec.Decode(new(any)); !errors.Is(err, io.EOF) {
		return Routes{}, errors.New("must hold one document")
	}
	for name, route := range r.Functions {
		if err := route.check(name); err != nil {
			return Routes{}, fmt.Errorf("functions: %s: %w", name, err)
		}
	}
	for name, key := range r.Keys {
		if err := key.check(name); err != nil {
			return Routes{}, fmt.Errorf("keys: %s: %w", name, err)
		}
	}
	return r, nil
}

// Secrets reports whether the file holds secrets.
func (r Routes) Secrets() bool {
	for _, route := range r.Functions {
		if route.Secret != "" {
			return true
		}
	}
	return len(r.Keys) > 0
}

func (r Route) check(name string) error {
	if strings.HasPrefix(name, "arn:") {
		if _, err := ParseARN(name); err != nil {
			return err
		}
	}
	set := 0
	for _, s := range []string{r.Webhook, r.Lambda, r.Folder} {
		if s != "" {
			set++
		}
	}
	switch {
	case set != 1:
		return errors.New("give one of webhook, lambda and folder")
	case r.Secret != "" && r.Webhook == "":
		return errors.New("secret is for webhook")
	case r.Function != "" && r.Lambda == "":
		return errors.New("function is for lambda")
	case r.Lambda != "" && !strings.HasPrefix(r.Lambda, "https://") && !strings.HasPrefix(r.Lambda, "http://"):
		return errors.New("lambda must be a URL")
	}
	return nil
}
