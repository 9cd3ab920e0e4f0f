package list_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
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
		l := f.begun(f.ranked(list.CreationsFirst, &rank, 2))
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
		l := f.begun(f.ranked(list.CreationsLast, &rank, 2))
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

// later has the server answer in a minute, with a refusal.
func (f *feed) later() {
	f.answer = func(string) (optimist.Truth[task], error) {
		time.Sleep(time.Minute)
		return optimist.Truth[task]{}, optimist.Fail(optimist.Permanent, errNo)
	}
}

func TestAnOwnRowThatEndedLeavesNoPlace(t *testing.T) {
	inFeed(t, 2, map[string]int{"a": 1, "b": 1}, func(f *feed) {
		rank := "a b"
		l := f.begun(f.ranked(list.CreationsFirst, &rank, 2))
		f.later()
		_, err := f.add.Execute(f.ctx, "n", task{"n", 1})
		must(t, err)
		synctest.Wait() // its call has left: the deletion waits
		_, err = f.remove.Execute(f.ctx, "n", "")
		must(t, err)
		f.state(l, "a b")
		time.Sleep(2 * time.Minute)
		equal(t, "pending", f.tasks.View("n").Pending, 0)
		f.write("n", task{"n", 2}) // somebody else's, which no page has placed
		f.push("n")
		f.state(l, "a b")
	})
}

// A creation lies over truth of the same value, which goes: the value of the view stays.
func TestARowBecomesAnOwnOneWithTheSameValue(t *testing.T) {
	inFeed(t, 2, map[string]int{"a": 1, "b": 1, "x": 1}, func(f *feed) {
		rank := "a b"
		l := f.begun(f.ranked(list.CreationsFirst, &rank, 2))
		f.push("x")
		f.later()
		_, err := f.add.Execute(f.ctx, "x", task{"x", 1})
		must(t, err)
		f.state(l, "a b")
		f.erase("x")
		f.push("x")
		f.state(l, "x a b")
	})
}

func TestRowsThatLoseTheirPlacesKeepTheirOrder(t *testing.T) {
	for _, order := range []list.ServerOrder{list.CreationsFirst, list.CreationsLast} {
		inFeed(t, 8, map[string]int{"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1, "x": 1}, func(f *feed) {
			rank := "d b f a e c"
			l := f.begun(f.ranked(order, &rank, 8))
			f.later()
			for id := range strings.FieldsSeq(rank) {
				_, err := f.set.Execute(f.ctx, id, task{id, 2})
				must(t, err)
			}
			rank = "x"
			must(t, l.Refetch(f.ctx))
			if want := "d b f a e c x"; order == list.CreationsFirst {
				f.state(l, want)
			} else {
				f.state(l, "x d b f a e c")
			}
		})
	}
}

// A list that is made while work is pending has own rows in the order in which that began.
func TestAListThatIsMadeLaterHasOwnRowsInTheirOrder(t *testing.T) {
	inFeed(t, 2, nil, func(f *feed) {
		f.m.SetOnline(false)
		const began = "d b f a e c l k m g o n h j i p r q t s"
		for id := range strings.FieldsSeq(began) {
			_, err := f.add.Execute(f.ctx, id, task{id, 1})
			must(t, err)
		}
		rank := ""
		f.state(f.ranked(list.CreationsFirst, &rank, 2), "s t q r p i j h n o g m k l c e a f b d")
		f.state(f.ranked(list.CreationsLast, &rank, 2), began)
		f.m.ClearAll()
	})
}

// A deletion of a creation that is still pending is shown where that was, also by a list
// that is made later.
func TestALeavingOwnRowIsAtTheEndOfOwnRows(t *testing.T) {
	inFeed(t, 2, map[string]int{"a": 1}, func(f *feed) {
		f.later()
		_, err := f.add.Execute(f.ctx, "n", task{"n", 1})
		must(t, err)
		synctest.Wait()
		_, err = f.remove.Execute(f.ctx, "n", "")
		must(t, err)
		l := f.list(list.Query[task]{ServerOrder: list.CreationsFirst, KeepLeaving: true, Pages: func(context.Context, list.After[task], int) (list.Page[task], error) {
			return list.Page[task]{Rows: []list.Told[task]{{ID: "a", Truth: f.truth("a")}}, End: true}, nil
		}})
		must(t, l.More(f.ctx))
		f.state(l, "-n a")
	})
}
