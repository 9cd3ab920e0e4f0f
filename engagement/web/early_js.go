package web

import (
	"syscall/js"

	"github.com/optimist-go/optimist/engagement/wire"
)

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

// firstPlace is the place with which the page begins: the one in the address, or the one that was
// there before the person followed an anchor of the page.
func firstPlace(inAddress string) string {
	if _, ok := selectionAt(inAddress); ok {
		return inAddress
	}
	return js.Global().Get("engagedKept").Get("place").String()
}

// actEarly carries out the taps and forms from before the client was there, in their order.
// Until then a script in the page has kept them: page/assets/keep.js.
func (p *page) actEarly() {
	for _, e := range listOf(js.Global().Get("engagedKept").Call("take"), func(v js.Value) js.Value { return v }) {
		if p.dom.tag(e) == "form" {
			p.submit(e)
		} else {
			p.app.Act(actionOf(e, dataOf(e, "value")))
		}
	}
}
