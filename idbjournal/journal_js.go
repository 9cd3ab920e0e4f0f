package idbjournal

import (
	"context"
	"strconv"
	"sync"
	"syscall/js"

	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/journal"
)

var (
	_ journal.Journal = (*Journal)(nil)
)

// Journal is a [journal.Journal] in IndexedDB. [Open] makes one. Its methods are safe for
// concurrent use.
type Journal struct {
	name string

	// mu is held during a transaction, so that there is one at a time. It guards
	// everything below.
	mu     sync.Mutex
	db     js.Value
	lock   *lock
	gone   js.Func // listener of the database, for a page that wants to delete or upgrade it
	aside  js.Func // listener of the page, for its move into the back/forward cache
	closed bool
	failed error // the reason why the journal has stopped; never unset
	damage error // found by Load
}

const storeName = "records"

// Open opens the journal of that name, which it makes if it is missing. The journal's owner
// is then this page. The error wraps [journal.ErrOwned] if another tab owns the journal,
// [ErrUnavailable], [ErrBlocked] or [ErrQuota] where the browser offers no storage, and
// otherwise [journal.ErrFailed]. It is ctx.Err() when ctx ends before the browser has
// answered.
func Open(ctx context.Context, name string) (*Journal, error) { return open(ctx, name, false) }

// Wait is [Open], but when another tab owns the journal Wait waits until that tab closes
// it, is closed itself, or crashes. Waiting pages get the journal in the order of their
// calls.
func Wait(ctx context.Context, name string) (*Journal, error) { return open(ctx, name, true) }

func open(ctx context.Context, name string, wait bool) (*Journal, error) {
	lock, err := own(ctx, "optimist journal "+name, wait)
	if err != nil {
		return nil, errorf.New("open journal %q: %w", name, err)
	}
	db, err := openDatabase(ctx, name)
	if err != nil {
		lock.release()
		return nil, errorf.New("open journal %q: %w", name, err)
	}
	j := &Journal{name: name, db: db, lock: lock}
	j.gone = js.FuncOf(func(js.Value, []js.Value) any {
		db.Call("close") // the person cleared the data, or another tab wants the database
		return nil
	})
	db.Set("onversionchange", j.gone)
	j.aside = js.FuncOf(func(_ js.Value, args []js.Value) any {
		if args[0].Get("persisted").Bool() {
			db.Call("close") // closes after the running transaction
			lock.letGo()
		}
		return nil
	})
	js.Global().Call("addEventListener", "pagehide", j.aside)
	return j, nil
}

// openDatabase opens the database and makes its store.
func openDatabase(ctx context.Context, name string) (js.Value, error) {
	factory := js.Global().Get("indexedDB")
	if !factory.Truthy() {
		return js.Value{}, errorf.New("%w: the browser has no IndexedDB", ErrUnavailable)
	}
	request, err := try(func() js.Value { return factory.Call("open", name, 1) })
	if err != nil {
		return js.Value{}, err
	}
	upgrade := js.FuncOf(func(js.Value, []js.Value) any {
		request.Get("result").Call("createObjectStore", storeName)
		return nil
	})
	w := newWaiter(request, "success", "error", "blocked")
	request.Set("onupgradeneeded", upgrade)
	event, err := w.wait(ctx)
	if err != nil {
		// The database may still open: then close it again.
		late := js.FuncOf(func(js.Value, []js.Value) any { request.Get("result").Call("close"); return nil })
		request.Set("onsuccess", late)
		return js.Value{}, err
	}
	w.release()
	request.Set("onupgradeneeded", js.Null())
	upgrade.Release()
	switch event {
	case "success":
		return request.Get("result"), nil
	case "blocked":
		return js.Value{}, ErrBlocked
	}
	return js.Value{}, reason(request.Get("error"))
}

// Durability returns [journal.DurablePower]: transactions are strict.
func (j *Journal) Durability() journal.Durability { return journal.DurablePower }

// Load returns the live records, ascending by sequence number. It may be called more
// than once.
func (j *Journal) Load() ([]journal.Record, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.stateLocked(); err != nil {
		return nil, err
	}
	var keys, values js.Value
	err := j.transactLocked("readonly", func(store js.Value) {
		keys, values = store.Call("getAllKeys"), store.Call("getAll")
	})
	if err != nil {
		return nil, errorf.New("load journal %q: %w", j.name, err)
	}
	keys, values = keys.Get("result"), values.Get("result")
	records := make([]journal.Record, 0, keys.Length())
	bytes := js.Global().Get("Uint8Array")
	for i := range keys.Length() {
		key, value := keys.Index(i), values.Index(i)
		var seq uint64
		var err error
		if key.Type() == js.TypeString {
			seq, err = strconv.ParseUint(key.String(), 16, 64)
		}
		if key.Type() != js.TypeString || err != nil || keyOf(seq) != key.String() || !value.InstanceOf(bytes) {
			j.damage = errorf.New("journal %q: %w: entry %d of the store is not a record", j.name, journal.ErrCorrupt, i)
			continue
		}
		data := make([]byte, value.Length())
		js.CopyBytesToGo(data, value)
		records = append(records, journal.Record{Seq: seq, Data: data})
	}
	return records, j.damage
}

func keyOf(seq uint64) string {
	const zeros = "0000000000000000"
	digits := strconv.FormatUint(seq, 16)
	return zeros[len(digits):] + digits
}

// Write makes the records durable, in one transaction.
func (j *Journal) Write(records []journal.Record) error {
	for _, r := range records {
		if len(r.Data) > journal.MaxData {
			return errorf.New("idbjournal: record %d has %d bytes, %d are allowed: %w",
				r.Seq, len(r.Data), journal.MaxData, journal.ErrTooLarge)
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	switch err := j.stateLocked(); {
	case err != nil:
		return err
	case j.damage != nil:
		return j.damage
	case len(records) == 0:
		return nil
	}
	err := j.transactLocked("readwrite", func(store js.Value) {
		for _, r := range records {
			if r.Settled {
				store.Call("delete", keyOf(r.Seq))
				continue
			}
			data := js.Global().Get("Uint8Array").New(len(r.Data))
			js.CopyBytesToJS(data, r.Data)
			store.Call("put", data, keyOf(r.Seq))
		}
	})
	if err != nil {
		return errorf.New("write journal %q: %w", j.name, err)
	}
	return nil
}

// transactLocked runs one transaction and waits until it is complete. Every error except an
// exceeded quota stops the journal.
func (j *Journal) transactLocked(mode string, work func(store js.Value)) error {
	var w *waiter
	tx, err := try(func() js.Value {
		tx := j.db.Call("transaction", storeName, mode, map[string]any{"durability": "strict"})
		w = newWaiter(tx, "complete", "abort")
		return tx
	})
	if err == nil {
		defer w.release()
		_, err = try(func() js.Value {
			work(tx.Call("objectStore", storeName))
			if mode == "readwrite" && tx.Get("commit").Truthy() {
				tx.Call("commit") // at once: a page that is left a moment later gets no more events
			}
			return js.Undefined()
		})
		if err != nil {
			_, _ = try(func() js.Value { return tx.Call("abort") })
		}
		event, _ := w.wait(context.Background())
		if err == nil && event == "abort" {
			err = reason(tx.Get("error"))
		}
	}
	if err != nil && !isRefused(err) {
		j.failed = err
	}
	return err
}

func (j *Journal) stateLocked() error {
	if j.closed {
		return errorf.New("idbjournal: %w", journal.ErrClosed)
	}
	return j.failed
}

// Delete deletes the journal: all its records, and its database. It is for a person who
// signs out. [Journal.Load] and [Journal.Write] fail from then on, with
// [journal.ErrClosed]. The page owns the journal until [Journal.Close], so no other page
// opens it meanwhile. The error is [ErrBlocked] while another page has opened the database
// without owning the journal; the browser then deletes the database when that page closes
// it. It is ctx.Err() when ctx ends before the browser has answered.
func (j *Journal) Delete(ctx context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return errorf.New("idbjournal: %w", journal.ErrClosed)
	}
	j.failed = errorf.New("idbjournal: journal %q was deleted: %w", j.name, journal.ErrClosed)
	j.db.Call("close")
	request, err := try(func() js.Value { return js.Global().Get("indexedDB").Call("deleteDatabase", j.name) })
	if err == nil {
		w := newWaiter(request, "success", "error", "blocked")
		defer w.release()
		var event string
		switch event, err = w.wait(ctx); event {
		case "error":
			err = reason(request.Get("error"))
		case "blocked":
			err = ErrBlocked
		}
	}
	if err != nil {
		return errorf.New("delete journal %q: %w", j.name, err)
	}
	return nil
}

// Close gives up ownership. It waits for a running Write.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil
	}
	j.closed = true
	j.db.Set("onversionchange", js.Null())
	j.gone.Release()
	js.Global().Call("removeEventListener", "pagehide", j.aside)
	j.aside.Release()
	j.db.Call("close")
	j.lock.release()
	return nil
}
