LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZ ?= 100000x
DEATHS ?= 10000
SEEDS ?= 1000

.DEFAULT_GOAL := help
.PHONY: help build fmt lint test check scenarios loopback virtual docker images golden fuzz cover mutants seeds explore clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the binaries into bin/
	go build -o bin/ ./cmd/...

fmt: ## format all Go files
	gofmt -w .

lint: ## run the linters of .golangci.yml
	go run $(LINT) run

test: ## run all tests, the library in virtual time included
	go test ./...

check: ## run the whole gate, as before a change goes in
	.ci/run

scenarios: ## play the library in both worlds as by default, write out/latest/index.html
	go run ./cmd/deadair replay

loopback: ## play the whole library on real sockets and processes
	go run ./cmd/deadair replay --world loopback --all

virtual: ## play the whole library in virtual time
	go run ./cmd/deadair replay --world virtual

images: ## make the images of the docker world and what plays in it; again after each change
	go run ./cmd/deadair-docker images

docker: images ## play the incidents and the guarantees in containers
	go run ./cmd/deadair replay 2014-10-02 2014-08-20 dropped-connection recorder-down balancer-down --world docker

golden: ## write the golden files anew; look at the diff
	@for dir in $$(grep -rl --include='*_test.go' 'flag.Bool("update"' . | xargs -n1 dirname | sort -u); do go test "$$dir" -update || exit 1; done

fuzz: ## fuzz every parser with FUZZ (100000x) inputs each
	@grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9]*' . | sort | while IFS=: read -r file name; do \
		go test -run '^$$' -fuzz "^$${name#func }\$$" -fuzztime $(FUZZ) "$$(dirname "$$file")" || exit 1; done

cover: ## measure what the tests cover, write out/cover.html
	@mkdir -p out
	go test -coverpkg=./... -coverprofile=out/cover.out ./...
	go tool cover -html=out/cover.out -o out/cover.html
	@go tool cover -func=out/cover.out | tail -1

seeds: ## play the guarantees of 2014 with SEEDS (1000) seeds, each twice
	go test -v -timeout 3h -run TestSeeds ./scenarios -seeds $(SEEDS)

mutants: ## play every variant that must fail, with another seed
	.ci/mutants

explore: ## kill recorders DEATHS (10000) times while they record, finish and publish
	go test -v -timeout 30m -run TestNoKillLosesOrDoublesAShow ./balancer/recorder -deaths $(DEATHS)

clean: ## remove what builds and runs left in the checkout
	rm -rf bin out
