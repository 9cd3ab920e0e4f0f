package web

import (
	"context"
	"strings"
	"syscall/js"
	"time"

	"github.com/optimist-go/optimist/engagement/transport/browser"
	"github.com/optimist-go/optimist/idbjournal"
)

// frameBudget is the longest time for one frame's paint; the rest is left to the next
// frame.
const frameBudget = 8 * time.Millisecond

// page is the App on a real page. Its methods run in the page's one thread.
type page struct {
	app    *App
	dom    *dom
	asked  bool   // a frame has been asked for
	place  string // in the address
	frame  js.Func
	window js.Value
	narrow js.Value // whether the page has tabs
}

// Run shows the App on the page, for ever.
func Run() {
	p := &page{dom: newDOM(), window: js.Global()}
	p.narrow = p.window.Call("matchMedia", "(max-width: 61.99rem)") // as in style.css
	p.frame = js.FuncOf(func(js.Value, []js.Value) any {
		p.asked = false
		p.paint()
		return nil
	})
	p.place = p.placeInAddress()
	p.app = NewApp(browser.Transport{}, Hooks{Place: firstPlace(p.place), Wake: p.wake, Shared: sharedWords(), Journal: openJournal, First: servedFirst()})
	p.listen()
	p.actEarly()
	if !p.window.Get("navigator").Get("onLine").Bool() {
		p.app.SetOnline(false)
	}
	p.app.SetHidden(p.window.Get("document").Get("hidden").Bool())
	p.app.Start()
	p.paint()
	root := p.window.Get("document").Get("documentElement")
	root.Call("removeAttribute", "data-leaving") // its content is gone
	root.Call("setAttribute", "data-ready", "")
	mark("engaged-ready")
	for range time.Tick(time.Minute) {
		p.app.Minute()
	}
}

// openJournal opens the user's journal in this browser.
func openJournal(ctx context.Context, user string, wait bool) (Journal, error) {
	open := idbjournal.Wait
	if !wait {
		open = idbjournal.Open
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, 5*time.Second) // some browsers never answer
		defer cancel()
	}
	j, err := open(ctx, "engaged "+user)
	if err != nil {
		return nil, err
	}
	return j, nil
}

// words is the browser's localStorage.
type words struct{ storage js.Value }

// sharedWords returns nil in a browser without localStorage.
func sharedWords() (shared Shared) {
	defer func() { recover() }() // some browsers forbid its use by an exception
	storage := js.Global().Get("localStorage")
	storage.Call("getItem", signedInKey)
	return words{storage}
}

func (w words) Get(key string) string {
	if v := w.storage.Call("getItem", key); v.Type() == js.TypeString {
		return v.String()
	}
	return ""
}

func (w words) Set(key, word string) {
	defer func() { recover() }() // when it is full
	if word == "" {
		w.storage.Call("removeItem", key)
	} else {
		w.storage.Call("setItem", key, word)
	}
}

// wake asks for one frame; further calls before the frame have no effect. Hidden pages
// get no frames, so a timer takes their place.
func (p *page) wake() {
	if p.asked {
		return
	}
	p.asked = true
	if p.window.Get("document").Get("hidden").Bool() {
		p.window.Call("setTimeout", p.frame, 0)
		return
	}
	p.window.Call("requestAnimationFrame", p.frame)
}

func (p *page) paint() {
	now := time.Now()
	moving := p.app.Tick(now)
	done := p.app.paint(p.dom, now, func() bool { return time.Since(now) < frameBudget })
	p.rank()
	p.address("replaceState")
	if moving || !done {
		p.wake()
	}
}

// rank makes the forms of the page the second ones while a person writes a comment. CSS alone
// would look at all posts whenever the focus moves.
func (p *page) rank() {
	document := p.window.Get("document")
	active := document.Get("activeElement")
	writes := active.Truthy() && active.Call("closest", ".composer, .editor").Truthy()
	for _, id := range []string{"sign-in", "write"} {
		document.Call("getElementById", id).Get("classList").Call("toggle", "second", writes)
	}
}

// act carries out the user's action and shows its effect before the next frame is
// drawn.
func (p *page) act(a Action) bool {
	taken := p.app.Act(a)
	p.address("pushState")
	p.paint()
	return taken
}

// address has the page's address say which posts are shown, so that they can be come back to.
func (p *page) address(method string) {
	place := p.app.Place()
	if place == p.place {
		return
	}
	p.place = place
	location := p.window.Get("location")
	address := location.Get("pathname").String() + location.Get("search").String()
	if place != "" {
		address += "#" + place
	}
	p.window.Get("history").Call(method, nil, "", address)
}

func (p *page) placeInAddress() string {
	return strings.TrimPrefix(p.window.Get("location").Get("hash").String(), "#")
}

func (p *page) submit(form js.Value) {
	field := form.Get("elements").Get("text")
	if p.act(actionOf(form, field.Get("value").String())) {
		field.Set("value", "")
		grow(field)
	}
}

func (p *page) listen() {
	document := p.window.Get("document")
	on(document, "click", func(e js.Value) {
		if b := closest(e, "button[data-act]"); b.Truthy() && b.Get("type").String() == "button" {
			a := actionOf(b, dataOf(b, "value"))
			if (a.Name == "go" || a.Name == "failed") && p.narrow.Get("matches").Bool() { // its goal is in the other tab
				p.app.Act(Action{Name: "lab", Value: "close"})
			}
			p.act(a)
		}
	})
	on(document, "submit", func(e js.Value) {
		e.Call("preventDefault")
		p.submit(e.Get("target"))
	})
	on(document, "input", func(e js.Value) {
		if t := closest(e, "textarea"); t.Truthy() {
			grow(t)
		}
		if c := closest(e, "input[data-act]"); c.Truthy() { // a dial, while it is turned
			p.act(actionOf(c, dataOf(c, "value")+"="+c.Get("value").String()))
		}
	})
	on(document, "keydown", p.key)
	on(document, "focusin", func(js.Value) { p.rank() })
	on(document, "focusout", func(js.Value) { p.rank() })
	tabPanels(document, p.narrow.Get("matches").Bool())
	on(p.narrow, "change", func(e js.Value) { tabPanels(document, e.Get("matches").Bool()) })
	on(p.window, "online", func(js.Value) { p.app.SetOnline(true) })
	on(p.window, "offline", func(js.Value) { p.app.SetOnline(false) })
	on(p.window, "storage", func(e js.Value) {
		if e.Get("key").String() == signedInKey {
			p.app.Look()
		}
	})
	on(p.window, "popstate", func(js.Value) {
		if place := p.placeInAddress(); place != p.place {
			p.app.Act(Action{Name: "place", Value: place})
			p.place = place
			p.paint() // the address says a place again, also behind an anchor of the page
		}
	})
	on(p.window, "pageshow", func(e js.Value) {
		if e.Get("persisted").Bool() { // the page was left, and its journal closed
			p.app.Look()
			p.paint()
			p.window.Get("location").Call("reload")
		}
	})
	on(p.window, "beforeunload", func(e js.Value) {
		if p.app.AtRisk() > 0 {
			e.Call("preventDefault") // the browser asks the user whether to leave
		}
	})
	on(document, "visibilitychange", func(js.Value) {
		p.asked = false
		p.app.SetHidden(document.Get("hidden").Bool())
		p.wake()
	})
}

// key sends a text with Enter (Shift+Enter is a new line), or a longer one with Ctrl or
// Command and Enter, and leaves an editor with Escape.
func (p *page) key(e js.Value) {
	if tab := closest(e, `[role="tab"]`); tab.Truthy() {
		p.turn(e, tab)
		return
	}
	t := closest(e, "textarea")
	if !t.Truthy() || e.Get("isComposing").Bool() {
		return
	}
	switch e.Get("key").String() {
	case "Enter":
		chord := e.Get("ctrlKey").Bool() || e.Get("metaKey").Bool()
		if chord || dataOf(t, "enter") == "submit" && !e.Get("shiftKey").Bool() {
			e.Call("preventDefault")
			t.Get("form").Call("requestSubmit")
		}
	case "Escape":
		if name := dataOf(t, "escape"); name != "" {
			e.Call("preventDefault")
			a := actionOf(t, "")
			a.Name = name
			p.act(a)
		}
	}
}

// turn goes from tab to tab: there are two.
func (p *page) turn(e, tab js.Value) {
	other := tab.Get("nextElementSibling")
	if !other.Truthy() {
		other = tab.Get("previousElementSibling")
	}
	to := tab.Get("parentElement")
	switch e.Get("key").String() {
	case "ArrowLeft", "ArrowRight":
		to = other
	case "Home":
		to = to.Get("firstElementChild")
	case "End":
		to = to.Get("lastElementChild")
	default:
		return
	}
	e.Call("preventDefault")
	to.Call("focus")
	p.act(actionOf(to, dataOf(to, "value")))
}

// tabPanels makes the parts of a narrow page the panels of its tabs.
func tabPanels(document js.Value, narrow bool) {
	for panel, tab := range map[string]string{"feed-panel": "tab-feed", "lab": "tab-lab"} {
		e := document.Call("getElementById", panel)
		if narrow {
			e.Call("setAttribute", "role", "tabpanel")
			e.Call("setAttribute", "aria-labelledby", tab)
		} else {
			e.Call("removeAttribute", "role")
			e.Call("removeAttribute", "aria-labelledby")
		}
	}
}

// grow makes a text field as high as its text, without a style in the page.
func grow(t js.Value) {
	t.Set("rows", 1)
	for rows := 1; rows < 8 && t.Get("scrollHeight").Int() > t.Get("clientHeight").Int(); {
		rows++
		t.Set("rows", rows)
	}
}

func actionOf(e js.Value, value string) Action {
	return Action{Name: dataOf(e, "act"), Post: dataOf(e, "post"), Comment: dataOf(e, "comment"), Value: value}
}

func dataOf(e js.Value, name string) string {
	if v := e.Get("dataset").Get(name); v.Type() == js.TypeString {
		return v.String()
	}
	return ""
}

// closest is the nearest element around the event's target that matches.
func closest(e js.Value, selector string) js.Value {
	t := e.Get("target")
	if !t.Truthy() || t.Get("closest").Type() != js.TypeFunction {
		return js.Null()
	}
	return t.Call("closest", selector)
}

// on listens to an event until the end of the page.
func on(target js.Value, event string, f func(js.Value)) {
	target.Call("addEventListener", event, js.FuncOf(func(_ js.Value, args []js.Value) any {
		f(args[0])
		return nil
	}))
}
