# Florin. `make demo` shows it, `make test` proves it; the rest is listed by `make help`.
#
# A Debian machine (amd64) with Go, git and make is enough: `setup` fetches the rest. Tools are built from the
# versions pinned in tools/ into a cache outside the checkout, and are skipped when they are there.

GO    ?= go
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.NOTPARALLEL: # two cores: builds one after another
.DEFAULT_GOAL := help

# internal/peer and internal/tidy look in the same places; FLORIN_CACHE moves them.
XDG_CACHE_HOME ?= $(HOME)/.cache
FLORIN_CACHE   ?= $(XDG_CACHE_HOME)/florin
export FLORIN_CACHE

# The version a module is pinned at: $(call pinned,module,go.mod).
pinned = $(shell awk '$$1 == "$(1)" { print $$2 }' $(2))

SQLC        := $(FLORIN_CACHE)/sqlc-$(call pinned,github.com/sqlc-dev/sqlc,tools/go.mod)/sqlc
STATICCHECK := $(FLORIN_CACHE)/staticcheck-$(call pinned,honnef.co/go/tools,tools/go.mod)/staticcheck
GETH        := $(FLORIN_CACHE)/geth-$(call pinned,github.com/ethereum/go-ethereum,tools/geth/go.mod)/geth
NODE        := $(FLORIN_CACHE)/node-$(shell sha256sum tools/node/package-lock.json | cut -c1-12)

# Of one package. All of `make test` takes 25 minutes on two quiet cores; what waits for a real peer waits minutes on a busy one.
TEST_TIMEOUT ?= 40m
SEEDS        ?= 10000

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: ## everything in one process: simulated network, sample shop, a page to pay on (needs Go alone)
	$(GO) run ./cmd/florin demo

.PHONY: build
build: ## bin/florin, static and stripped
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w" -o bin/florin ./cmd/florin

# --- tests -----------------------------------------------------------------------------------------------------------

.PHONY: test
test: setup check ## the one command: set-up, static checks, race tests with every real peer
	$(GO) test -race -timeout $(TEST_TIMEOUT) ./...
	$(GO) test -run 'Seeds|RandomLives' ./internal/sim ./internal/treasury # 500 and 1,000: the race detector would take six times as long

.PHONY: check
check: setup ## format, vet, staticcheck, tidy modules, tree rules and generated files
	@unformatted=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go'))
	if [ -n "$$unformatted" ]; then echo "gofmt these:" $$unformatted; exit 1; fi
	$(GO) vet ./...
	$(STATICCHECK) ./...
	$(GO) mod tidy -diff
	$(GO) test ./internal/tidy

.PHONY: test-quick
test-quick: ## tests that need no peer but Go: no race detector, no PostgreSQL, node or browser
	$(GO) test -short ./...

.PHONY: test-postgres
test-postgres: setup ## the tests that take any store, on PostgreSQL instead of SQLite
	FLORIN_TEST_STORE=postgres $(GO) test -race -timeout $(TEST_TIMEOUT) ./...

.PHONY: sim
sim: ## the simulation, SEEDS=10000 of them; SEED=17 replays one
	FLORIN_SIM_SEEDS=$(SEEDS) FLORIN_SIM_SEED=$(SEED) $(GO) test -count=1 -timeout 0 -v ./internal/sim

.PHONY: soak
soak: setup ## the tests again with the full counts of the threat list: hours
	FLORIN_SOAK=1 $(GO) test -count=1 -timeout 0 ./...

.PHONY: bench
bench: setup build ## floor and subject in turn, one JSON line a result; BENCH="-scenario read" for one (bench/README.md)
	$(GO) run ./bench $(BENCH)

# --- generated code --------------------------------------------------------------------------------------------------

.PHONY: generate
generate: $(SQLC) ## the SQLite schema and the query code, from internal/store/schema/postgres and queries
	$(GO) run ./internal/store/schema/gen internal/store/schema
	cd internal/store && $(SQLC) generate

# --- set-up ----------------------------------------------------------------------------------------------------------

.PHONY: setup
setup: ## fetch and build what the tests need; seconds when it is all there
	@mkdir -p $(FLORIN_CACHE)
	exec 9>$(FLORIN_CACHE)/lock; flock 9 # two checkouts may share the cache
	$(MAKE) -s debian $(SQLC) $(STATICCHECK) $(GETH) $(NODE)

# What comes from Debian: a command, or a path, and the package that has it. The race detector needs a C compiler.
.PHONY: debian
debian:
	@missing=()
	command -v chromium >/dev/null || missing+=(chromium)
	command -v cc >/dev/null || missing+=(gcc libc6-dev)
	command -v npm >/dev/null || missing+=(nodejs npm)
	command -v php >/dev/null || missing+=(php-cli) # a merchant of test/clients is a PHP shop
	for tool in curl openssl sqlite3; do command -v $$tool >/dev/null || missing+=($$tool); done # what docs/*.md call
	ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing+=(postgresql)
	if [ $${#missing[@]} -gt 0 ]; then
		echo "install $${missing[*]}"
		as_root=; [ "$$(id -u)" = 0 ] || as_root=sudo
		$$as_root apt-get update -q
		$$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$${missing[@]}"
	fi

# Each tool is built beside its place and moved there, so that a broken-off build leaves nothing that looks done.
build_tool = @echo "build $(notdir $@) $(2)"; mkdir -p $(dir $@); cd $(1); \
	CGO_ENABLED=0 nice $(GO) build -trimpath -o $@.new $(2); mv $@.new $@

$(SQLC):
	$(call build_tool,tools,github.com/sqlc-dev/sqlc/cmd/sqlc)
$(STATICCHECK):
	$(call build_tool,tools,honnef.co/go/tools/cmd/staticcheck)
$(GETH):
	$(call build_tool,tools/geth,github.com/ethereum/go-ethereum/cmd/geth)

# anvil and cast are plain binaries inside their packages, and solc is a script: no install script needs to run.
$(NODE):
	@echo "install the npm tools"
	rm -rf $@.new; mkdir -p $@.new
	cp tools/node/package.json tools/node/package-lock.json tools/node/.npmrc $@.new/
	cd $@.new && npm ci --ignore-scripts --no-audit --no-fund --loglevel error
	mv $@.new $@
