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
	GOOS=js GOARCH=wasm go vet . ./internal/engine ./jsonstored ./sloglog ./optimisttest
	if command -v golangci-lint >/dev/null; then golangci-lint run; fi

wasm:
	go test -run TestArchWASMSize -v .
