# `make` says what there is to make.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run demo build test test-go test-web web deps generate check format-check lint generated-check tidy-check house compose clean

NODE_MODULES := clients/typescript/node_modules/.package-lock.json web/node_modules/.package-lock.json
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null)

help: ## say this
	@grep -hE '^[a-z-]+:.* ## ' $(MAKEFILE_LIST) | sed -E 's/:.* ## /\t/' | awk -F '\t' '{printf "  make %-16s %s\n", $$1, $$2}'

run: ## run the server here; it needs nothing but Go
	go run ./cmd/doran serve

demo: ## run a fresh server with a few people in it who chat
	go run ./cmd/doran serve --demo

build: ## build ./doran, one static file
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.release=$(VERSION)' -o doran ./cmd/doran

test: deps test-go test-web ## install what the tests need, and run them all

test-go: ## run the tests, with the race detector, against real servers of their own
	go test -race -timeout 9m ./...

test-web: $(NODE_MODULES) ## run the tests of the TypeScript client and of the web client, in a real browser
	cd clients/typescript && npm run --silent check && npm test --silent
	cd web && npm run --silent check && npm test --silent

web: $(NODE_MODULES) ## build the page that is part of the binary, and the types of the API
	cd clients/typescript && npm run --silent generate
	cd web && npm run --silent build

%/node_modules/.package-lock.json: %/package-lock.json
	cd $* && npm ci --no-audit --no-fund
	touch $@

deps: ## install the programs that the tests start, where this user may
	@.ci/deps

generate: ## generate what is generated, from ent/schema
	go generate ./ent

faults: deps ## break everything for SECONDS=60 with real servers and clients; SEED=7 repeats the faults of another run
	go test ./internal/faults -count=1 -v -timeout 0 -run NothingIsLost -args -seconds $(or $(SECONDS),60) -seed $(or $(SEED),0) -users 200 -rate 800 -failpoints every $(FAULTS)

defects: deps ## build known mistakes into the server, and see that they are found
	go test -tags failpoint ./internal/faults -count=1 -v -timeout 20m -run KnownDefects

check: format-check lint generated-check tidy-check house ## everything that is to hold besides the tests

format-check:
	@files=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l); \
	[ -z "$$files" ] || { echo "gofmt would change:" $$files "(gofmt -w them)"; exit 1; }

lint: ## go vet and staticcheck
	go vet ./...
	go tool staticcheck ./...

generated-check: generate
	@[ -z "$$(git status --porcelain -- ent)" ] || { git status --short -- ent; echo "ent/ is not what ent/schema makes: commit what make generate wrote"; exit 1; }

tidy-check:
	go mod tidy -diff

house:
	go test ./internal/house

compose: ## run the server with MySQL, Redis and Mosquitto in containers (first: cp .env.example .env, and fill it in)
	docker compose up --build

clean: ## remove what was built
	rm -f doran
