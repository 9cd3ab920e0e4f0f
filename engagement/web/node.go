package web

import (
	"slices"
	"strings"
)

// Node is an element of the page, or a text when Tag is empty.
type Node struct {
	Tag   string
	Text  string // of a text
	Key   string // tells siblings apart; empty: by place
	Attrs []Attr
	Kids  []*Node
}

// Attr is an attribute. Names are unique within an element.
type Attr struct{ Name, Value string }

// text is a text node. What people wrote goes through here and nowhere else.
func text(s string) *Node { return &Node{Text: s} }

// el is an element. Its class follows the tag after a dot. attrs are names and values in
// turn; one whose name is empty is left out. A button does nothing by itself, unless it is
// of another type.
func el(tag string, attrs []string, kids ...*Node) *Node {
	tag, class, _ := strings.Cut(tag, ".")
	n := &Node{Tag: tag, Attrs: make([]Attr, 0, len(attrs)/2+2)}
	if tag == "button" && !slices.Contains(attrs, "type") {
		attrs = append([]string{"type", "button"}, attrs...)
	}
	attrs = append([]string{when(class != "", "class"), class}, attrs...)
	for i := 0; i+1 < len(attrs); i += 2 {
		if attrs[i] != "" {
			n.Attrs = append(n.Attrs, Attr{attrs[i], attrs[i+1]})
		}
	}
	n.Kids = slices.DeleteFunc(kids, func(k *Node) bool { return k == nil })
	return n
}

// with sets the node's key.
func (n *Node) with(key string) *Node {
	n.Key = key
	return n
}

// maybe is the node, or nothing.
func maybe(show bool, n *Node) *Node {
	if show {
		return n
	}
	return nil
}

// when is the attribute's name if it is wanted, to be used in el.
func when(on bool, name string) string {
	if on {
		return name
	}
	return ""
}

// attr returns an attribute's value.
func (n *Node) attr(name string) (string, bool) {
	for _, a := range n.Attrs {
		if a.Name == name {
			return a.Value, true
		}
	}
	return "", false
}
