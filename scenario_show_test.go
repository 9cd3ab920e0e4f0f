package optimist_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/event"
)

// show says how things stand.
func (w *stage) show(verb string, args []string) string {
	var out strings.Builder
	switch verb {
	case "view":
		for _, entity := range args {
			out.WriteString(w.view(entity))
		}
	case "truth":
		for _, entity := range args {
			out.WriteString(w.truth(entity))
		}
	case "held":
		w.mu.Lock()
		defer w.mu.Unlock()
		p := w.server.post(id(args[0]))
		fmt.Fprintf(&out, "server has %s%s v=%d\n", args[0], describe(p.article), p.version)
	case "calls":
		w.mu.Lock()
		defer w.mu.Unlock()
		slices.SortStableFunc(w.server.calls, func(a, b call) int { // those of one moment began in any order
			return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.name, b.name))
		})
		for _, c := range w.server.calls {
			out.WriteString(c.name + " " + c.what + "\n")
		}
		if len(w.server.calls) == 0 {
			out.WriteString("none\n")
		}
		w.server.calls = nil
	case "events":
		w.events(&out, args)
	case "result":
		for _, name := range args {
			w.result(&out, name)
		}
	case "await":
		stages := []optimist.Stage{optimist.Applied, optimist.Journaled, optimist.Acknowledged, optimist.Settled}
		ended, stop := context.WithCancel(w.ctx)
		stop()
		for _, s := range stages {
			reached := w.handle(args[0]).Await(ended, s) == nil
			fmt.Fprintf(&out, "%v %v\n", s, map[bool]string{true: "yes", false: "no"}[reached])
		}
	case "callbacks":
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.settled) == 0 {
			w.settled = []string{"none"}
		}
		out.WriteString(strings.Join(w.settled, "\n") + "\n")
		w.settled = nil
	case "starred":
		fmt.Fprintf(&out, "%v\n", w.star)
	case "order":
		for i := 1; i < len(args); i++ {
			a, b := w.handle(args[i-1]).Timestamp(), w.handle(args[i]).Timestamp()
			fmt.Fprintf(&out, "%s %s %s\n", args[i-1], map[bool]string{true: "before", false: "not before"}[a < b], args[i])
		}
	case "operations":
		for _, h := range w.m.Operations() {
			o := h.Snapshot()
			why := o.Reason.String()
			if o.Reason.Operation != "" {
				why = strings.ReplaceAll(why, o.Reason.Operation, w.nameOf(o.Reason.Operation))
			}
			fmt.Fprintf(&out, "%s %s of %s:%s: %s\n", w.nameOf(o.ID), o.Type, o.Store, o.EntityID, why)
		}
		if out.Len() == 0 {
			out.WriteString("none\n")
		}
	case "snapshot":
		w.snapshot(&out)
	default:
		return say(fmt.Errorf("%w: %s", errNoCommand, verb))
	}
	return out.String()
}

func describe(a article) string {
	var out string
	for _, f := range []struct{ name, value string }{
		{"text", a.Text}, {"likes", a.Likes}, {"saves", a.Saves}, {"comments", a.Comments},
	} {
		if f.value != "" {
			out += fmt.Sprintf(" %s=[%s]", f.name, f.value)
		}
	}
	if a.Public {
		out += " public"
	}
	return out
}

func (w *stage) view(entity string) string {
	v := w.posts.View(id(entity))
	out := fmt.Sprintf("%s %v%s", entity, v.Presence, describe(v.Value))
	if v.Pending > 0 {
		out += fmt.Sprintf(" pending=%d", v.Pending)
	}
	if v.Parked > 0 {
		out += fmt.Sprintf(" parked=%d", v.Parked)
	}
	if v.Unsure {
		out += " unsure"
	}
	return out + fmt.Sprintf(" v=%d\n", v.Version)
}

// events are those since the last time, or those of the kinds asked for.
func (w *stage) events(out *strings.Builder, kinds []string) {
	ended, stop := context.WithCancel(w.ctx)
	stop()
	for {
		ev, ok := w.sub.Next(ended)
		if !ok {
			return
		}
		kind := strings.ReplaceAll(ev.Kind.String(), " ", "-")
		if ev.Kind == event.Started || len(kinds) > 0 && !slices.Contains(kinds, kind) {
			continue
		}
		fmt.Fprintf(out, "%7.3fs %s", ev.At.Sub(w.start).Seconds(), kind)
		if ev.ID != "" && ev.Kind != event.Changed {
			fmt.Fprintf(out, " %s %s", w.nameOf(ev.ID), ev.Type)
		}
		if ev.Entity != "" {
			fmt.Fprintf(out, " of %s", ev.Entity)
		}
		switch ev.Kind {
		case event.Changed:
			fmt.Fprintf(out, " #%d", ev.Number)
		case event.Retrying:
			fmt.Fprintf(out, " in %v", ev.Due.Round(time.Millisecond))
		case event.Progressed:
			fmt.Fprintf(out, ": %d of %d", ev.Done, ev.Total)
		case event.Settled:
			fmt.Fprintf(out, ": %v", ev.Outcome)
			if ev.Successor != "" {
				fmt.Fprintf(out, " by %s", w.nameOf(ev.Successor))
			}
		case event.Conflicted:
			fmt.Fprintf(out, ": %v", ev.Resolution)
		}
		for _, v := range ev.Victims {
			fmt.Fprintf(out, ", %s", w.nameOf(v.ID))
			if v.Cause != "" {
				fmt.Fprintf(out, " because of %s", w.nameOf(v.Cause))
			}
		}
		if ev.Err != nil && ev.Kind != event.Settled {
			fmt.Fprintf(out, " (%s)", w.named(ev.Err))
		}
		out.WriteString("\n")
	}
}

// named is the text of an error, with the names of operations in the place of their ids.
func (w *stage) named(err error) string {
	text := err.Error()
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, name := range w.names {
		text = strings.ReplaceAll(text, "("+id+")", "("+name+")")
	}
	return text
}

func (w *stage) result(out *strings.Builder, name string) {
	h := w.handle(name)
	r, ok := h.Result()
	if !ok {
		fmt.Fprintf(out, "%s %s: %v\n", name, h.Type(), h.State())
		return
	}
	fmt.Fprintf(out, "%s %s: %v, %d calls", name, r.Type, r.Outcome, r.Calls)
	if r.Conflict != optimist.NoConflict {
		fmt.Fprintf(out, ", %v", r.Conflict)
	}
	if r.Differs {
		out.WriteString(", differs")
	}
	if r.Successor != nil {
		fmt.Fprintf(out, ", by %s", w.nameOf(r.Successor.ID()))
	}
	if r.Err != nil {
		fmt.Fprintf(out, " (%s)", w.named(r.Err))
	}
	out.WriteString("\n")
}

func (w *stage) snapshot(out *strings.Builder) {
	s := w.m.Snapshot()
	fmt.Fprintf(out, "pending=%d parked=%d in-flight=%d sending=%v\n", s.Pending, s.Parked, s.InFlight, s.Sending)
	for _, ent := range s.Entities {
		for _, o := range ent.Operations {
			fmt.Fprintf(out, "%s %s %s %v\n", ent.Entity, w.nameOf(o.ID), o.Type, o.State)
		}
	}
}
