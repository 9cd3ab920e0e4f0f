module github.com/optimist-go/optimist/bench

go 1.26

require github.com/optimist-go/optimist v0.0.0

replace github.com/optimist-go/optimist => ../
