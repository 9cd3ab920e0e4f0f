package web

import (
	"slices"
	"strings"
)

// Node is an element of the page, or a text when Tag is empty.
type Node struct {
	Tag   string
	Text  string // of a text
	Key   string // identifies it among siblings; empty: its place does
	Attrs []Attr
	Kids  []*Node
}

// Attr is an attribute. Names are unique within an element.
type Attr struct{ Name, Value string }

// text returns a text node. All texts of people go through this function.
func text(s string) *Node { return &Node{Text: s} }

// el returns an element. Its class follows the tag after a dot. attrs are names and values
// in turn; an attribute with an empty name is left out. A button gets type="button" unless
// attrs set another type.
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

// maybe returns the node if show is true, else nil.
func maybe(show bool, n *Node) *Node {
	if show {
		return n
	}
	return nil
}

// when returns the attribute's name if on is true, for use in el.
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
