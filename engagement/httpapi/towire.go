package httpapi

import (
	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

// pageToWire ends the page before it would exceed wire.MaxPageBytes: the store
// counts plain text, and escaping can make it six times as long.
func pageToWire(p engagement.PostPage, sort wire.Sort) wire.Page {
	out := wire.Page{Posts: make([]wire.Truth, 0, len(p.Truths)), Total: p.Total, After: p.After}
	size := 0
	for i, t := range p.Truths {
		truth := t.Wire()
		if size += len(encode(truth)) + len(","); i > 0 && size > wire.MaxPageBytes {
			p.More = true
			break
		}
		out.Posts = append(out.Posts, truth)
	}
	if p.More {
		out.Next = sort.After(out.Posts[len(out.Posts)-1].State.Post).String()
	}
	return out
}
