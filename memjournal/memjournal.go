// Package memjournal keeps a journal in memory. It is not durable: it is gone with
// the process, and its Durability says so. It is for tests and simulations, and for
// programs that want the manager's journal code without a disk.
//
// A [Disk] outlives the journals that are opened on it, as a file outlives a process.
// A simulation crashes it, and makes chosen writes fail:
//
//	var disk memjournal.Disk
//	j, err := disk.Open()
//	disk.Inject(3, memjournal.CrashAfter) // in the third Write from now on
//	...
//	j, err = disk.Open() // the restarted simulated process
//
// Calls take no time and never block on anything but each other, so that a journal
// can be used inside a testing/synctest bubble.
package memjournal

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/optimist-go/optimist/journal"
)

// New returns a journal on a disk of its own.
func New() *Journal {
	j, err := new(Disk).Open()
	if err != nil {
		panic(err) // a new disk has no owner
	}
	return j
}

// Disk simulates a disk with one journal. The zero Disk is empty and ready, and syncs
// every write. A Disk must not be copied; its methods are safe for concurrent use.
type Disk struct {
	mu    sync.Mutex
	owner *Journal // nil if the journal has no owner

	// cached are the records that a reader finds, synced the records that remain after a
	// Crash. They are equal unless dirty is set.
	cached, synced map[uint64][]byte
	dirty          bool

	lazy   bool
	writes int           // calls of Write with records, of a journal that was open
	faults map[int]Fault // by the number of the write that they strike
}

// Fault is the way in which one Write fails.
type Fault uint8

const (
	// Refuse: the disk is full. The write has no effect, the journal goes on.
	Refuse Fault = iota + 1
	// FailLost: the journal stops. When it is opened again, the write is lost.
	FailLost
	// FailKept: the journal stops. When it is opened again, the write is there
	// nevertheless.
	FailKept
	// CrashBefore: a [Disk.Crash] just before the write reaches the disk.
	CrashBefore
	// CrashAfter: a [Disk.Crash] just after the write was synced, before Write returns.
	CrashAfter
)

// Errors of a simulated disk, as causes.
var (
	ErrDiskFull = errors.New("memjournal: no space left on the simulated disk")
	ErrDiskBad  = errors.New("memjournal: error of the simulated disk")
	ErrCrashed  = errors.New("memjournal: simulated crash")
)

// Open opens the journal on the disk and makes the caller its owner.
func (d *Disk) Open() (*Journal, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.owner != nil {
		return nil, fmt.Errorf("memjournal: %w (close it there first)", journal.ErrOwned)
	}
	d.owner = &Journal{disk: d}
	return d.owner, nil
}

// Crash simulates kill -9 and a loss of power: unsynced writes are lost, the owner's
// calls fail from now on, and the journal can be opened again.
func (d *Disk) Crash() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.crashLocked()
}

func (d *Disk) crashLocked() {
	d.cached = maps.Clone(d.synced)
	d.dirty = false
	if d.owner != nil {
		d.owner.ended = fmt.Errorf("%w: %w", ErrCrashed, journal.ErrClosed)
		d.owner = nil
	}
}

// SetLazy says whether writes stay unsynced until [Disk.Sync] or [Journal.Close]. A
// Crash then loses them although Write returned nil.
func (d *Disk) SetLazy(lazy bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lazy = lazy
}

// Sync syncs all writes: they survive a Crash.
func (d *Disk) Sync() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncLocked()
}

func (d *Disk) syncLocked() {
	d.synced = maps.Clone(d.cached)
	d.dirty = false
}

// Inject makes the nth Write from now on, counted from 1, end in fault. It replaces
// an earlier fault for that write.
func (d *Disk) Inject(nth int, fault Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.faults == nil {
		d.faults = make(map[int]Fault)
	}
	d.faults[d.writes+nth] = fault
}

// Writes returns the number of calls of Write with records so far, including calls
// that ended in a fault. A simulation learns from it the number of instants at which
// it can crash.
func (d *Disk) Writes() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.writes
}

// loadLocked returns copies of the live records, ascending.
func (d *Disk) loadLocked() []journal.Record {
	records := make([]journal.Record, 0, len(d.cached))
	for seq, data := range d.cached {
		records = append(records, journal.Record{Seq: seq, Data: bytes.Clone(data)})
	}
	slices.SortFunc(records, func(a, b journal.Record) int { return cmp.Compare(a.Seq, b.Seq) })
	return records
}

// storeLocked applies all records, and syncs them if sync is set.
func (d *Disk) storeLocked(records []journal.Record, sync bool) {
	if d.cached == nil {
		d.cached = make(map[uint64][]byte)
		d.synced = make(map[uint64][]byte)
	}
	for _, r := range records {
		if r.Settled {
			delete(d.cached, r.Seq)
		} else {
			d.cached[r.Seq] = bytes.Clone(r.Data)
		}
	}
	switch {
	case !sync:
		d.dirty = true
		return
	case d.dirty: // earlier writes are synced with it
		d.syncLocked()
		return
	}
	for _, r := range records {
		if data, live := d.cached[r.Seq]; live {
			d.synced[r.Seq] = data
		} else {
			delete(d.synced, r.Seq)
		}
	}
}
