package browser

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// diary records the acts of a window, in words.
type diary []string

func (d *diary) give(e client.Event) {
	*d = append(*d, "give "+e.Name+" "+strings.TrimPrefix(e.ID, "1."))
}
func (d *diary) tell(m message) {
	*d = append(*d, fmt.Sprintf("tell %s %d at %d %s", m.name, m.number, numberOf(m.at), m.event.Name))
}
func (d *diary) connect(after wire.Position) { *d = append(*d, fmt.Sprint("connect ", after.Number)) }
func (d *diary) disconnect()                 { *d = append(*d, "disconnect") }

// at is the position of that number in the only era; none for -1.
func at(number int64) wire.Position {
	if number < 0 {
		return none
	}
	return wire.Position{Era: 1, Number: number}
}

func numberOf(p wire.Position) int64 {
	if p == none {
		return -1
	}
	return p.Number
}

const asks = "tell  0 at -1 "

func eventAt(name, number string) client.Event {
	if number != "" {
		number = "1." + number
	}
	return client.Event{Name: name, ID: number}
}

func helloTo(viewer, number string) client.Event {
	id := "1." + number
	return client.Event{Name: wire.EventHello, ID: id, Data: []byte(`{"after":"` + id + `","viewer":"` + viewer + `"}`)}
}

func TestWindow(t *testing.T) {
	const truth, hello, reset, beat = wire.EventTruth, wire.EventHello, wire.EventReset, wire.EventBeat
	own := func(e client.Event) func(*window) { return func(w *window) { w.take(e) } }
	told := func(name string, number int, place int64, event string) func(*window) {
		return func(w *window) {
			m := message{name: name, number: number, at: at(place)}
			if m.event.Name = event; place >= 0 {
				m.event.ID = m.at.String()
			}
			w.hear(m)
		}
	}
	asked := func(w *window) { w.hear(message{}) }
	follows := told("b", 3, 5, "") // a window at 5

	for _, c := range []struct {
		what  string
		steps []func(*window)
		want  []string // after it has begun
	}{
		{"nobody is there", []func(*window){own(helloTo("ada", "5")), own(eventAt(truth, "6"))},
			[]string{"give hello 5", "give truth 6"}},
		{"the leader is as far", []func(*window){follows, told("b", 4, -1, truth), told("b", 5, 7, truth)},
			[]string{"disconnect", "give hello 5", "give truth ", "give truth 7"}},
		{"the leader is further", []func(*window){told("b", 3, 7, ""), told("b", 4, 8, truth), own(helloTo("ada", "5")), own(eventAt(truth, "7"))},
			[]string{"give hello 5", "give truth 7", "disconnect", "give truth 8"}},
		{"the leader is behind, or tells of another feed: the server knows", []func(*window){told("b", 3, 4, ""), own(helloTo("ada", "5"))},
			[]string{"give hello 5", "disconnect"}},
		{"the leader goes", []func(*window){follows, told("b", 4, 9, truth), (*window).lead, own(helloTo("ada", "9")), own(eventAt(truth, "9")), own(eventAt(truth, "10"))},
			[]string{"disconnect", "give hello 5", "give truth 9", "connect 9", "give hello 9", "tell a 1 at 9 hello",
				"give truth ", "tell a 2 at -1 truth", "give truth 10", "tell a 3 at 10 truth"}},
		{"another leads from the same position", []func(*window){follows, told("c", 1, 5, hello), told("c", 2, 6, truth)},
			[]string{"disconnect", "give hello 5", "give truth 6"}},
		{"another leads from further on", []func(*window){follows, told("c", 1, 6, hello), told("c", 2, 7, truth), own(helloTo("ada", "5")), own(eventAt(truth, "6"))},
			[]string{"disconnect", "give hello 5", "connect 5", "give hello 5", "give truth 6", "disconnect", "give truth 7"}},
		{"another is in the middle of a batch", []func(*window){follows, told("c", 8, -1, truth)},
			[]string{"disconnect", "give hello 5", asks}},
		{"a number is missing", []func(*window){follows, told("b", 5, -1, truth)},
			[]string{"disconnect", "give hello 5", "connect 5"}},
		{"the leader is told to reset", []func(*window){follows, told("b", 4, 2, reset)},
			[]string{"disconnect", "give hello 5", "connect 5"}},
		{"another leads after a reset", []func(*window){follows, told("c", 1, 2, reset)},
			[]string{"disconnect", "give hello 5", "connect 5"}},
		{"a window asks who leads", []func(*window){own(helloTo("ada", "5")), asked, (*window).lead, asked, own(eventAt(truth, "")), asked, own(eventAt(truth, "6")), own(eventAt(beat, "6")), asked},
			[]string{"give hello 5", "tell a 0 at 5 ", "tell a 0 at 5 ", "give truth ", "tell a 1 at -1 truth", "give truth 6", "tell a 2 at 6 truth",
				"give beat ", "tell a 3 at -1 beat", "tell a 3 at 6 "}},
		{"the stream is somebody else's", []func(*window){(*window).lead, own(helloTo("kofi", "5")), own(eventAt(truth, "6")), asked},
			[]string{"give hello 5", "give truth 6"}},
	} {
		d := &diary{}
		w := &window{sharing: d, name: "a", viewer: "ada", after: at(5)}
		w.begin()
		for _, step := range c.steps {
			step(w)
		}
		if want := append([]string{"connect 5", asks}, c.want...); !slices.Equal(*d, want) {
			t.Errorf("%s:\n got %q\nwant %q", c.what, *d, want)
		}
	}
}
