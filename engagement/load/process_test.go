package load

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestProcessThatDoesNotAnswer is given up.
func TestProcessThatDoesNotAnswer(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{
		job:      job{From: 3, Clients: 2},
		patience: 50 * time.Millisecond,
		command: func() *exec.Cmd {
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), "LOAD_PROCESS=asleep")
			return cmd
		},
	}
	err = p.start(t.Context())
	p.close()
	if err == nil || !strings.Contains(err.Error(), "clients 3 to 4") || !strings.Contains(err.Error(), "was killed") {
		t.Error(err)
	}
}
