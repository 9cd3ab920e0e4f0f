package filejournal

import "fmt"

// SyncPolicy is the time at which the log is synced.
type SyncPolicy uint8

const (
	// SyncAlways syncs before a Write returns: its records survive a loss of power.
	SyncAlways SyncPolicy = iota
	// SyncRelaxed leaves the syncing to the operating system, until
	// [Journal.Close]: records survive the death of the process, but not a loss of
	// power. It is many times faster on most disks.
	SyncRelaxed
)

// Options are the options of a [Journal]. The zero value fits most programs.
type Options struct {
	// Sync is the time at which records are made durable. Zero means [SyncAlways].
	Sync SyncPolicy

	// CompactAt is a size of the log in bytes. A larger log is compacted as soon as
	// more than half of it is settled. Zero means 1 MiB.
	CompactAt int64
}

const defaultCompactAt = 1 << 20

// normal fills in the defaults. Its error describes a wrong option.
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
