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
	served   map[string]js.Value           // by id: posts that the server has put on the page, until adopted
	shown    []string                      // ids, in the order of the page
	filled   bool                          // with posts by order
	feed     js.Value
}

func newDOM() *dom {
	document := js.Global().Get("document")
	d := &dom{
		document: document,
		regions:  make(map[string]*mounted[js.Value]),
		posts:    make(map[string]*mounted[js.Value]),
		served:   make(map[string]js.Value),
		feed:     document.Call("getElementById", "feed"),
	}
	for _, e := range d.kids(d.feed) {
		if id := dataOf(e, "id"); id != "" {
			d.served[id] = e
			d.shown = append(d.shown, id)
		}
	}
	return d
}

// region shows a node as the only kid of the element with that id; a nil node empties the
// element. The first node adopts the page's own content.
func (d *dom) region(name string, n *Node) {
	old, parent := d.regions[name], d.document.Call("getElementById", name)
	if old != nil && n != nil && old.fits(n) {
		old.update(d, n)
		return
	}
	delete(d.regions, name)
	if n == nil {
		parent.Call("replaceChildren")
		return
	}
	var m *mounted[js.Value]
	if e := parent.Get("firstElementChild"); old == nil && e.Truthy() && d.tag(e) == n.Tag {
		m = adopt(d, n, e)
	} else {
		m = mount(d, n)
	}
	d.regions[name] = m
	if parent.Get("childNodes").Length() != 1 || !parent.Get("firstChild").Equal(m.e) {
		parent.Call("replaceChildren", m.e)
	}
}

func (d *dom) post(id string, n *Node) {
	if old := d.posts[id]; old != nil {
		old.update(d, n)
	} else if e, ok := d.served[id]; ok && d.tag(e) == n.Tag {
		d.posts[id] = adopt(d, n, e)
		delete(d.served, id)
	} else {
		d.posts[id] = mount(d, n)
	}
}

func (d *dom) order(ids []string) {
	if !d.filled && len(ids) > 0 {
		d.filled = true
		mark("engaged-feed")
	}
	focused := d.document.Get("activeElement")
	first, last := 0, len(ids) // what lies between has changed
	for first < min(len(ids), len(d.shown)) && ids[first] == d.shown[first] {
		first++
	}
	for more := len(d.shown) - len(ids); last > first && last+more > first && ids[last-1] == d.shown[last+more-1]; {
		last--
	}
	d.prune(first, len(d.shown)-len(ids)+last, ids[first:last])
	for i := first; i < last; i++ {
		id := ids[i]
		if i+1 < len(d.shown) && d.shown[i+1] == id && d.shown[i] != id { // the one before comes further down
			d.remove(d.feed, d.posts[d.shown[i]].e)
			d.shown = slices.Delete(d.shown, i, i+1)
			continue
		}
		if i < len(d.shown) && d.shown[i] == id {
			continue
		}
		if j := slices.Index(d.shown[i:], id); j >= 0 {
			d.shown = slices.Delete(d.shown, i+j, i+j+1)
		}
		d.insert(d.feed, d.posts[id].e, i)
		d.shown = slices.Insert(d.shown, i, id)
	}
	if focused.Get("isConnected").Bool() && !focused.Equal(d.document.Get("activeElement")) { // a post that moves loses it
		focused.Call("focus", map[string]any{"preventScroll": true})
	}
}

// prune removes the posts of an interval that are not wanted there.
func (d *dom) prune(from, to int, wanted []string) {
	stays := make(map[string]bool, len(wanted))
	for _, id := range wanted {
		stays[id] = true
	}
	kept := d.shown[:from:from]
	for _, id := range d.shown[from:to] {
		if stays[id] {
			kept = append(kept, id)
			continue
		}
		if e, ok := d.served[id]; ok {
			d.remove(d.feed, e)
			delete(d.served, id)
			continue
		}
		d.remove(d.feed, d.posts[id].e)
		delete(d.posts, id)
	}
	d.shown = append(kept, d.shown[to:]...)
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

func (d *dom) textOf(e js.Value) string            { return e.Get("nodeValue").String() }
func (d *dom) attr(e js.Value, name string) string { return e.Call("getAttribute", name).String() }
func (d *dom) attrNames(e js.Value) []string {
	return listOf(e.Call("getAttributeNames"), js.Value.String)
}
func (d *dom) kids(e js.Value) []js.Value {
	return listOf(e.Get("childNodes"), func(v js.Value) js.Value { return v })
}

func listOf[T any](list js.Value, f func(js.Value) T) []T {
	out := make([]T, list.Length())
	for i := range out {
		out[i] = f(list.Index(i))
	}
	return out
}

func (d *dom) tag(e js.Value) string {
	if name := e.Get("localName"); name.Type() == js.TypeString {
		return name.String()
	}
	return "" // a text
}

func (d *dom) setAttr(e js.Value, name, value string) {
	e.Call("setAttribute", name, value)
	if name == "value" { // the attribute is only the initial value of a control
		e.Set("value", value)
	}
}

func (d *dom) insert(parent, child js.Value, at int) {
	parent.Call("insertBefore", child, parent.Get("childNodes").Call("item", at))
}
