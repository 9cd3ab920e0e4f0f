package filejournal_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/optimist-go/optimist/filejournal"
	"github.com/optimist-go/optimist/journal"
	"github.com/optimist-go/optimist/journaltest"
)

// target is a file journal with these options, as the suites see it.
func target(options filejournal.Options) journaltest.Target {
	return journaltest.Target{
		Open: func(dir string) (journal.Journal, error) { return opened(filejournal.Open(dir, options)) },
		Size: folderSize,
	}
}

// opened keeps a nil *Journal from becoming an interface that is not nil.
func opened(j *filejournal.Journal, err error) (journal.Journal, error) {
	if err != nil {
		return nil, err
	}
	return j, nil
}

func folderSize(dir string) (total int64, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	for _, entry := range entries {
		info, err := os.Stat(filepath.Join(dir, entry.Name()))
		if err != nil {
			return 0, err
		}
		total += info.Size()
	}
	return total, nil
}

func TestSuite(t *testing.T) { journaltest.Run(t, target(filejournal.Options{})) }

func TestSuiteRelaxed(t *testing.T) {
	journaltest.Run(t, target(filejournal.Options{Sync: filejournal.SyncRelaxed}))
}

// The suite with a compaction after almost every write.
func TestSuiteCompactingAllTheTime(t *testing.T) {
	journaltest.Run(t, target(filejournal.Options{CompactAt: 1}))
}
