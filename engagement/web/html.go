package web

import "strings"

// escape is a function and not a variable: a page in the browser, which never writes
// HTML, then does not carry it.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(text)
}

// empty elements have no end. Those of a drawing have one: without it, the next would be in them.
var empty = map[string]bool{"input": true, "br": true, "meta": true, "link": true}

// HTML is the node as markup, for pages that are made on the server.
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
