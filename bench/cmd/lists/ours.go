package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

type post struct {
	Text  string
	Likes int
}

// field is a store of posts, and how the first of them are read.
type field struct {
	posts *optimist.Store[post]
	like  *optimist.Action[post, int]
	ids   []string
	first func() []string // nil: nobody reads
	after func(id string) // keeps what is kept by hand
}

func newField(rows int) (*field, error) {
	m, err := optimist.New(optimist.Options{MaxPending: 1 << 20, MaxPerEntity: 1 << 20})
	if err != nil {
		return nil, err
	}
	m.SetOnline(false)
	f := &field{posts: optimist.NewStore[post](m, "post")}
	f.like = optimist.Register(f.posts, optimist.Mutation[post, int]{
		Type:  "like",
		Slot:  func(int) string { return "likes" },
		Apply: func(p post, n int) (post, error) { p.Likes = n; return p, nil },
		Send:  func(context.Context, optimist.Call[int]) (t optimist.Truth[post], err error) { return },
	})
	for i := range rows {
		f.ids = append(f.ids, strconv.Itoa(i))
		if err := f.posts.Receive(f.ids[i], optimist.TruthOf(post{"post " + f.ids[i], i * 31 % 1000}, 1)); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// tap is one tap, taken back.
func (f *field) tap(i, value int) error {
	h, err := f.like.Execute(context.Background(), f.ids[i], value)
	if err != nil {
		return err
	}
	f.see(i)
	h.Cancel()
	f.see(i)
	return nil
}

func (f *field) see(i int) {
	if f.after != nil {
		f.after(f.ids[i])
	}
	if f.first != nil {
		f.first()
	}
}

const firstRows = 50

// keepList has a list of the posts.
func (f *field) keepList() error {
	l, err := list.New(f.posts, list.Query[post]{Order: []list.Key[post]{list.Desc(func(_ string, p post) int { return p.Likes })}})
	if err != nil {
		return err
	}
	f.first = func() []string {
		ids := make([]string, 0, firstRows)
		for i, row := range l.Rows().All() {
			if i == firstRows {
				break
			}
			ids = append(ids, row.ID)
		}
		return ids
	}
	return nil
}

// keepSlice keeps a sorted slice by hand, from the views.
func (f *field) keepSlice() error {
	type row struct {
		id   string
		view optimist.View[post]
	}
	order := func(a, b *row) int {
		return cmp.Or(b.view.Value.Likes-a.view.Value.Likes, cmp.Compare(a.id, b.id))
	}
	byID := make(map[string]*row)
	var sorted []*row
	for _, id := range f.ids {
		r := &row{id, f.posts.View(id)}
		byID[id] = r
		sorted = append(sorted, r)
	}
	slices.SortFunc(sorted, order)
	f.after = func(id string) {
		if was := byID[id]; was != nil {
			i, _ := slices.BinarySearchFunc(sorted, was, order)
			sorted = slices.Delete(sorted, i, i+1)
		}
		now := &row{id, f.posts.View(id)}
		i, _ := slices.BinarySearchFunc(sorted, now, order)
		sorted = slices.Insert(sorted, i, now)
		byID[id] = now
	}
	f.first = func() []string {
		ids := make([]string, 0, firstRows)
		for _, r := range sorted[:min(firstRows, len(sorted))] {
			ids = append(ids, r.id)
		}
		return ids
	}
	return nil
}

// right reports whether the first rows are those that the views make.
func (f *field) right() bool {
	ids, likes := slices.Clone(f.ids), make(map[string]int)
	for _, id := range ids {
		likes[id] = f.posts.View(id).Value.Likes
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(likes[b]-likes[a], cmp.Compare(a, b)) })
	return slices.Equal(f.first(), ids[:min(firstRows, len(ids))])
}

func ours(rows, taps int) ([]result, error) {
	var all []result
	var fields []*field
	for _, kept := range []struct {
		name string
		keep func(*field) error
	}{
		{"optimist", (*field).keepList},
		{"a sorted slice, by hand", (*field).keepSlice},
		{"no list, the tap alone", func(*field) error { return nil }},
	} {
		f, err := newField(rows)
		if err != nil {
			return nil, err
		}
		empty := heap()
		if err := kept.keep(f); err != nil {
			return nil, err
		}
		r := result{Name: kept.name, Right: true}
		if f.first != nil {
			r.Row = (heap() - empty) / float64(rows)
		}
		fields, all = append(fields, f), append(all, r)
	}
	took := make([][]float64, len(fields))
	for t := range taps { // in turn, so that the noise of the machine falls on all alike
		for i, f := range fields {
			start := time.Now()
			if err := f.tap(t*7919%rows, t*7919%1000); err != nil {
				return nil, err
			}
			took[i] = append(took[i], micros(start))
		}
	}
	for i, f := range fields {
		all[i].Tap = median(took[i])
		if f.first == nil {
			continue
		}
		if err := f.measure(&all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// measure measures all but taps.
func (f *field) measure(r *result) error {
	h, err := f.like.Execute(context.Background(), f.ids[0], 500)
	if err != nil {
		return err
	}
	f.see(0)
	r.Right = f.right()
	h.Cancel()
	f.see(0)
	r.Right = r.Right && f.right()
	var reads, pages []float64
	for range 200 {
		start := time.Now()
		f.first()
		reads = append(reads, micros(start))
	}
	r.First = median(reads)
	for t := range 20 {
		page := make(map[string]optimist.Truth[post])
		for i := range firstRows {
			id := fmt.Sprintf("new-%d-%d", t, i)
			page[id] = optimist.TruthOf(post{"new", i * 37 % 1000}, 1)
			f.ids = append(f.ids, id)
		}
		start := time.Now()
		if err := f.posts.ReceivePage(page); err != nil {
			return err
		}
		for id := range page {
			if f.after != nil {
				f.after(id)
			}
		}
		f.first()
		pages = append(pages, micros(start))
	}
	r.Page = median(pages)
	r.Right = r.Right && f.right()
	return nil
}

func micros(start time.Time) float64 { return float64(time.Since(start).Nanoseconds()) / 1e3 }

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

func heap() float64 {
	var s runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&s)
	return float64(s.HeapAlloc)
}
