package web

import "strings"

// escape is a function and not a variable: the linker then leaves it out of the
// page's program, which never writes HTML.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(text)
}

// empty elements have no end. Elements of a drawing have one: without it, the
// following elements would be inside them.
var empty = map[string]bool{"input": true, "br": true, "meta": true, "link": true}

// HTML returns the node as markup, for pages that the server makes.
func (n *Node) HTML() string {
	var b strings.Builder
	n.write(&b)
	return b.String()
}

func (n *Node) write(b *strings.Builder) {
	if n.Tag == "" {
		b.WriteString(escape(n.Text))
		return
	}
	b.WriteString("<" + n.Tag)
	for _, a := range n.Attrs {
		b.WriteString(" " + a.Name + `="`)
		b.WriteString(escape(a.Value))
		b.WriteByte('"')
	}
	b.WriteByte('>')
	if empty[n.Tag] {
		return
	}
	for _, k := range n.Kids {
		k.write(b)
	}
	b.WriteString("</" + n.Tag + ">")
}
