package list_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// ranked is a list in the order of its server, which ranks as the test says.
func (f *feed) ranked(order list.ServerOrder, rank *string, size int) *list.List[task] {
	return f.list(list.Query[task]{ServerOrder: order, PageSize: size, Pages: func(_ context.Context, after list.After[task], limit int) (list.Page[task], error) {
		var page list.Page[task]
		ids := strings.Fields(*rank)
		for i, id := range ids {
			if id == after.Cursor {
				ids = ids[i:]
				break
			}
		}
		for i, id := range ids {
			if i == limit {
				page.Next = id
				return page, nil
			}
			page.Rows = append(page.Rows, list.Told[task]{ID: id, Truth: f.truth(id)})
		}
		page.End = true
		return page, nil
	}})
}

func TestTheServersOwnOrder(t *testing.T) {
	inFeed(t, 2, map[string]int{"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "x": 1}, func(f *feed) {
		rank := "c a e b d"
		l := f.ranked(list.CreationsFirst, &rank, 2)
		f.follow(l)
		must(t, l.More(f.ctx))
		must(t, l.More(f.ctx))
		f.state(l, "c a e b")
		f.push("x") // no page has placed it
		f.state(l, "c a e b")
		h, err := f.add.Execute(f.ctx, "n", task{"n", 1})
		must(t, err)
		_, err = f.add.Execute(f.ctx, "o", task{"o", 1})
		must(t, err)
		f.state(l, "o n c a e b")
		_, err = h.Wait(f.ctx)
		must(t, err)
		f.state(l, "o n c a e b") // until a page is read that could have them
		time.Sleep(time.Second)
		rank = "n c a e b d o"
		must(t, l.Refetch(f.ctx)) // n c: touches
		f.state(l, "n c a e b")
		must(t, l.More(f.ctx))
		f.state(l, "n c a e b d o")

		rank = "x c n a"
		must(t, l.Refetch(f.ctx)) // x c: n was before c, nobody knows where the rest is
		f.state(l, "x c")
		must(t, l.More(f.ctx))
		f.state(l, "x c n a")
		equal(t, "more", l.Rows().State().More, false)

		f.answer = func(string) (optimist.Truth[task], error) {
			time.Sleep(time.Second)
			return optimist.Truth[task]{}, optimist.Fail(optimist.Permanent, errors.New("no"))
		}
		h, err = f.set.Execute(f.ctx, "c", task{"mine", 1})
		must(t, err)
		rank = "x a n"
		must(t, l.Refetch(f.ctx))
		f.state(l, "c x a") // its user has work in it
		time.Sleep(2 * time.Second)
		h.Discard()
		f.state(l, "x a")
	})
}

func TestCreationsLast(t *testing.T) {
	inFeed(t, 2, map[string]int{"a": 1, "b": 1, "c": 1}, func(f *feed) {
		rank := "c a b"
		l := f.ranked(list.CreationsLast, &rank, 2)
		f.follow(l)
		must(t, l.More(f.ctx))
		h, err := f.add.Execute(f.ctx, "n", task{"n", 1})
		must(t, err)
		f.state(l, "c a n")
		_, err = h.Wait(f.ctx)
		must(t, err)
		f.state(l, "c a") // behind the edge
		rank += " n"
		must(t, l.More(f.ctx))
		f.state(l, "c a b n")
		h, err = f.add.Execute(f.ctx, "m", task{"m", 1})
		must(t, err)
		_, err = h.Wait(f.ctx)
		must(t, err)
		f.state(l, "c a b n m")
		must(t, l.Refetch(f.ctx))
		f.state(l, "c a b n m")
	})
}

func TestAWrongServerOrderIsRefused(t *testing.T) {
	inFeed(t, 2, five, func(f *feed) {
		for name, q := range map[string]list.Query[task]{
			"no pages": {ServerOrder: list.CreationsFirst},
			"order":    {ServerOrder: list.CreationsFirst, Order: mostHours, Pages: f.fetch},
			"unknown":  {ServerOrder: 7, Pages: f.fetch},
			"size":     {PageSize: 10},
			"large":    {PageSize: 1001, Pages: f.fetch},
		} {
			if _, err := list.New(f.tasks, q); !errors.Is(err, optimist.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
