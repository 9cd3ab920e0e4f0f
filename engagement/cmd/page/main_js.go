package main

import "github.com/optimist-go/optimist/engagement/web"

func main() {
	web.Run()
}
