.PHONY: test race bench lint wasm

test:
	go test work

race:
	go test -race -timeout 30m work

bench:
	go test -run '^$$' -bench . -benchmem .

lint:
	.ci/lint

wasm:
	go test -run TestArchWASMSize -v .
