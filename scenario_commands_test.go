package optimist_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/memjournal"
)

// command carries out one line and returns what it says, mostly nothing.
func (w *stage) command(line string) string {
	word := fields(line)
	verb, args := word[0], word[1:]
	if verb == "options" {
		return w.options(args)
	}
	w.open()
	says := w.do(verb, args)
	synctest.Wait()
	return says
}

// fields splits at blanks, but not inside of quotes.
func fields(line string) (out []string) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		if line[0] == '"' {
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				panic(line)
			}
			text, _ := strconv.Unquote(quoted)
			out, line = append(out, text), line[len(quoted):]
			continue
		}
		first, rest, _ := strings.Cut(line, " ")
		out, line = append(out, first), rest
	}
	return out
}

func (w *stage) options(args []string) string {
	for _, a := range args {
		key, value, _ := strings.Cut(a, "=")
		n, _ := strconv.Atoi(value)
		d, _ := time.ParseDuration(value)
		switch key {
		case "max-in-flight":
			w.opts.MaxInFlight = n
		case "max-per-entity":
			w.opts.MaxPerEntity = n
		case "leading":
			w.opts.Policy.Debounce = optimist.Debounce{Wait: 300 * time.Millisecond, Leading: true}
		case "probe-after":
			w.opts.ProbeAfter = n
		case "deadline":
			w.opts.Policy.Retry.Deadline = d
		case "latency":
			w.server.latency = d
		case "lagging":
			w.storeOptions.LaggingReplica = true
		case "read":
			w.storeOptions.Read = w.server.read
		case "journal":
			w.disk = new(memjournal.Disk)
		}
	}
	return ""
}

func (w *stage) do(verb string, args []string) string {
	switch verb {
	case "advance":
		d, err := time.ParseDuration(args[0])
		if err != nil {
			return say(err)
		}
		time.Sleep(d)
		return ""
	case "server":
		return w.script(args)
	case "receive":
		return w.receive(args)
	case "piece":
		return w.piece(args)
	case "page":
		return w.page(args)
	case "era":
		era, _ := strconv.Atoi(args[0])
		return say(w.m.NewEra(uint64(era)))
	case "undo":
		return w.undo(args[0])
	case "refresh":
		return w.refresh(args[0])
	case "tap", "set", "comment", "upload", "create", "edit", "delete", "publish", "like-both", "star", "batch", "draft", "link", "save-both":
		return w.execute(verb, args)
	case "scribble":
		for i := range w.tags {
			w.tags[i] = "SCRIBBLE"
		}
		return ""
	case "offline", "online":
		return say(w.m.SetOnline(verb == "online"))
	case "retry-now":
		return say(w.m.RetryNow())
	case "rollback-all":
		return say(w.m.RollbackAll(args[0]))
	case "clear-all":
		return say(w.m.ClearAll())
	case "flush", "close":
		ctx, stop := context.WithTimeout(w.ctx, time.Minute)
		if len(args) > 0 {
			stop()
		}
		defer stop()
		if verb == "flush" {
			return say(w.m.Flush(ctx))
		}
		return say(w.m.Close(ctx))
	case "crash":
		return w.crash()
	case "disk":
		n, _ := strconv.Atoi(args[1])
		for i := range n {
			w.disk.Inject(i+1, memjournal.Refuse)
		}
		return ""
	case "cancel", "retry", "discard", "edit-parked", "send-now":
		return w.decide(verb, args)
	}
	return w.show(verb, args)
}

func say(err error) string {
	if err == nil {
		return ""
	}
	return "error: " + err.Error() + "\n"
}

func (w *stage) script(args []string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch args[0] {
	case "backup":
		w.server.backup = w.server.copied()
	case "restored":
		era := w.server.era + 1
		w.server.kept = w.server.backup.copied()
		w.server.era = era
	case "latency":
		w.server.latency, _ = time.ParseDuration(args[1])
	default:
		for _, a := range args {
			how, times, many := strings.Cut(a, "*")
			n, _ := strconv.Atoi(times)
			for i := 0; i < n || i == 0 && !many; i++ {
				w.server.next = append(w.server.next, how)
			}
		}
	}
	return ""
}

// id is an article's name within its store.
func id(entity string) string { return strings.TrimPrefix(entity, "post:") }

// refresh reads truth slowly: what the server has now arrives after its latency.
func (w *stage) refresh(entity string) string {
	go w.posts.Refresh(w.ctx, id(entity), func(context.Context) (optimist.Truth[article], error) {
		w.mu.Lock()
		value, wait := w.server.post(id(entity)).article, w.server.latency
		w.mu.Unlock()
		time.Sleep(wait)
		return optimist.TruthOf(value, 0), nil
	})
	return ""
}

// execute makes an operation. "after h1" at the end makes it depend on others.
func (w *stage) execute(verb string, args []string) string {
	var after []*optimist.Handle
	for len(args) > 2 && args[len(args)-2] == "after" {
		after = append(after, w.handle(args[len(args)-1]))
		args = args[:len(args)-2]
	}
	ctx := w.ctx
	if args[len(args)-1] == "cancelled" {
		ended, stop := context.WithCancel(ctx)
		stop()
		ctx, args = ended, args[:len(args)-1]
	}
	var h *optimist.Handle
	var err error
	switch verb {
	case "tap": // the opposite of what is shown
		view := w.posts.View(id(args[1]))
		list := view.Value.Likes
		if args[0] == "save" {
			list = view.Value.Saves
		}
		on := member(list, args[2], true) != list
		h, err = w.actions[args[0]].Execute(ctx, id(args[1]), gift{User: args[2], On: on}, after...)
	case "set":
		h, err = w.actions[args[0]].Execute(ctx, id(args[1]), gift{User: args[2], On: args[3] == "on"}, after...)
	case "comment", "upload":
		w.tags = append([]string(nil), args[3:]...)
		h, err = w.actions[verb].Execute(ctx, id(args[0]), gift{ID: args[1], Text: args[2], Tags: w.tags}, after...)
	case "create", "edit":
		h, err = w.actions[verb].Execute(ctx, id(args[0]), gift{Text: args[1]}, after...)
	case "draft":
		h, err = w.actions[verb].Execute(ctx, id(args[0]), gift{Text: args[1]}, after...)
	case "link":
		h, err = w.actions[verb].Execute(ctx, id(args[0]), gift{To: id(args[1])}, after...)
	case "save-both":
		h, err = w.saveBoth.Execute(ctx, gift{ID: id(args[0]), To: id(args[1]), User: args[2], On: true}, after...)
	case "delete", "publish":
		h, err = w.actions[verb].Execute(ctx, id(args[0]), gift{On: true}, after...)
	case "like-both":
		h, err = w.group.Execute(ctx, gift{ID: id(args[0]), To: id(args[1]), User: args[2], On: true}, after...)
	case "batch":
		like := func(n int) optimist.Planned {
			return w.actions["like"].Plan(id(args[0]), gift{User: args[n], On: true})
		}
		var all []*optimist.Handle
		if all, err = w.m.Batch(ctx, like(1), like(2)); err == nil {
			w.handles, h = append(w.handles, all[0]), all[1]
			w.nameOf(all[0].ID())
		}
	case "star":
		h, err = w.m.ExecuteToggle(ctx, optimist.ToggleUpdate{
			Type: "star", Entity: args[0],
			Current: func() bool { return w.star },
			Apply: func(on bool) func() {
				was := w.star
				w.star = on
				return func() { w.star = was }
			},
			Send: func(ctx context.Context, on bool) (bool, error) {
				how := w.server.note("star", optimist.Call[gift]{ID: "star", Number: 1, Args: gift{User: "star", On: on}})
				time.Sleep(w.server.travel("star"))
				return on, failure(how)
			},
		})
	}
	if err != nil {
		return say(err)
	}
	w.nameOf(h.ID())
	w.handles = append(w.handles, h)
	return ""
}

func (w *stage) handle(name string) *optimist.Handle {
	for _, h := range append(w.m.Operations(), w.handles...) {
		if w.nameOf(h.ID()) == name {
			return h
		}
	}
	panic("no handle " + name)
}

func (w *stage) decide(verb string, args []string) string {
	h := w.handle(args[0])
	switch verb {
	case "cancel":
		return say(h.Cancel())
	case "retry":
		return say(h.Retry())
	case "discard":
		return say(h.Discard())
	case "send-now":
		return say(h.SendNow())
	}
	again, err := w.actions[h.Type()].Edit(h, gift{User: args[1], On: true})
	if err != nil {
		return say(err)
	}
	w.nameOf(again.ID())
	w.handles = append(w.handles, again)
	return ""
}

// crash ends the process without a word, and starts another one on the same disk.
func (w *stage) crash() string {
	w.disk.Crash()
	old := w.m
	ended, stop := context.WithCancel(w.ctx)
	stop()
	old.Close(ended)
	w.m = nil
	w.open()
	w.handles = w.restored.Operations
	var out strings.Builder
	for _, h := range w.handles {
		fmt.Fprintf(&out, "restored %s %s of %s\n", w.nameOf(h.ID()), h.Type(), h.Entity())
	}
	return out.String()
}

var errNoCommand = errors.New("no such command")
