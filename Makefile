# What also runs in a browser. Tests of the client need a server, which does not.
BROWSER = . ./internal/engine ./jsonstored ./sloglog ./memjournal ./idbjournal ./optimisttest \
	./engagement/web/... ./engagement/transport/browser ./engagement/cmd/page

.PHONY: test race bench lint wasm

test:
	go test work

race:
	go test -race work

bench:
	go test -run '^$$' -bench . -benchmem .

lint:
	test -z "$$(gofmt -l $$(git ls-files '*.go'))"
	go vet work
	GOOS=js GOARCH=wasm go vet $(BROWSER)
	if command -v golangci-lint >/dev/null; then \
		for dir in $$(go list -m -f "{{.Dir}}"); do (cd $$dir && golangci-lint run) || exit 1; done; fi

wasm:
	go test -run TestArchWASMSize -v .
