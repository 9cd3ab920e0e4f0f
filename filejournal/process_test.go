package filejournal_test

import (
	"os"
	"testing"

	"github.com/optimist-go/optimist/filejournal"
	"github.com/optimist-go/optimist/journaltest"
)

// processTarget compacts often, so that processes die in compactions too.
func processTarget() journaltest.Target {
	return target(filejournal.Options{CompactAt: 16 << 10})
}

func TestMain(m *testing.M) {
	journaltest.Child(processTarget())
	os.Exit(m.Run())
}

func TestProcesses(t *testing.T) { journaltest.RunProcesses(t, processTarget()) }
