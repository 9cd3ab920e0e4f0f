// Package sloglog writes a manager's events to a log/slog logger. It is an ordinary
// subscriber. It is not part of package optimist because log/slog makes a program for
// the browser larger.
//
// A level names the party that must act:
//
//	Error  the operator: a panic, a journal that failed, an operation of a
//	       type that it no longer knows, a server clock that is wrong, truth of a store that is not ours.
//	       Also the author of the program, which uses the manager in a way that cannot work
//	Warn   the user: a change was rolled back, or waits for a decision. Also a gap
//	       in the log
//	Info   no one; it explains the user's view: retries, conflicts, pauses
//	Debug  no one: all other events
//
// Values are never logged, arguments only with [Options].Args.
package sloglog

import (
	"context"
	"log/slog"
	"sync"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/event"
)

// Options choose the logged events. The zero value logs every event that the logger's
// handler accepts, without arguments.
type Options struct {
	Entity string // only events of this entity; empty: of all
	Buffer int    // events kept while the handler is slow; 0: 1,024
	Args   bool   // log the arguments of operations, which may be private
	// Level replaces the levels of this package. nil means the function [Level].
	Level func(optimist.Event) slog.Level
}

// Attach logs a manager's events from now on, in a goroutine of its own. The manager
// never waits for the logger: when the logger falls behind, events are lost, and the
// log has their number.
//
// Logging ends when the manager is closed, or with stop, which returns when all
// events so far have been written. The logger's handler must not call stop. A nil
// logger means [slog.Default].
func Attach(m *optimist.Manager, logger *slog.Logger, opts Options) (stop func()) {
	if logger == nil {
		logger = slog.Default()
	}
	if opts.Level == nil {
		opts.Level = Level
	}
	handler := logger.Handler()
	sub := m.Subscribe(optimist.SubscribeOptions{Entity: opts.Entity, Buffer: opts.Buffer, Args: opts.Args})
	var done sync.WaitGroup
	done.Go(func() {
		ctx := context.Background()
		for ev := range sub.All(ctx) {
			if level := opts.Level(ev); handler.Enabled(ctx, level) {
				r := slog.NewRecord(ev.At, level, "optimist: "+ev.Kind.String(), 0)
				r.AddAttrs(attrs(ev)...)
				_ = handler.Handle(ctx, r) // an error of the handler has no other place to go
			}
		}
	})
	return func() {
		sub.Close()
		done.Wait()
	}
}

// Level returns the level of an event; see the package's documentation.
func Level(ev optimist.Event) slog.Level {
	switch ev.Kind {
	case event.CallbackPanicked, event.JournalFailed, event.Quarantined, event.ClockDrift, event.TruthRefused, event.Misused:
		return slog.LevelError
	case event.Parked, event.RolledBack, event.Gap:
		return slog.LevelWarn
	case event.Retrying, event.Deferred, event.Conflicted, event.SendingPaused, event.SendingResumed:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

// attrs returns the fields of an event that are set.
func attrs(ev optimist.Event) []slog.Attr {
	var out []slog.Attr
	text := func(key, value string) {
		if value != "" {
			out = append(out, slog.String(key, value))
		}
	}
	count := func(key string, n int) {
		if n != 0 {
			out = append(out, slog.Int(key, n))
		}
	}
	text("entity", ev.Entity)
	text("id", ev.ID)
	text("type", ev.Type)
	count("calls", ev.Calls)
	if ev.Due != 0 {
		out = append(out, slog.Duration("due", ev.Due))
	}
	if ev.Outcome != 0 {
		text("outcome", ev.Outcome.String())
	}
	if ev.Resolution != optimist.NoConflict {
		text("conflict", ev.Resolution.String())
	}
	if ev.Err != nil {
		text("error", ev.Err.Error())
	}
	text("successor", ev.Successor)
	for _, v := range ev.Victims {
		fields := []any{slog.String("id", v.ID), slog.String("type", v.Type), slog.String("entity", v.Entity)}
		if v.Cause != "" {
			fields = append(fields, slog.String("cause", v.Cause))
		}
		if v.Err != nil {
			fields = append(fields, slog.String("error", v.Err.Error()))
		}
		out = append(out, slog.Group("victim", fields...))
	}
	count("pending", ev.Pending)
	count("parked", ev.Parked)
	if ev.Number != 0 {
		out = append(out, slog.Uint64("number", ev.Number))
	}
	count("missed", ev.Missed)
	count("done", int(ev.Done))
	count("total", int(ev.Total))
	if ev.Args != nil {
		out = append(out, slog.Any("args", readable(ev.Args)))
	}
	if s := ev.Snapshot; s != nil {
		count("pending", s.Pending)
		count("parked", s.Parked)
		count("inflight", s.InFlight)
	}
	return out
}
