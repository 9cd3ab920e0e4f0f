package list_test

import (
	"context"
	"fmt"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// An order has any number of keys, each of its own type and direction; the ids decide the rest.
func Example_order() {
	type Person struct {
		Name string
		Age  int
	}
	m, _ := optimist.New(optimist.Options{})
	people := optimist.NewStore[Person](m, "person")
	for id, p := range map[string]Person{"1": {"bob", 41}, "2": {"ann", 41}, "3": {"eve", 7}, "4": {"ann", 41}} {
		people.Receive(id, optimist.TruthOf(p, 1))
	}
	byAge, _ := list.New(people, list.Query[Person]{Order: []list.Key[Person]{
		list.Desc(func(_ string, p Person) int { return p.Age }),
		list.Asc(func(_ string, p Person) string { return p.Name }),
	}})
	for i, row := range byAge.Rows().All() {
		fmt.Println(i, row.View.Value.Age, row.View.Value.Name, row.ID)
	}
	byAge.Close()
	m.Close(context.Background())
	// Output:
	// 0 41 ann 2
	// 1 41 ann 4
	// 2 41 bob 1
	// 3 7 eve 3
}
