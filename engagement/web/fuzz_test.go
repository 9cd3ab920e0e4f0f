package web

import (
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement/leanjson"
	"github.com/optimist-go/optimist/engagement/wire"
)

// FuzzNetwork: every answer of the server's panel can be shown, and changed.
func FuzzNetwork(f *testing.F) {
	f.Add([]byte(`{"scope":"session","profile":"lossy","rule":{"latencyMs":50,"loseRequest":0.2},"profiles":[{"name":"lossy","title":"x","rule":{}}]}`), "latency=900")
	f.Add([]byte(`{"rule":{"latencyMs":-9223372036854775808,"loseAnswer":1e308,"offline":true},"profiles":[{"name":"\u0000"}]}`), "errors=-5")
	f.Fuzz(func(t *testing.T, data []byte, value string) {
		var n wire.Network
		if leanjson.Unmarshal(data, &n) != nil {
			return
		}
		if viewLab(labModel{Known: true, Network: n, Timeline: &timeline{}, Now: time.Now()}).HTML() == "" {
			t.Error("nothing is shown")
		}
		for _, name := range []string{"net-profile", "net-offline", "net-set"} {
			if _, err := leanjson.Marshal(wishOf(Action{Name: name, Value: value}, n)); err != nil && name != "net-profile" {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
