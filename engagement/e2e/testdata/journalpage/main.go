// The journal's own page: a test drives it through the object "journal".
package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"syscall/js"

	"github.com/optimist-go/optimist/idbjournal"
	"github.com/optimist-go/optimist/journal"
)

var opened *idbjournal.Journal

func main() {
	js.Global().Set("journal", map[string]any{
		"open": promised(func(args []js.Value) (string, error) {
			var err error
			opened, err = idbjournal.Open(context.Background(), args[0].String())
			if errors.Is(err, journal.ErrOwned) {
				return "owned", nil
			}
			return "open", err
		}),
		"write": promised(func(args []js.Value) (string, error) {
			err := opened.Write([]journal.Record{{Seq: uint64(args[0].Int()), Data: []byte(args[1].String())}})
			return "written", err
		}),
		"load": promised(func([]js.Value) (string, error) {
			records, err := opened.Load()
			var all []string
			for _, r := range records {
				all = append(all, string(r.Data))
			}
			return strings.Join(all, " "), err
		}),
		"fill": promised(func([]js.Value) (string, error) {
			data := make([]byte, journal.MaxData)
			random := rand.NewChaCha8([32]byte{}) // which nobody can compress
			for seq := uint64(1000); seq < 1040; seq++ {
				_, _ = random.Read(data)
				if err := opened.Write([]journal.Record{{Seq: seq, Data: data}}); err != nil {
					if errors.Is(err, idbjournal.ErrQuota) && errors.Is(err, journal.ErrRefused) {
						return "quota", nil
					}
					return "", err
				}
			}
			return "filled", nil
		}),
	})
	js.Global().Get("document").Get("documentElement").Call("setAttribute", "data-journal", "")
	select {}
}

// promised lets JavaScript wait for f, which runs in a goroutine of its own.
func promised(f func(args []js.Value) (string, error)) js.Func {
	return js.FuncOf(func(_ js.Value, args []js.Value) any {
		return js.Global().Get("Promise").New(js.FuncOf(func(_ js.Value, settle []js.Value) any {
			go func() {
				if s, err := f(args); err != nil {
					settle[0].Invoke("error: " + err.Error())
				} else {
					settle[0].Invoke(s)
				}
			}()
			return nil
		}))
	})
}
