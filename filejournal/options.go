package filejournal

import "fmt"

// SyncPolicy says when the log is synced.
type SyncPolicy uint8

const (
	// SyncAlways syncs before a Write returns: its records survive a loss of power.
	SyncAlways SyncPolicy = iota
	// SyncRelaxed leaves the syncing to the operating system, until Close: records
	// survive the death of the process, but not that of the machine. It is many
	// times faster on most disks.
	SyncRelaxed
)

// Options change how a journal works. The zero value is what most programs want.
type Options struct {
	// Sync is when records are made durable. Zero is SyncAlways.
	Sync SyncPolicy

	// CompactAt is the size of the log in bytes below which it is left alone. Above
	// it, the log is written anew as soon as more than half of it is settled.
	// Zero means 1 MiB.
	CompactAt int64
}

const defaultCompactAt = 1 << 20

// normal fills in the defaults and says in a sentence what is wrong.
func (o Options) normal() (Options, error) {
	if o.Sync > SyncRelaxed {
		return o, fmt.Errorf("filejournal: Options.Sync is %d, which is neither SyncAlways nor SyncRelaxed", o.Sync)
	}
	if o.CompactAt < 0 {
		return o, fmt.Errorf("filejournal: Options.CompactAt is %d bytes; it must not be negative", o.CompactAt)
	}
	if o.CompactAt == 0 {
		o.CompactAt = defaultCompactAt
	}
	return o, nil
}
