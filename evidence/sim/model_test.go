package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/optimist-go/optimist"
)

// Post is the state of an entity. Maps are never changed in place.
type Post struct {
	Title    string
	Flags    map[string]bool   // those that are on: "like u0", "star u1"
	Tokens   map[string]bool   // of visits and pairs; each is added once and never removed
	Comments map[string]string // by id
}

// Args are the arguments of every operation.
type Args struct {
	Key    string // flag, token or comment
	Text   string // title or text of a comment
	On     bool
	Other  string // second entity of a pair
	Poison bool   // the server refuses it for good
	Broken bool   // the server fails whenever it is asked for it
	Note   string // to which it refers, by either id
	Back   bool   // it takes another operation back
}

// The types of operations.
const (
	like   = "like"   // sets a flag; a slot each
	star   = "star"   // the same, in memory only
	title  = "title"  // one slot that all clients write
	visit  = "visit"  // adds a token; no slot
	create = "create" // a comment; parks when refused
	edit   = "edit"
	remove = "remove"
	pair   = "pair"  // a group: adds a token in two entities
	write  = "write" // makes a post, with its title
	erase  = "erase" // removes a post
)

func equalPosts(a, b Post) bool {
	return a.Title == b.Title && maps.Equal(a.Flags, b.Flags) && maps.Equal(a.Tokens, b.Tokens) && maps.Equal(a.Comments, b.Comments)
}

func (p Post) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q", p.Title)
	for _, k := range slices.Sorted(maps.Keys(p.Flags)) {
		b.WriteString(" " + strings.ReplaceAll(k, " ", ":"))
	}
	for _, k := range slices.Sorted(maps.Keys(p.Tokens)) {
		b.WriteString(" +" + k)
	}
	for _, k := range slices.Sorted(maps.Keys(p.Comments)) {
		fmt.Fprintf(&b, " %s=%q", k, p.Comments[k])
	}
	return b.String()
}

// effect is the effect of an operation on a post.
func effect(typ string, p Post, a Args) Post {
	switch typ {
	case like, star:
		p.Flags = maps.Clone(p.Flags)
		if delete(p.Flags, a.Key); a.On {
			p.Flags = with(p.Flags, a.Key, true)
		}
	case title, write:
		p.Title = a.Text
	case erase:
		p = Post{}
	case visit, pair:
		p.Tokens = with(p.Tokens, a.Key, true)
	case create, edit:
		p.Comments = with(p.Comments, a.Key, a.Text)
	case remove:
		p.Comments = maps.Clone(p.Comments)
		delete(p.Comments, a.Key)
	}
	return p
}

// exists says whether a post is there after an operation, and whether the operation can be
// done at all.
func exists(typ string, there bool) (after, possible bool) {
	switch typ {
	case write:
		return true, !there
	case erase:
		return false, true
	}
	return there, there
}

func with[V any](m map[string]V, key string, v V) map[string]V {
	out := make(map[string]V, len(m)+1)
	maps.Copy(out, m)
	out[key] = v
	return out
}

// slotOf names the piece of the post that an operation writes; empty: one that nobody
// else writes.
func slotOf(typ string, a Args) string {
	switch typ {
	case like, star:
		return a.Key
	case title, write:
		return "title"
	case create, edit, remove:
		return "comment " + a.Key
	}
	return ""
}

func stored() optimist.Stored[Args] {
	return optimist.Stored[Args]{
		Version: 1,
		Encode:  func(a Args) ([]byte, error) { return json.Marshal(a) },
		Decode: func(_ int, data []byte) (a Args, err error) {
			err = json.Unmarshal(data, &a)
			return a, err
		},
	}
}
