package browser

import (
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// window is one window's part in a stream that the windows of a browser share. It only
// decides; sharing carries out its decisions. Its methods are called one at a time.
//
// Over HTTP/1.1 a browser has six connections to a server, for all of its windows
// together, and an event stream keeps one: with six streams no request gets through.
//
// # Guarantees
//
// For all orders in which windows are opened, hidden, closed or crash, and in which their
// messages arrive:
//
//   - A window that is at a position has been given every change up to it.
//   - A window has a stream of its own until it receives all its changes from another
//     window. Where windows cannot exchange messages, each keeps its stream.
//   - A window takes only truth for its viewer: the viewer is in the names of the lock
//     and of the channel, and a leader sends nothing before its stream has named the
//     viewer.
//
// Not guaranteed: that a change is given only once. Repeated truth changes nothing.
//
// # Protocol
//
// The window that holds the lock leads: it sends the others each event of its stream,
// with its own name and a running number. A position in a message, in the id of an event
// or in the answer to a window that asks, has this meaning: a window that has been given
// all changes up to this position, and receives the leader's messages from here on
// without a missing number, misses no change. So no position is sent in the middle of a
// batch, of which only the last event has an id.
//
// A window begins with a stream of its own, asks for a position, and waits for the lock.
// It collects the leader's events from the first position on. When its own stream has
// reached that position, the window closes the stream, takes the collected events, and
// follows the leader.
//
// A window that follows opens a stream again, from its position on, when it gets the
// lock, when a number is missing, when a leader starts at a position beyond the window's
// own, and when the server has reset the leader's stream: the server judges each position
// for itself.
type window struct {
	sharing
	name, viewer string

	after  wire.Position // all changes up to here were given
	leads  bool          // it has the lock
	number int           // of the last event that it sent
	own    ownStream

	leader string         // the leader that it hears; empty: none
	heard  int            // number of the last message heard
	from   wire.Position  // position after which all messages were heard
	held   []client.Event // heard and not given yet, while the window has a stream of its own
}

// ownStream is a window's own stream. The zero value means that there is none.
type ownStream struct {
	open   bool
	stands bool          // it has named the viewer
	whole  bool          // not in the middle of a batch
	id     wire.Position // the last one; zero: none
}

// sharing carries out the decisions of a window.
type sharing interface {
	give(client.Event)           // to the program
	tell(message)                // to the other windows
	connect(after wire.Position) // opens a stream of its own
	disconnect()                 // closes it
}

// message is a message between windows. A message without a leader's name asks for a
// position.
type message struct {
	name   string        // of the leader
	number int           // of the event, or of the last one before the position
	at     wire.Position // zero: none
	event  client.Event  // without a name: there is only the position
}

// mostHeld bounds the number of collected events. A window that would need more keeps its
// stream, and begins to collect anew.
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

// lead tells the window that it has the lock.
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
	if at == w.own.id { // for an event without id a browser repeats the last id
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

// hear takes a message of another window.
func (w *window) hear(m message) {
	ours, isEvent := m.name == w.leader, m.event.Name != ""
	switch {
	case m.name == "":
		w.tellPosition()
	case w.leads:
		// A late message of the previous leader.
	case ours && !isEvent:
		// An answer to another window.
	case ours && isEvent && m.number == w.heard+1 && m.event.Name != wire.EventReset:
		w.heard++
		w.held = append(w.held, m.event)
		w.catchUp()
	case ours || m.at != none:
		w.follow(m)
	case w.leader != "": // the leader may have lost the lock
		w.ask()
	}
}

// follow hears a leader from a position on. An empty message ends the following.
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

// catchUp gives the collected events as soon as no event before them is missing.
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

// none is the zero position.
var none wire.Position

// positionOf returns the position of an event, or none.
func positionOf(e client.Event) wire.Position {
	at, _ := wire.ParsePosition(e.ID)
	return at
}

// helloAt returns the first event of a stream of the window's own. Names need no escapes.
func helloAt(after wire.Position, viewer string) client.Event {
	id := after.String()
	return client.Event{Name: wire.EventHello, ID: id, Data: []byte(`{"after":"` + id + `","viewer":"` + viewer + `"}`)}
}
