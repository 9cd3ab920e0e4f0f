package web

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// pretended is an element of a surface without a page.
type pretended struct {
	tag, text string
	attrs     map[string]string
	kids      []*pretended
}

type pretendedSurface struct{ made, moved int }

func (s *pretendedSurface) create(tag string) *pretended {
	s.made++
	return &pretended{tag: tag, attrs: make(map[string]string)}
}
func (s *pretendedSurface) createText(t string) *pretended     { s.made++; return &pretended{text: t} }
func (*pretendedSurface) setText(e *pretended, t string)       { e.text = t }
func (*pretendedSurface) setAttr(e *pretended, name, v string) { e.attrs[name] = v }
func (*pretendedSurface) removeAttr(e *pretended, name string) { delete(e.attrs, name) }
func (*pretendedSurface) remove(parent, child *pretended)      { parent.drop(child) }
func (s *pretendedSurface) insert(p, child *pretended, at int) {
	s.moved++
	p.drop(child) // as insertBefore does, but the place was counted before
	p.kids = slices.Insert(p.kids, min(at, len(p.kids)), child)
}

func (*pretendedSurface) tag(e *pretended) string               { return e.tag }
func (*pretendedSurface) textOf(e *pretended) string            { return e.text }
func (*pretendedSurface) attr(e *pretended, name string) string { return e.attrs[name] }
func (*pretendedSurface) attrNames(e *pretended) []string       { return slices.Collect(maps.Keys(e.attrs)) }
func (*pretendedSurface) kids(e *pretended) []*pretended        { return slices.Clone(e.kids) }

func (e *pretended) drop(child *pretended) {
	e.kids = slices.DeleteFunc(e.kids, func(k *pretended) bool { return k == child })
}

// looksLike checks the surface against the tree.
func (e *pretended) looksLike(n *Node) error {
	if e.tag != n.Tag || e.text != n.Text || len(e.kids) != len(n.Kids) || len(e.attrs) != len(n.Attrs) {
		return fmt.Errorf("%q %q with %d kids, want %q %q with %d", e.tag, e.text, len(e.kids), n.Tag, n.Text, len(n.Kids))
	}
	for _, a := range n.Attrs {
		if e.attrs[a.Name] != a.Value {
			return fmt.Errorf("%s: attribute %s is %q, want %q", e.tag, a.Name, e.attrs[a.Name], a.Value)
		}
	}
	for i, k := range n.Kids {
		if err := e.kids[i].looksLike(k); err != nil {
			return err
		}
	}
	return nil
}

// TestDiffEndsWhereItShould turns random trees into one another.
func TestDiffEndsWhereItShould(t *testing.T) {
	for seed := range uint64(3000) {
		draws := rand.New(rand.NewPCG(seed, 1))
		s := &pretendedSurface{}
		m := mount(s, randomTree(draws, 3))
		for step := range 6 {
			n := randomTree(draws, 3)
			m.update(s, n)
			if err := m.e.looksLike(n); err != nil {
				t.Fatalf("seed %d, step %d: %v", seed, step, err)
			}
		}
	}
}

func randomTree(draws *rand.Rand, deep int) *Node {
	n := &Node{Tag: "div"}
	for _, name := range []string{"class", "id", "title"} {
		if draws.IntN(2) == 0 {
			n.Attrs = append(n.Attrs, Attr{name, fmt.Sprint(draws.IntN(3))})
		}
	}
	if deep == 0 {
		return n
	}
	keys := draws.Perm(6)
	for i := range draws.IntN(6) {
		var k *Node
		switch draws.IntN(4) {
		case 0:
			k = text(fmt.Sprint(draws.IntN(3)))
		case 1:
			k = randomTree(draws, deep-1)
			k.Tag = "p"
		default:
			k = randomTree(draws, deep-1)
			k.Key = fmt.Sprint(keys[i])
		}
		n.Kids = append(n.Kids, k)
	}
	return n
}

func TestDiffKeepsElements(t *testing.T) {
	list := func(keys ...string) *Node {
		n := &Node{Tag: "ul"}
		for _, k := range keys {
			n.Kids = append(n.Kids, el("li", nil, text(k)).with(k))
		}
		return n
	}
	s := &pretendedSurface{}
	m := mount(s, list("a", "b", "c"))
	b := m.e.kids[1]
	s.made, s.moved = 0, 0
	m.update(s, list("x", "a", "b", "c"))
	if s.made != 2 || s.moved != 2 || m.e.kids[2] != b {
		t.Errorf("one more in front: %d made, %d moved", s.made, s.moved)
	}
	s.made, s.moved = 0, 0
	m.update(s, list("a", "b"))
	if s.made != 0 || s.moved != 0 || m.e.kids[1] != b {
		t.Errorf("two less: %d made, %d moved", s.made, s.moved)
	}
}

// TestAdoptEndsWhereItShould adopts random trees as others, and goes on from there. What
// fits stays.
func TestAdoptEndsWhereItShould(t *testing.T) {
	for seed := range uint64(3000) {
		draws := rand.New(rand.NewPCG(seed, 2))
		s := &pretendedSurface{}
		served, n := randomTree(draws, 3), randomTree(draws, 3)
		e := mount(s, served).e
		m := adopt(s, n, e)
		if err := m.e.looksLike(n); err != nil || m.e != e {
			t.Fatalf("seed %d: %v", seed, err)
		}
		n = randomTree(draws, 3)
		m.update(s, n)
		if err := m.e.looksLike(n); err != nil {
			t.Fatalf("seed %d, updated: %v", seed, err)
		}
		s.made = 0
		if adopt(s, n, m.e); s.made != 0 {
			t.Fatalf("seed %d: the same again makes %d elements", seed, s.made)
		}
	}
}
