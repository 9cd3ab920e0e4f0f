package web

// surface shows nodes: it is a page, or a simulated page in tests. E is an element
// or a text on it.
type surface[E any] interface {
	create(tag string) E
	createText(s string) E
	setText(e E, s string)
	setAttr(e E, name, value string)
	removeAttr(e E, name string)
	insert(parent, child E, at int) // before the kid at this place, or last
	remove(parent, child E)
}

// mounted is a node that is on the surface.
type mounted[E any] struct {
	node *Node
	e    E
	kids []*mounted[E]
}

func mount[E any](s surface[E], n *Node) *mounted[E] {
	m := &mounted[E]{node: n}
	if n.Tag == "" {
		m.e = s.createText(n.Text)
		return m
	}
	m.e = s.create(n.Tag)
	for _, a := range n.Attrs {
		s.setAttr(m.e, a.Name, a.Value)
	}
	for i, k := range n.Kids {
		kid := mount(s, k)
		s.insert(m.e, kid.e, i)
		m.kids = append(m.kids, kid)
	}
	return m
}

// fits reports whether the element can be changed into the node.
func (m *mounted[E]) fits(n *Node) bool { return m.node.Tag == n.Tag && m.node.Key == n.Key }

// update changes the element into the node, which fits.
func (m *mounted[E]) update(s surface[E], n *Node) {
	old := m.node
	m.node = n
	if n.Tag == "" {
		if old.Text != n.Text {
			s.setText(m.e, n.Text)
		}
		return
	}
	for _, a := range n.Attrs {
		if was, ok := old.attr(a.Name); !ok || was != a.Value {
			s.setAttr(m.e, a.Name, a.Value)
		}
	}
	for _, a := range old.Attrs {
		if _, ok := n.attr(a.Name); !ok {
			s.removeAttr(m.e, a.Name)
		}
	}
	m.updateKids(s, n.Kids)
}

// updateKids keeps the element of each kid whose key (or place, without a key)
// existed before, so that focus, selection and typed text stay.
func (m *mounted[E]) updateKids(s surface[E], want []*Node) {
	keyed := make(map[string]*mounted[E])
	for _, k := range m.kids {
		if k.node.Key != "" {
			keyed[k.node.Key] = k
		}
	}
	have := m.kids
	m.kids = make([]*mounted[E], 0, len(want))
	used := make(map[*mounted[E]]bool, len(want))
	place := 0 // in have, for kids without a key
	for _, n := range want {
		var k *mounted[E]
		if n.Key != "" {
			k = keyed[n.Key]
		} else {
			for place < len(have) && (have[place].node.Key != "" || used[have[place]]) {
				place++
			}
			if place < len(have) {
				k = have[place]
			}
		}
		if k == nil || used[k] || !k.fits(n) {
			k = mount(s, n)
		} else {
			k.update(s, n)
		}
		used[k] = true
		m.kids = append(m.kids, k)
	}
	order := have[:0:0]
	for _, k := range have {
		if used[k] {
			order = append(order, k)
		} else {
			s.remove(m.e, k.e)
		}
	}
	// order is the present order on the surface; bring it to the order of m.kids,
	// with the fewest moves that a single pass can find.
	for i, k := range m.kids {
		if i < len(order) && order[i] == k {
			continue
		}
		for j := i; j < len(order); j++ {
			if order[j] == k {
				order = append(order[:j:j], order[j+1:]...)
				break
			}
		}
		s.insert(m.e, k.e, i)
		order = append(order[:i:i], append([]*mounted[E]{k}, order[i:]...)...)
	}
}
