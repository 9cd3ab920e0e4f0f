package browser

import (
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// window is one window's part in a stream that the windows of a browser share. It only
// decides; what it decides is done through sharing. Its methods are called one at a time.
//
// Over HTTP/1.1 a browser has six connections to a server, for all of its windows
// together, and an event stream keeps one: with six streams no request gets through.
//
// # Guarantees
//
// Whatever windows are opened, hidden, closed or crash, and in whatever order they hear
// of each other:
//
//   - A window that is at a position has been given every change up to it.
//   - A window has a stream of its own until another one is heard to tell all that it
//     needs. Where windows cannot hear each other, each keeps its stream.
//   - A window takes only truth for its viewer: the viewer is in the names of the lock
//     and of the channel, and who leads tells nothing before its stream has named the viewer.
//
// Not to be assumed: that a change is given once. Truth that comes again changes nothing.
//
// # Protocol
//
// The window that holds the lock leads: it tells the others each event of its stream,
// with its name and a running number. A position that it tells, be it the id of an event
// or the answer to a window that asks, means: who has been given everything up to here,
// and hears me from here on without a missing number, misses nothing. So no position is
// told in the middle of a batch, of which only the last event has an id.
//
// A window begins with a stream of its own, asks, and waits for the lock. What the leader
// tells it collects, from the first position on. When its own stream has brought it that
// far, it closes the stream, is given what it has collected, and follows.
//
// A window that follows opens a stream again, from its position on, when it gets the
// lock, when a number is missing, when somebody leads from a position beyond its own, and
// when the leader was told to reset: the server judges each position for itself.
type window struct {
	sharing
	name, viewer string

	after  wire.Position // everything up to here was given
	leads  bool          // it has the lock
	number int           // of the last event that it told
	own    ownStream

	leader string         // whom it hears; empty: nobody
	heard  int            // number of what was heard last
	from   wire.Position  // position after which everything was heard
	held   []client.Event // heard and not given, as long as there is a stream of its own
}

// ownStream is a window's own stream. The zero value is none.
type ownStream struct {
	open   bool
	stands bool          // it has named the viewer
	whole  bool          // no batch is half told
	id     wire.Position // the last one; zero: none
}

// sharing is what a window can do.
type sharing interface {
	give(client.Event)           // to the program
	tell(message)                // to the other windows
	connect(after wire.Position) // opens a stream of its own
	disconnect()                 // closes it
}

// message is what windows tell each other. One without a name asks for a position.
type message struct {
	name   string        // of the leader
	number int           // of the event, or of the last one before the position
	at     wire.Position // zero: none
	event  client.Event  // without a name: there is only the position
}

// mostHeld bounds what a window collects. One that needs more keeps its stream, and
// begins to collect anew.
const mostHeld = 1000

// begin opens the window's own stream, and asks.
func (w *window) begin() {
	w.connectOwn()
	w.ask()
}

func (w *window) ask() { w.tell(message{}) }

func (w *window) connectOwn() {
	w.own = ownStream{open: true, whole: true}
	w.connect(w.after)
}

// lead notes that the window has got the lock.
func (w *window) lead() {
	w.leads = true
	w.forget()
	if !w.own.open {
		w.connectOwn()
	}
	w.tellPosition()
}

func (w *window) tellPosition() {
	if w.leads && w.own.stands && w.own.whole {
		w.tell(message{name: w.name, number: w.number, at: w.after})
	}
}

// take takes an event of the window's own stream.
func (w *window) take(e client.Event) {
	at := positionOf(e)
	if at == w.own.id { // a browser repeats the last id where there is none
		at, e.ID = wire.Position{}, ""
	}
	if at != none {
		w.own.id, w.after = at, at
	}
	if e.Name == wire.EventHello || e.Name == wire.EventReset {
		hello, err := wire.DecodeHello(e.Data)
		w.own.stands = err == nil && hello.Viewer == w.viewer
	}
	w.own.whole = at != none || w.own.whole && e.Name == wire.EventBeat
	w.give(e)
	if w.leads && w.own.stands {
		w.number++
		w.tell(message{w.name, w.number, at, e})
	}
	w.catchUp()
}

// hear takes what another window tells.
func (w *window) hear(m message) {
	ours, isEvent := m.name == w.leader, m.event.Name != ""
	switch {
	case m.name == "":
		w.tellPosition()
	case w.leads:
		// What is left of who led before.
	case ours && !isEvent:
		// An answer to somebody else.
	case ours && isEvent && m.number == w.heard+1 && m.event.Name != wire.EventReset:
		w.heard++
		w.held = append(w.held, m.event)
		w.catchUp()
	case ours || m.at != none:
		w.follow(m)
	case w.leader != "": // which may not lead any more
		w.ask()
	}
}

// follow hears a leader from a position on. Without one it hears nobody any more.
func (w *window) follow(m message) {
	w.forget()
	if !w.own.open && (m.at == none || m.at.Compare(w.after) > 0 || m.event.Name == wire.EventReset) {
		w.connectOwn()
	}
	if m.at != none {
		w.leader, w.heard, w.from = m.name, m.number, m.at
		w.catchUp()
	}
}

func (w *window) forget() { w.leader, w.held = "", nil }

// catchUp gives what was heard, as soon as nothing is missing before it.
func (w *window) catchUp() {
	if w.own.open && w.leader != "" && (w.after == w.from || w.own.stands && w.after.Compare(w.from) > 0) {
		w.disconnect()
		if !w.own.stands {
			w.give(helloAt(w.after, w.viewer))
		}
		w.own = ownStream{}
	}
	if w.own.open {
		if len(w.held) > mostHeld {
			w.forget()
		}
		return
	}
	held := w.held
	w.held = nil
	for _, e := range held {
		if at := positionOf(e); at.Compare(w.after) > 0 {
			w.after = at
		}
		w.give(e)
	}
}

// none is no position.
var none wire.Position

// positionOf is the position that an event brings, or none.
func positionOf(e client.Event) wire.Position {
	at, _ := wire.ParsePosition(e.ID)
	return at
}

// helloAt is what a stream of one's own would say first. Names need no escapes.
func helloAt(after wire.Position, viewer string) client.Event {
	id := after.String()
	return client.Event{Name: wire.EventHello, ID: id, Data: []byte(`{"after":"` + id + `","viewer":"` + viewer + `"}`)}
}
