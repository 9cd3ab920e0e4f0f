package list_test

import (
	"context"
	"fmt"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

type User struct{ Name string }

// A feed of posts, each with its author, who is an entity of another store. A new name, also
// one that the server has still to confirm, is in all rows of the author at once.
func ExampleJoin() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	posts := optimist.NewStore[Post](m, "post")
	users := optimist.NewStore[User](m, "user")
	rename := optimist.Register(users, optimist.Mutation[User, string]{
		Type:  "rename",
		Slot:  func(string) string { return "name" },
		Apply: func(u User, name string) (User, error) { u.Name = name; return u, nil },
		Send: func(context.Context, optimist.Call[string]) (optimist.Truth[User], error) {
			return optimist.Truth[User]{}, nil
		},
	})
	users.Receive("u1", optimist.TruthOf(User{"Ann"}, 1))
	posts.Receive("1", optimist.TruthOf(Post{Author: "u1", Likes: 3}, 1))
	posts.Receive("2", optimist.TruthOf(Post{Author: "u2", Likes: 9}, 1))
	posts.Receive("3", optimist.TruthOf(Post{Author: "u1", Likes: 5}, 1))

	author := list.Join(users, func(_ string, p Post) string { return p.Author })
	feed, _ := list.New(posts, list.Query[Post]{
		Order: []list.Key[Post]{list.Desc(func(_ string, p Post) int { return p.Likes })},
		Joins: []list.AnyJoin[Post]{author},
	})
	for splice := range feed.Watch(ctx) {
		if splice.Reset {
			for i, row := range splice.Rows.All() {
				fmt.Printf("%d %v %q\n", i, author.Of(row).Presence, author.Of(row).Value.Name)
			}
			rename.Execute(ctx, "u1", "Anna")
			continue
		}
		for _, e := range splice.Edits {
			fmt.Println(e.Kind, e.At, author.Of(e.Row).Value.Name, "pending:", author.Of(e.Row).Pending)
		}
		break
	}
	feed.Close()
	m.Close(ctx)
	// Output:
	// 0 not loaded ""
	// 1 present "Ann"
	// 2 present "Ann"
	// mark 2 Anna pending: 1
	// mark 1 Anna pending: 1
}
