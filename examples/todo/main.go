// Command todo is a to-do list in a terminal: reorder, filter and counters, right at once
// while a slow server lags behind. A dot marks what the server has not confirmed yet.
//
//	go run ./examples/todo
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

type todo struct {
	Text, Place string // Place is a fractional key: another one fits between any two
	Done        bool
}

// define makes an operation whose argument is the item as it is to be, part by part.
func define(todos *optimist.Store[todo], typ string, kind optimist.Kind, set func(v *todo, a todo)) *optimist.Action[todo, todo] {
	return optimist.Register(todos, optimist.Mutation[todo, todo]{
		Type: typ, Kind: kind,
		Slot:  func(todo) string { return typ },
		Apply: func(v, a todo) (todo, error) { set(&v, a); return v, nil },
		Send: func(ctx context.Context, c optimist.Call[todo]) (optimist.Truth[todo], error) {
			time.Sleep(700 * time.Millisecond) // a request to a slow server
			return optimist.Truth[todo]{}, nil // it says "done" and no more
		},
	})
}

func run(ctx context.Context, in io.Reader, out io.Writer) {
	m, _ := optimist.New(optimist.Options{})
	defer m.Close(ctx)
	todos := optimist.NewStore[todo](m, "todo")
	add := define(todos, "add", optimist.Create, func(v *todo, a todo) { v.Text, v.Place = a.Text, a.Place })
	done := define(todos, "done", optimist.Change, func(v *todo, a todo) { v.Done = a.Done })
	move := define(todos, "move", optimist.Change, func(v *todo, a todo) { v.Place = a.Place })

	byPlace := []list.Key[todo]{list.Asc(func(_ string, v todo) string { return v.Place })}
	open := func(_ string, v todo) bool { return !v.Done }
	all, _ := list.New(todos, list.Query[todo]{Order: byPlace})
	left, _ := list.New(todos, list.Query[todo]{Order: byPlace, Where: open})
	shown := all
	place := func(i int) string { // so that an item comes before the ith row
		lo, hi := "", ""
		if i > 0 {
			lo = shown.Rows().At(i - 1).View.Value.Place
		}
		if i < shown.Rows().Len() {
			hi = shown.Rows().At(i).View.Value.Place
		}
		return between(lo, hi)
	}

	fmt.Fprintln(out, "add TEXT | done N | up N | open | all")
	for lines := bufio.NewScanner(in); lines.Scan(); {
		verb, rest, _ := strings.Cut(lines.Text(), " ")
		n, _ := strconv.Atoi(rest)
		there := n >= 1 && n <= shown.Rows().Len()
		switch {
		case verb == "add":
			add.Execute(ctx, strconv.FormatInt(time.Now().UnixNano(), 36), todo{Text: rest, Place: place(shown.Rows().Len())})
		case verb == "done" && there:
			row := shown.Rows().At(n - 1)
			done.Execute(ctx, row.ID, todo{Done: !row.View.Value.Done})
		case verb == "up" && there && n > 1:
			move.Execute(ctx, shown.Rows().At(n-1).ID, todo{Place: place(n - 2)})
		case verb == "open":
			shown = left
		case verb == "all":
			shown = all
		}
		show(out, shown, all.Rows().Len(), left.Rows().Len())
	}
}

func show(out io.Writer, shown *list.List[todo], all, left int) {
	for i, row := range shown.Rows().All() {
		marks := map[bool]string{true: "x", false: " "}[row.View.Value.Done] + map[bool]string{true: ".", false: " "}[row.View.Pending > 0]
		fmt.Fprintf(out, "%d [%s] %s\n", i+1, marks, row.View.Value.Text)
	}
	fmt.Fprintf(out, "%d of %d left\n", left, all)
}

func main() { run(context.Background(), os.Stdin, os.Stdout) }
