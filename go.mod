module github.com/optimist-go/optimist

go 1.26
