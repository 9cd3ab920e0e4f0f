package web

// servedSurface is a surface that may already show what the server has put there.
type servedSurface[E any] interface {
	surface[E]
	tag(e E) string // empty: a text
	textOf(e E) string
	attrNames(e E) []string
	attr(e E, name string) string // of a name in attrNames
	kids(e E) []E
}

// adopt makes an element that is on the surface into the node, whose tag it has. Elements
// that fit by place and tag stay, with the focus and the typed text in them.
func adopt[E any](s servedSurface[E], n *Node, e E) *mounted[E] {
	m := &mounted[E]{node: n, e: e}
	if n.Tag == "" {
		if s.textOf(e) != n.Text {
			s.setText(e, n.Text)
		}
		return m
	}
	there := make(map[string]bool)
	for _, name := range s.attrNames(e) {
		want, ok := n.attr(name)
		switch {
		case !ok:
			s.removeAttr(e, name)
		case s.attr(e, name) != want:
			s.setAttr(e, name, want)
		}
		there[name] = true
	}
	for _, a := range n.Attrs {
		if !there[a.Name] {
			s.setAttr(e, a.Name, a.Value)
		}
	}
	have := s.kids(e)
	for i, k := range n.Kids {
		if i < len(have) && s.tag(have[i]) == k.Tag {
			m.kids = append(m.kids, adopt(s, k, have[i]))
			continue
		}
		if i < len(have) {
			s.remove(e, have[i])
		}
		kid := mount[E](s, k)
		s.insert(e, kid.e, i)
		m.kids = append(m.kids, kid)
	}
	for _, rest := range have[min(len(n.Kids), len(have)):] {
		s.remove(e, rest)
	}
	return m
}
