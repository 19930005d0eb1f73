# Everything that is built, run and tested starts here. Each target installs what it lacks.

GO      ?= go
TAGS    := nolibopusfile
BIN     := bin/carillon
# One file that runs on any Linux of this architecture: libopus and libc are inside.
STATIC  := -s -w -linkmode external -extldflags "-static -lopus -lm"
WEB     := web/dist/index.html
WEBSRC  := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*' 2>/dev/null)

BENCH   := test/load/results

export GO_TAGS := $(TAGS)

.PHONY: run build web test test-go test-web test-interop test-conformance test-e2e test-net test-quality fuzz bench bench-full guard lint generate clean

run: build ## build everything and start it on http://localhost:8080
	@./$(BIN) serve

build: $(WEB) ## bin/carillon with the web client inside
	@scripts/install build
	@echo "==> building $(BIN)"
	@$(GO) build -tags $(TAGS),netgo,osusergo -trimpath -ldflags '$(STATIC)' -o $(BIN) ./cmd/carillon

web: $(WEB)

$(WEB): $(WEBSRC)
	@scripts/install node
	@echo "==> building the web client"
	@cd web && npm run --silent build -- --logLevel warn
	@touch $(WEB)

test: ## everything: Go with -race, web client, interop with the SDKs, real browsers, bad networks
	@scripts/test

test-go:
	@scripts/test go

test-web:
	@scripts/test web

test-interop:
	@scripts/test interop

test-conformance: ## the meetings API through six clients; CONFORMANCE_UPDATE=1 writes the report into the docs
	@scripts/test conformance

test-e2e:
	@scripts/test e2e

test-net:
	@scripts/test net

test-quality: ## how calls hold on bad lines, measured in browsers; for a machine that does nothing else
	@scripts/test quality

fuzz: ## a longer run of every fuzz target; FUZZTIME=30s each
	@scripts/fuzz $(or $(FUZZTIME),30s)

bench: build ## forwarding and mixing beside their floors, the meetings API and calls under load; about five minutes
	@$(GO) test -tags $(TAGS) -run '^$$' -bench . -benchmem ./internal/media/...
	@mkdir -p $(BENCH) && rm -f $(BENCH)/quick.jsonl
	@$(GO) run -tags $(TAGS) ./test/load run --quick --out $(BENCH)/quick.jsonl
	@$(GO) run -tags $(TAGS) ./test/load report --in $(BENCH)/quick.jsonl --document -
	@$(GO) run ./test/apiload -binary $(BIN)

# About 40 minutes on a machine that is otherwise idle. What was measured before is kept beside.
bench-full: ## every scenario at every server, into docs/performance.md
	@scripts/bench

guard: ## instructions of the fast path, against the recorded number
	@scripts/test guard

lint:
	@$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@latest run --build-tags $(TAGS)
	@cd web && npm run --silent lint

generate: ## protobuf and GraphQL code
	@$(GO) generate -tags $(TAGS) ./...

clean:
	rm -rf bin web/dist/assets web/dist/index.html
