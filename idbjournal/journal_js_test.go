package idbjournal_test

import (
	"context"
	"errors"
	"syscall/js"
	"testing"

	"github.com/optimist-go/optimist/idbjournal"
	"github.com/optimist-go/optimist/journal"
	"github.com/optimist-go/optimist/journaltest"
)

// These tests run in a browser: package e2e of the engagement application compiles
// them and looks on.

func TestMain(m *testing.M) {
	if !js.Global().Get("indexedDB").Truthy() {
		println("NO BROWSER: these tests need IndexedDB")
		return
	}
	m.Run()
}

func TestSuite(t *testing.T) {
	journaltest.Run(t, journaltest.Target{Open: func(dir string) (journal.Journal, error) {
		j, err := idbjournal.Open(t.Context(), dir)
		if err != nil {
			return nil, err
		}
		return j, nil
	}})
}

// await waits for a promise or the success of a request.
func await(t *testing.T, request js.Value) js.Value {
	t.Helper()
	if request.Get("then").Truthy() {
		return awaitPromise(request)
	}
	done := make(chan bool, 1)
	end := func(ok bool) js.Func {
		return js.FuncOf(func(js.Value, []js.Value) any { done <- ok; return nil })
	}
	request.Set("onsuccess", end(true))
	request.Set("onerror", end(false))
	if !<-done {
		t.Fatal(request.Get("error").Get("message").String())
	}
	return request.Get("result")
}

func awaitPromise(promise js.Value) js.Value {
	done := make(chan js.Value, 1)
	promise.Call("then", js.FuncOf(func(_ js.Value, args []js.Value) any { done <- args[0]; return nil }))
	return <-done
}

func TestDamageIsReported(t *testing.T) {
	j, err := idbjournal.Open(t.Context(), "damaged")
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Write([]journal.Record{{Seq: 1, Data: []byte("whole")}}); err != nil {
		t.Fatal(err)
	}
	j.Close()
	db := await(t, js.Global().Get("indexedDB").Call("open", "damaged"))
	await(t, db.Call("transaction", "records", "readwrite").Call("objectStore", "records").Call("put", "not bytes", "0000000000000002"))
	db.Call("close")

	if j, err = idbjournal.Open(t.Context(), "damaged"); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	records, err := j.Load()
	if !errors.Is(err, journal.ErrCorrupt) || len(records) != 1 {
		t.Errorf("Load: %d records, %v; want the whole one, and journal.ErrCorrupt", len(records), err)
	}
	if err := j.Write([]journal.Record{{Seq: 3}}); !errors.Is(err, journal.ErrCorrupt) {
		t.Errorf("Write on a damaged journal: %v", err)
	}
}

func TestAnotherVersionIsRefused(t *testing.T) {
	await(t, js.Global().Get("indexedDB").Call("open", "newer", 2)).Call("close")
	if _, err := idbjournal.Open(t.Context(), "newer"); !errors.Is(err, idbjournal.ErrUnavailable) {
		t.Errorf("Open of a later version: %v", err)
	}
}

// A person clears the site's data while the page is open.
func TestDeletedUnderneath(t *testing.T) {
	j, err := idbjournal.Open(t.Context(), "deleted")
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	await(t, js.Global().Get("indexedDB").Call("deleteDatabase", "deleted"))
	for range 2 {
		if err := j.Write([]journal.Record{{Seq: 1}}); !errors.Is(err, journal.ErrFailed) {
			t.Errorf("Write after the data was cleared: %v, want journal.ErrFailed", err)
		}
	}
}

func TestWaitForTheOwner(t *testing.T) {
	first, err := idbjournal.Open(t.Context(), "wanted")
	if err != nil {
		t.Fatal(err)
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := idbjournal.Wait(impatient, "wanted"); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait until the context ends: %v", err)
	}
	second := make(chan *idbjournal.Journal, 1)
	go func() {
		j, err := idbjournal.Wait(t.Context(), "wanted")
		if err != nil {
			t.Error(err)
		}
		second <- j
	}()
	locks := js.Global().Get("navigator").Get("locks")
	for waiting := 0; waiting == 0; { // until it is in the queue, where the impatient one is not
		waiting = await(t, locks.Call("query")).Get("pending").Length()
	}
	if err := first.Write([]journal.Record{{Seq: 1, Data: []byte("left")}}); err != nil {
		t.Fatal(err)
	}
	first.Close()
	j := <-second
	if records, err := j.Load(); err != nil || len(records) != 1 || string(records[0].Data) != "left" {
		t.Errorf("the next owner finds %v, %v", records, err)
	}
	j.Close()
}

func TestDeleteLeavesNothing(t *testing.T) {
	j, err := idbjournal.Open(t.Context(), "deleted")
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Write([]journal.Record{{Seq: 1, Data: []byte("secret")}}); err != nil {
		t.Fatal(err)
	}
	if err := j.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := await(t, js.Global().Get("indexedDB").Call("databases"))
	for i := range all.Length() {
		if all.Index(i).Get("name").String() == "deleted" {
			t.Error("the database is still there")
		}
	}
	if err := j.Write([]journal.Record{{Seq: 2}}); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("Write after Delete: %v", err)
	}
	if _, err := idbjournal.Open(t.Context(), "deleted"); !errors.Is(err, journal.ErrOwned) {
		t.Errorf("Open before Close: %v", err)
	}
	j.Close()
	if err := j.Delete(t.Context()); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("Delete after Close: %v", err)
	}
	if j, err = idbjournal.Open(t.Context(), "deleted"); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if records, err := j.Load(); err != nil || len(records) != 0 {
		t.Errorf("a new journal of that name holds %v, %v", records, err)
	}
}

// A page that is left, and that the browser may show again, owns nothing any more.
func TestPageThatIsLeft(t *testing.T) {
	j, err := idbjournal.Open(t.Context(), "put aside")
	if err != nil {
		t.Fatal(err)
	}
	left := func(persisted bool) {
		event := js.Global().Get("PageTransitionEvent").New("pagehide", map[string]any{"persisted": persisted})
		js.Global().Call("dispatchEvent", event)
	}
	left(false)
	if err := j.Write([]journal.Record{{Seq: 1, Data: []byte("one")}}); err != nil {
		t.Fatal(err)
	}
	left(true)
	next, err := idbjournal.Wait(t.Context(), "put aside")
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if err := j.Write([]journal.Record{{Seq: 1, Data: []byte("two")}}); !errors.Is(err, journal.ErrFailed) {
		t.Errorf("Write in a page that was left: %v", err)
	}
	if records, err := next.Load(); err != nil || len(records) != 1 || string(records[0].Data) != "one" {
		t.Errorf("the next owner finds %v, %v", records, err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}
