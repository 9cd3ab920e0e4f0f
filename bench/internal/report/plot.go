package report

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"

	"github.com/optimist-go/optimist/bench/internal/runner"
)

// The plot is bars on a logarithmic scale, one panel for each cell of the timed
// workloads. Bars of libraries whose view was wrong are hollow: the time of a wrong
// answer is not a merit.
const (
	panelWidth  = 440
	labelWidth  = 150
	valueWidth  = 96
	rowHeight   = 18
	headHeight  = 34
	panelGap    = 22
	plotColumns = 2
)

const style = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .small { font-size: 11px; fill: #59636e; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  .range { stroke: #1f2328; stroke-width: 1.2; }
  .bar { fill: #8b949e; stroke: #8b949e; }
  .ours { fill: #1a7f37; stroke: #1a7f37; }
  .floor { fill: #d1d9e0; stroke: #d1d9e0; }
  .wrong { fill-opacity: 0; stroke-dasharray: 3 2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .small { fill: #9198a1; }
    .grid { stroke: #30363d; }
    .range { stroke: #e6edf3; }
    .bar { fill: #6e7681; stroke: #6e7681; }
    .ours { fill: #3fb950; stroke: #3fb950; }
    .floor { fill: #30363d; stroke: #484f58; }
  }
`

// bar is one library in a panel.
type bar struct {
	label, class      string
	median, low, high float64
}

// panel is one cell.
type panel struct {
	title, unit string
	bars        []bar
}

func (p panel) height() int { return headHeight + len(p.bars)*rowHeight }

// SVG writes the timed workloads of a run as a picture that reads in light and dark.
func SVG(w io.Writer, run *runner.Run) error {
	panels := panelsOf(merge(run))
	b := &strings.Builder{}
	width := plotColumns*(panelWidth+panelGap) + panelGap
	y := 56
	body := &strings.Builder{}
	for i := 0; i < len(panels); i += plotColumns {
		tallest := 0
		for j, p := range panels[i:min(i+plotColumns, len(panels))] {
			p.draw(body, panelGap+j*(panelWidth+panelGap), y)
			tallest = max(tallest, p.height())
		}
		y += tallest + panelGap
	}
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="optimist beside its rivals">`+"\n", width, y, width, y)
	fmt.Fprintf(b, "<style>%s</style>\n", style)
	fmt.Fprintf(b, `<text class="title" x="%d" y="24">optimist beside its rivals, %s (%s form, %d rounds)</text>`+"\n", panelGap, run.Date.Format("2006-01-02"), html.EscapeString(run.Form), run.Rounds)
	fmt.Fprintf(b, `<text class="small" x="%d" y="42">logarithmic, shorter is better; dashed outline: the view was wrong; * less than the wanted size was reached in the time allowed</text>`+"\n", panelGap)
	b.WriteString(body.String())
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func panelsOf(t *table) []panel {
	var panels []panel
	for _, s := range sections {
		for _, id := range t.idsOf(s.workload) {
			p := panel{title: s.title + ", " + strings.ReplaceAll(id.key, ",", ", "), unit: s.unit}
			for _, c := range t.columnsOf(s.workload) {
				m, ok := t.cells[id][c.key()]
				if !ok {
					continue
				}
				median, low, high, ok := m.main()
				if !ok || median <= 0 {
					continue
				}
				b := bar{label: c.label(), class: "bar", median: median, low: low, high: high}
				if c.library == ours {
					b.class = "ours"
				}
				if strings.HasPrefix(c.library, "floor") {
					b.class = "floor"
				}
				if !m.right() {
					b.class += " wrong"
				}
				if m.short() {
					b.label += " *"
				}
				p.bars = append(p.bars, b)
			}
			if len(p.bars) > 0 {
				panels = append(panels, p)
			}
		}
	}
	return panels
}

// draw writes the panel with its top left corner at x, y.
func (p panel) draw(b *strings.Builder, x, y int) {
	fmt.Fprintf(b, `<text class="title" x="%d" y="%d">%s</text><text class="small" x="%d" y="%d" text-anchor="end">%s</text>`+"\n",
		x, y+12, html.EscapeString(p.title), x+panelWidth, y+12, html.EscapeString(p.unit))
	low, high := p.decades()
	span := float64(panelWidth - labelWidth - valueWidth)
	at := func(v float64) float64 {
		f := (math.Log10(max(v, math.Pow(10, low))) - low) / (high - low)
		return float64(x+labelWidth) + span*f
	}
	top, bottom := y+headHeight-8, y+headHeight+len(p.bars)*rowHeight-4
	for d := low; d <= high; d++ {
		fmt.Fprintf(b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`+"\n", at(math.Pow(10, d)), at(math.Pow(10, d)), top, bottom)
	}
	for i, r := range p.bars {
		line := y + headHeight + i*rowHeight
		fmt.Fprintf(b, `<text x="%d" y="%d">%s</text>`, x, line+10, html.EscapeString(r.label))
		fmt.Fprintf(b, `<rect class="%s" x="%.1f" y="%d" width="%.1f" height="11"/>`, r.class, float64(x+labelWidth), line, max(at(r.median)-float64(x+labelWidth), 1))
		if r.high > r.low {
			fmt.Fprintf(b, `<line class="range" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, at(r.low), at(r.high), float64(line)+5.5, float64(line)+5.5)
		}
		fmt.Fprintf(b, `<text class="small" x="%d" y="%d" text-anchor="end">%s</text>`+"\n", x+panelWidth, line+10, number(r.median))
	}
}

// decades are the powers of ten around all bars.
func (p panel) decades() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, r := range p.bars {
		low = min(low, math.Floor(math.Log10(max(r.low, 1e-3))))
		high = max(high, math.Ceil(math.Log10(max(r.high, 1e-3))))
	}
	if high <= low {
		high = low + 1
	}
	return low, high
}
