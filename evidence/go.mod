module github.com/optimist-go/optimist/evidence

go 1.26

require (
	github.com/anishathalye/porcupine v1.3.1
	github.com/optimist-go/optimist v0.0.0
	pgregory.net/rapid v1.3.0
)

replace github.com/optimist-go/optimist => ../
