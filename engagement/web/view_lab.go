package web

import (
	"math"
	"strconv"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/wire"
)

func viewLab(m labModel) *Node {
	return el("div.lab-inner", []string{"tabindex", "-1", "data-focus", "operations"},
		viewTimeline(m),
		maybe(!m.NoPanel, viewNetwork(m).with("network")),
	)
}

// slider is one dial of the network panel.
type slider struct {
	name, label string
	max, step   int
	value       func(wire.NetworkRule) int
	set         func(*wire.NetworkRule, int)
	unit        string
}

func share(field func(*wire.NetworkRule) *float64) (func(wire.NetworkRule) int, func(*wire.NetworkRule, int)) {
	return func(r wire.NetworkRule) int { return int(math.Round(*field(&r) * 100)) },
		func(r *wire.NetworkRule, v int) { *field(r) = float64(v) / 100 }
}

var sliders = func() []slider {
	lose, setLose := share(func(r *wire.NetworkRule) *float64 { return &r.LoseRequest })
	answer, setAnswer := share(func(r *wire.NetworkRule) *float64 { return &r.LoseAnswer })
	fail, setFail := share(func(r *wire.NetworkRule) *float64 { return &r.ServerError })
	return []slider{
		{"latency", "Delay", 3000, 100, func(r wire.NetworkRule) int { return r.LatencyMs }, func(r *wire.NetworkRule, v int) { r.LatencyMs = v }, " ms"},
		{"lost", "Requests lost", 100, 5, lose, setLose, "%"},
		{"answers", "Answers lost", 100, 5, answer, setAnswer, "%"},
		{"errors", "Server errors", 100, 5, fail, setFail, "%"},
	}
}()

func viewNetwork(m labModel) *Node {
	n := m.Network
	if !m.Known {
		return el("section.panel", []string{"aria-labelledby", "net"},
			el("h2", []string{"id", "net"}, text("Network")),
			maybe(m.Problem == "", el("p.hint", nil, text("Asking the server…")).with("asking")),
			viewLabProblem(m))
	}
	locked := m.Nobody
	hint := "Real network faults"
	var chips []*Node
	for _, p := range n.Profiles {
		if p.Name == n.Profile && p.Title != "" && p.Name != "clean" {
			hint = p.Title
		}
		if p.Name == "offline" {
			continue // the switch above shows it already
		}
		chips = append(chips, el("button.chip", []string{
			"data-act", "net-profile", "data-value", p.Name, "title", p.Title,
			"aria-pressed", strconv.FormatBool(p.Name == n.Profile), when(locked, "disabled"), "",
		}, text(p.Name)).with(p.Name))
	}
	var dials []*Node
	for _, s := range sliders {
		v := number(s.value(n.Rule))
		words := v + s.unit
		dials = append(dials, el("div.dial", nil,
			el("label", []string{"for", "dial-" + s.name}, text(s.label)),
			el("span.reading", []string{"aria-hidden", "true"}, text(words)),
			el("input", []string{
				"type", "range", "id", "dial-" + s.name, "min", "0", "max", number(s.max), "step", number(s.step), "value", v, "aria-valuetext", words,
				"data-act", "net-set", "data-value", s.name, when(locked, "disabled"), "",
			}),
		).with(s.name))
	}
	return el("section.panel", []string{"aria-labelledby", "net"},
		el("h2", []string{"id", "net"}, text("Network")),
		el("p.hint", nil, text(hint+", for your session only.")),
		el("button.switch", []string{
			"role", "switch", "aria-checked", strconv.FormatBool(n.Rule.Offline),
			"data-act", "net-offline", when(locked, "disabled"), "",
		}, el("span.knob", []string{"aria-hidden", "true"}), text("Offline")),
		el("div.chips", []string{"role", "group", "aria-label", "Presets"}, chips...),
		el("div.dials", nil, dials...),
		maybe(locked, el("p.hint", nil, text("Sign in to use it.")).with("locked")),
		viewLabProblem(m),
	)
}

func viewLabProblem(m labModel) *Node {
	return maybe(m.Problem != "", el("p.problem", []string{"role", "alert"}, text(m.Problem)).with("problem"))
}

func viewTimeline(m labModel) *Node {
	t := m.Timeline
	var rows []*Node
	from, to := t.window(m.Now)
	for i := len(t.lives) - 1; i >= 0; i-- {
		l := t.lives[i]
		if l.endedBefore(from) {
			continue
		}
		rows = append(rows, el("li.life", nil,
			el("span.op", nil, text(l.name()), el("span.of", nil, text(m.Names(l.Entity)))),
			viewTrack(l, from, to, m.Now),
			el("span.state "+stateClass(l), nil, text(stateWords(l))),
		).with(l.Row))
	}
	none := "Like or save something, and watch its operation here."
	if m.Nobody {
		none = "Sign in, like or save something, and watch its operation here."
	}
	return el("section.panel timeline", []string{"aria-labelledby", "time"},
		el("h2", []string{"id", "time"}, text("Operations")),
		viewTotals(t.total),
		maybe(len(rows) == 0, el("p.hint", nil, text(none)).with("none")),
		maybe(len(rows) > 0, viewLegend().with("legend")),
		maybe(len(rows) > 0, el("ol.lives", nil, rows...).with("lives")),
	)
}

func viewTotals(t totals) *Node {
	cell := func(n int, what string) *Node {
		return el("div", nil, el("dt", nil, text(what)), el("dd", nil, text(number(n))))
	}
	return el("dl.totals", nil,
		cell(t.Taps, "taps"), cell(t.Calls, "calls"), cell(t.Saved, "calls saved"),
		cell(t.Retries, "retries"), cell(t.Conflicts, "conflicts"), cell(t.Undone, "undone"))
}

func viewLegend() *Node {
	var items []*Node
	for _, k := range [][2]string{{"wait", "waiting"}, {"flight", "in flight"}, {"retry", "before a retry"}, {"parked", "needs you"}} {
		items = append(items, el("li", nil, el("svg.swatch", []string{"viewBox", "0 0 14 8", "aria-hidden", "true"},
			el("rect", []string{"class", k[0], "width", "14", "height", "8", "rx", "2"})), text(k[1])))
	}
	return el("ul.legend", nil, items...)
}

// viewTrack draws a life between two moments, 1000 units wide.
func viewTrack(l *life, from, to, now time.Time) *Node {
	var bars []*Node
	total := float64(to.Sub(from))
	at := func(t time.Time) float64 { return min(max(float64(t.Sub(from))/total*1000, 0), 1000) }
	for _, s := range l.Spans {
		end := s.To
		if end.IsZero() {
			end = now
		}
		x, x2 := at(s.From), at(end)
		if x2 <= 0 {
			continue
		}
		bars = append(bars, el("rect", []string{
			"class", s.Kind, "x", strconv.FormatFloat(x, 'f', 1, 64), "y", "4",
			"width", strconv.FormatFloat(max(x2-x, 10), 'f', 1, 64), "height", "12",
		}))
	}
	return el("svg.track", []string{"viewBox", "0 0 1000 20", "preserveAspectRatio", "none", "aria-hidden", "true"}, bars...)
}

// name names the operation in a word.
func (l *life) name() string {
	switch {
	case l.Type == "edit_comment":
		return "edit"
	case l.Type == "delete_comment" || l.Type == "delete_post":
		return "delete"
	case l.Off:
		return "un" + l.Type
	}
	return l.Type
}

// stateWords describes the life in a word or two.
func stateWords(l *life) string {
	switch l.Outcome {
	case optimist.Confirmed:
		switch {
		case l.Conflict == optimist.AlreadySo:
			return "already done"
		case l.Taps > 1:
			calls := "no call"
			if l.Calls > 0 {
				calls = plural(l.Calls, "call")
			}
			return plural(l.Taps, "tap") + ", " + calls
		case l.Calls == 0:
			return "no call needed"
		case l.Calls > 1:
			return "saved, " + number(l.Calls) + " calls"
		}
		return "saved"
	case optimist.RolledBack:
		if l.Conflict == optimist.TookTheirs {
			return "gave way"
		}
		return "undone"
	case optimist.Superseded:
		return "replaced"
	case optimist.Cancelled:
		return "cancelled"
	}
	switch l.kind() {
	case "flight":
		if l.Calls > 1 {
			return "call " + number(l.Calls)
		}
		return "in flight"
	case "retry":
		return "retrying"
	case "paused":
		return "paused"
	case "parked":
		return "needs you"
	}
	if l.Taps > 1 {
		return "waiting, " + number(l.Taps) + " taps"
	}
	return "waiting"
}

func stateClass(l *life) string {
	switch l.Outcome {
	case 0:
		return l.kind()
	case optimist.Confirmed:
		return "good"
	case optimist.RolledBack:
		return "bad"
	}
	return "dull"
}
