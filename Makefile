# Two commands do everything: `make dev` runs the server, `make test` installs
# what the tests need and runs them all. The others are parts of those, or for
# people who change the code.

GO        ?= go
# Tests talk to servers and to programs in other languages, which Go's test
# cache does not see: hence -count=1.
TESTFLAGS ?= -count=1 -timeout=45m
# Arguments for the server (`make dev ARGS='--listen 127.0.0.1:9000'`) or for
# the benchmark.
ARGS      ?=

GOVULNCHECK := v1.1.4
GOLANGCI  := $(GO) tool -modfile=tools/go.mod golangci-lint

.DEFAULT_GOAL := help
.PHONY: help dev example test test-go test-clients deps vet lint race bench failover screenshots generate generated vuln build release clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: build ## run the server for development: embedded database, loopback only
	@exec bin/cognate dev $(ARGS)

example: ## the example relying party on http://localhost:3000; it needs a running `make dev`
	npm ci --prefix examples/relying-party --no-progress --loglevel=error
	node examples/relying-party/start.mjs

test: deps vet ## install what the tests need and run them all, on both engines
	scripts/with-postgres -volatile $(GO) test $(TESTFLAGS) ./...

test-go: vet ## the Go tests without the clients in other languages
	scripts/with-postgres -volatile $(GO) test $(TESTFLAGS) $$($(GO) list ./... | grep -vE '^cognate/test/(clients|functions)$$')

test-clients: deps ## only the clients and handlers in other languages: AWS CLI, boto3, Node.js
	scripts/with-postgres -volatile $(GO) test $(TESTFLAGS) -v ./test/clients ./test/functions

deps: ## install the packages that the tests need (Debian, npm, Go modules)
	scripts/deps
	$(GO) mod download

vet:
	$(GO) vet ./...

lint: ## golangci-lint, built from source on first use
	$(GOLANGCI) run ./...

race: deps ## the tests of the internal packages with the race detector, and each of their benchmarks once
	CGO_ENABLED=1 scripts/with-postgres -volatile $(GO) test -race -count=1 -timeout=40m ./internal/...
	scripts/with-postgres -volatile $(GO) test -run '^$$' -bench . -benchtime=1x ./internal/...

vuln: ## govulncheck, where the database of vulnerabilities can be reached
	$(GO) run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK) ./...

bench: ## the server's CPU time for each operation, as a ratio to its floor
	scripts/with-postgres $(GO) run ./test/bench $(ARGS)

failover: ## freeze, kill and replace PostgreSQL under sign-ins behind HAProxy, and print what was answered
	$(GO) run ./test/failover $(ARGS)

screenshots: build ## the pictures of docs/pages, of every login page in every state
	scripts/screenshots

generate: ## write the generated code
	$(GO) generate ./...

generated: generate ## fail if what is committed is not what `make generate` writes
	git diff --exit-code

build: ## a static, stripped binary: bin/cognate
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o bin/cognate ./cmd/cognate

release: ## the binaries of a release, their bills of materials and checksums, in dist/
	GO='$(GO)' scripts/release

clean: ## remove what the other targets left in the tree
	rm -rf bin dist .cache test/js/node_modules
