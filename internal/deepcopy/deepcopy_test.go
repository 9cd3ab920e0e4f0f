package deepcopy

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

type leaf struct {
	N    int
	Tags []string
	At   time.Time
}

type tree struct {
	Name  string
	Left  *tree
	Leafs map[string]leaf
	Two   [2]*int
	note  string
}

// check asks about type A.
func check[A any](t *testing.T) (flat bool) {
	t.Helper()
	flat, err := Check(reflect.TypeFor[A]())
	if err != nil {
		t.Fatal(err)
	}
	return flat
}

func TestDeepcopy_SharesNothing(t *testing.T) {
	if check[tree](t) {
		t.Error("a tree is no flat type")
	}
	one := 1
	at := time.Now()
	from := tree{
		Name: "root", Left: &tree{Name: "left"}, Leafs: map[string]leaf{"a": {1, []string{"x"}, at}},
		Two: [2]*int{&one, nil}, note: "kept",
	}
	var to tree
	Into(&to, &from)
	if !reflect.DeepEqual(from, to) {
		t.Fatalf("the copy differs: %+v", to)
	}
	from.Left.Name, from.Leafs["a"].Tags[0], *from.Two[0] = "changed", "changed", 2
	from.Leafs["b"] = leaf{}
	if to.Left.Name != "left" || to.Leafs["a"].Tags[0] != "x" || *to.Two[0] != 1 || len(to.Leafs) != 1 {
		t.Errorf("the copy shares something: %+v", to)
	}
}

func TestDeepcopy_AFlatTypeRefersToNothing(t *testing.T) {
	flat := check[struct {
		A [3]int
		b string
		T time.Time
	}](t)
	if !flat {
		t.Error("numbers, strings and times are flat")
	}
	if check[[1]*int](t) {
		t.Error("a pointer is not flat")
	}
}

func TestDeepcopy_WhatHidesReferencesIsRefused(t *testing.T) {
	refused := map[string]error{}
	_, refused["a chan has no copy"] = Check(reflect.TypeFor[chan int]())
	_, refused["a func has no copy"] = Check(reflect.TypeFor[struct{ F func() }]())
	_, refused["may hold anything"] = Check(reflect.TypeFor[[]any]())
	_, refused["not exported and has references"] = Check(reflect.TypeFor[struct{ s []int }]())
	_, refused["has references"] = Check(reflect.TypeFor[map[*int]int]())
	for want, err := range refused {
		if err == nil {
			t.Errorf("%s: it is not refused", want)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("it is refused for %q, want %q", err, want)
		}
	}
}

type ring struct{ Next *ring }

func TestDeepcopy_AValueThatRefersToItselfPanics(t *testing.T) {
	check[*ring](t)
	r := &ring{}
	r.Next = r
	defer func() {
		if recover() == nil {
			t.Error("it did not panic")
		}
	}()
	var to *ring
	Into(&to, &r)
}
