package browser

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"syscall/js"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// Stream implements [client.Transport]. The windows of a browser share a stream for each
// viewer, see window. The caller reconnects after an error.
func (Transport) Stream(ctx context.Context, viewer string, after string, take func(client.Event)) error {
	p := &port{program: take, todo: make(chan func(), 1024), broken: make(chan error, 1)}
	from, _ := wire.ParsePosition(after)
	p.window = &window{sharing: p, name: strconv.FormatUint(rand.Uint64(), 36), viewer: viewer, after: from}
	leave := p.join("engaged stream 2 of " + viewer) // the number is the version of the protocol
	defer leave()
	defer p.disconnect()
	p.window.begin()
	for {
		select { // first: after an event that did not fit, no more events are processed
		case err := <-p.broken:
			return err
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		select {
		case f := <-p.todo:
			f()
		case err := <-p.broken:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// port implements sharing in a browser. Callbacks put their work into todo, and the
// goroutine of Stream does it.
type port struct {
	window  *window
	program func(client.Event)
	todo    chan func()
	broken  chan error

	channel js.Value // null: the window does not exchange messages
	source  js.Value
	stop    func() // closes the source; nil: there is none
	sources int    // so far
}

func (p *port) do(f func()) {
	select {
	case p.todo <- f:
	default:
		p.breakOff(errors.New("events come faster than they are taken"))
	}
}

func (p *port) breakOff(err error) {
	select {
	case p.broken <- err:
	default:
	}
}

func (p *port) give(e client.Event) { p.program(e) }

func (p *port) connect(after wire.Position) {
	p.sources++
	number, source := p.sources, js.Global().Get("EventSource").New(client.StreamPath(after.String()))
	var stops []func()
	for _, name := range []string{wire.EventHello, wire.EventTruth, wire.EventReset, wire.EventBeat} {
		stops = append(stops, listen(source, name, func(e js.Value) {
			ev := client.Event{Name: name, ID: e.Get("lastEventId").String(), Data: []byte(e.Get("data").String())}
			p.do(func() {
				if p.stop != nil && p.sources == number { // otherwise it is the event of a closed source
					p.window.take(ev)
				}
			})
		}))
	}
	stops = append(stops, listen(source, "error", func(js.Value) { p.breakOff(errors.New("the event stream broke off")) }))
	p.source = source
	p.stop = func() {
		for _, stop := range stops {
			stop()
		}
	}
}

func (p *port) disconnect() {
	if p.stop != nil {
		p.stop()
		p.source.Call("close")
		p.stop = nil
	}
}

func (p *port) tell(m message) {
	if p.channel.IsNull() {
		return
	}
	p.channel.Call("postMessage", map[string]any{
		"name": m.name, "number": m.number, "at": m.at.String(), "event": m.event.Name, "id": m.event.ID, "data": string(m.event.Data),
	})
}

// join opens the channel to the other windows, and queues for the lock. In a browser
// without both it does nothing.
func (p *port) join(name string) (leave func()) {
	p.channel = js.Null()
	locks := js.Global().Get("navigator").Get("locks") // undefined but over HTTPS and on localhost
	if !locks.Truthy() {
		return func() {}
	}
	func() {
		defer func() { recover() }() // some browsers forbid its use by an exception
		p.channel = js.Global().Get("BroadcastChannel").New(name)
	}()
	if p.channel.IsNull() {
		return func() {}
	}
	stop := listen(p.channel, "message", func(e js.Value) {
		d := e.Get("data")
		at, _ := wire.ParsePosition(d.Get("at").String())
		m := message{d.Get("name").String(), d.Get("number").Int(), at,
			client.Event{Name: d.Get("event").String(), ID: d.Get("id").String(), Data: []byte(d.Get("data").String())}}
		p.do(func() { p.window.hear(m) })
	})
	release := holdLock(locks, name, func() { p.do(p.window.lead) })
	return func() {
		release()
		stop()
		p.channel.Call("close")
	}
}

// holdLock queues for the lock and calls held when it has it. release gives the lock
// back, or leaves the queue.
func holdLock(locks js.Value, name string, held func()) (release func()) {
	var letGo js.Value
	executor := js.FuncOf(func(_ js.Value, args []js.Value) any {
		letGo = args[0]
		return nil
	})
	released := js.Global().Get("Promise").New(executor)
	executor.Release()
	onHeld := js.FuncOf(func(js.Value, []js.Value) any {
		held()
		return released // the lock is held until then
	})
	abort := js.Global().Get("AbortController").New()
	request := locks.Call("request", name, map[string]any{"signal": abort.Get("signal")}, onHeld)
	over := make(chan struct{})
	go func() {
		await(request)
		onHeld.Release()
		close(over)
	}()
	return func() {
		letGo.Invoke()
		abort.Call("abort")
		<-over
	}
}

// listen calls f for each event until stop, which releases the listener.
func listen(target js.Value, event string, f func(js.Value)) (stop func()) {
	fn := js.FuncOf(func(_ js.Value, args []js.Value) any {
		f(args[0])
		return nil
	})
	target.Call("addEventListener", event, fn)
	return func() {
		target.Call("removeEventListener", event, fn)
		fn.Release()
	}
}
