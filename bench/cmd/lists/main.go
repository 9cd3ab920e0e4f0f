// Command lists measures lists beside those of the rivals that have them, and beside a sorted
// slice that a program keeps by hand. It needs Node, and the rivals as command compare installs
// them (or npm ci in bench/rivals). It prints a table: medians, and in brackets ratios to ours.
//
//	go run ./bench/cmd/lists [-rows n] [-taps n] [-rivals=false]
//
// A tap gives a post another number of likes, which moves it in a list of all posts, the most
// liked first; it is then taken back. After both the first 50 rows are read.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// result is what is measured of one list, in microseconds and bytes. 0: not measured.
type result struct {
	Name  string  `json:"name"`
	Right bool    `json:"right"`
	Tap   float64 `json:"tap"`
	First float64 `json:"first"`
	Page  float64 `json:"page"`
	Row   float64 `json:"row"`
}

func main() {
	rows := flag.Int("rows", 10_000, "posts in the list")
	taps := flag.Int("taps", 2000, "taps of ours; the rivals get a fiftieth")
	rivals := flag.Bool("rivals", true, "measure the rivals too")
	flag.Parse()
	if err := run(*rows, *taps, *rivals); err != nil {
		fmt.Fprintln(os.Stderr, "lists:", err)
		os.Exit(1)
	}
}

func run(rows, taps int, rivals bool) error {
	all, err := ours(rows, taps)
	if err != nil {
		return err
	}
	if rivals {
		theirs, err := theirs(rows, max(taps/50, 5))
		if err != nil {
			return err
		}
		all = append(all, theirs...)
	}
	fmt.Printf("%d rows:\n\n| list | right | tap and back, µs | first 50, µs | page of 50, µs | bytes a row |\n|---|---|---|---|---|---|\n", rows)
	for _, r := range all {
		right := "✗"
		if r.Right {
			right = "✓"
		}
		fmt.Printf("| %s | %s | %s | %s | %s | %s |\n", r.Name, right,
			beside(r.Tap, all[0].Tap), beside(r.First, all[0].First), beside(r.Page, all[0].Page), beside(r.Row, all[0].Row))
	}
	return nil
}

// beside is a figure with its ratio to ours.
func beside(f, ours float64) string {
	switch {
	case f <= 0:
		return ""
	case f == ours || ours <= 0:
		return figure(f)
	}
	return figure(f) + " [" + figure(f/ours) + "]"
}

func figure(f float64) string {
	if f < 100 {
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'f', 0, 64)
}

func theirs(rows, taps int) (all []result, err error) {
	node := exec.Command("node", "--expose-gc", "lists.mjs", strconv.Itoa(rows), strconv.Itoa(taps))
	node.Dir = "bench/rivals"
	var stderr bytes.Buffer
	node.Stderr = &stderr
	out, err := node.Output()
	if err != nil {
		return nil, fmt.Errorf("node lists.mjs, from the root of the checkout: %w\n%s", err, &stderr)
	}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var r result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}
