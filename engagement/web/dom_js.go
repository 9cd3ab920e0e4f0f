package web

import (
	"slices"
	"syscall/js"
)

// dom puts nodes on the page. It is used by one goroutine at a time: the App's lock
// is held while it paints.
type dom struct {
	document js.Value
	regions  map[string]*mounted[js.Value] // by name
	posts    map[string]*mounted[js.Value] // by id
	shown    []string                      // ids, in the order of the page
	feed     js.Value
}

func newDOM() *dom {
	document := js.Global().Get("document")
	return &dom{
		document: document,
		regions:  make(map[string]*mounted[js.Value]),
		posts:    make(map[string]*mounted[js.Value]),
		feed:     document.Call("getElementById", "feed"),
	}
}

// region shows a node as the only kid of the element with that id; a nil node empties the
// element. The page's own content stays until the first node.
func (d *dom) region(name string, n *Node) {
	old, parent := d.regions[name], d.document.Call("getElementById", name)
	switch {
	case old != nil && n != nil && old.fits(n):
		old.update(d, n)
		return
	case old != nil:
		d.remove(parent, old.e)
		delete(d.regions, name)
	}
	if n != nil {
		m := mount(d, n)
		d.regions[name] = m
		parent.Call("replaceChildren", m.e)
	}
}

func (d *dom) post(id string, n *Node) {
	if old := d.posts[id]; old != nil {
		old.update(d, n)
		return
	}
	d.posts[id] = mount(d, n)
}

func (d *dom) order(ids []string) {
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	kept := d.shown[:0:0]
	for _, id := range d.shown {
		if wanted[id] {
			kept = append(kept, id)
			continue
		}
		d.remove(d.feed, d.posts[id].e)
		delete(d.posts, id)
	}
	if d.shown == nil && len(ids) > 0 {
		mark("engaged-feed")
	}
	d.shown = kept
	for i, id := range ids {
		if i < len(d.shown) && d.shown[i] == id {
			continue
		}
		if j := slices.Index(d.shown, id); j >= 0 {
			d.shown = slices.Delete(d.shown, j, j+1)
		}
		d.insert(d.feed, d.posts[id].e, i)
		d.shown = slices.Insert(d.shown, i, id)
	}
}

// mark adds a mark to the page's performance record, for tools and tests.
func mark(name string) { js.Global().Get("performance").Call("mark", name) }

func (d *dom) focus(name string) {
	// Names are made of ids, which the server and the client check.
	if e := d.document.Call("querySelector", `[data-focus="`+name+`"]`); e.Truthy() {
		// An element that is no control gets the focus only so that the keyboard goes on from
		// there.
		e.Call("focus", map[string]any{"preventScroll": e.Get("tabIndex").Int() < 0})
		if e.Get("tagName").String() == "TEXTAREA" { // put the cursor at the end of the text
			grow(e)
			n := e.Get("textLength")
			e.Call("setSelectionRange", n, n)
		}
	}
}

func (d *dom) draft(name string) string {
	if e := d.document.Call("querySelector", `[data-focus="`+name+`"]`); e.Truthy() {
		return e.Get("value").String()
	}
	return ""
}

const svgSpace = "http://www.w3.org/2000/svg"

func (d *dom) create(tag string) js.Value {
	switch tag {
	case "svg", "path", "rect":
		return d.document.Call("createElementNS", svgSpace, tag)
	}
	return d.document.Call("createElement", tag)
}

func (d *dom) createText(s string) js.Value       { return d.document.Call("createTextNode", s) }
func (d *dom) setText(e js.Value, s string)       { e.Set("nodeValue", s) }
func (d *dom) removeAttr(e js.Value, name string) { e.Call("removeAttribute", name) }
func (d *dom) remove(parent, child js.Value)      { parent.Call("removeChild", child) }

func (d *dom) setAttr(e js.Value, name, value string) {
	e.Call("setAttribute", name, value)
	if name == "value" { // the attribute is only the initial value of a control
		e.Set("value", value)
	}
}

func (d *dom) insert(parent, child js.Value, at int) {
	parent.Call("insertBefore", child, parent.Get("childNodes").Call("item", at))
}
