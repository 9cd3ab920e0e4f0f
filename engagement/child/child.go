// Package child starts processes that take orders, as JSON values, on their standard input,
// and answer on their standard output. Such a process ends when its input ends, so it does
// not outlive the process that started it.
package child

import (
	"encoding/json"
	"io"
	"os/exec"
)

// Process is a running process. The caller must call Wait once, which closes Out; see
// [exec.Cmd.StdoutPipe].
type Process struct {
	*exec.Cmd
	// Orders writes to the standard input of the process.
	Orders *json.Encoder
	// Out is the standard output of the process.
	Out io.Reader

	in io.Closer
}

// Start starts the command, whose standard input and output must not be set.
func Start(cmd *exec.Cmd) (*Process, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &Process{Cmd: cmd, Orders: json.NewEncoder(in), Out: out, in: in}, nil
}

// End closes the standard input of the process, by which it ends. End does not wait.
func (p *Process) End() { p.in.Close() }
