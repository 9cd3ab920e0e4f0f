package web

import (
	"syscall/js"

	"github.com/optimist-go/optimist/engagement/wire"
)

// earlyTap is a tap or a sent form from before the client was there. Until then a script in
// the page keeps them: page/assets/keep.js.
type earlyTap struct {
	user string // for whom the content was
	e    js.Value
}

// servedFirst returns the data of the content that the server has put on the page; nil:
// there is none.
func servedFirst() *wire.First {
	e := js.Global().Get("document").Call("getElementById", "first")
	if !e.Truthy() {
		return nil
	}
	first, err := wire.DecodeFirst([]byte(e.Get("textContent").String()))
	if err != nil {
		return nil
	}
	return &first
}

// earlyTaps takes over from the script that has kept the taps.
func earlyTaps(first *wire.First) (taps []earlyTap) {
	for _, e := range listOf(js.Global().Get("engagedKept").Call("take"), func(v js.Value) js.Value { return v }) {
		if first != nil {
			taps = append(taps, earlyTap{first.Session.Name, e})
		}
	}
	return taps
}

// replay carries out the early taps, in their order, as soon as the App can.
func (p *page) replay() {
	if len(p.early) == 0 || !p.app.TakesEarly() {
		return
	}
	taps := p.early
	p.early = nil
	for _, tap := range taps {
		value, field := dataOf(tap.e, "value"), js.Null()
		if p.dom.tag(tap.e) == "form" {
			field = tap.e.Get("elements").Get("text")
			value = field.Get("value").String()
		}
		if taken := p.app.ActEarly(Early{tap.user, actionOf(tap.e, value)}); taken && field.Truthy() {
			field.Set("value", "")
			grow(field)
		}
	}
}
