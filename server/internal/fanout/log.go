// Package fanout decides which changes of one feed each of many streams is to be told.
//
// A [Log] keeps the latest changes of the feed as frames that were encoded once. Streams
// read the log at their own pace: a stream is only a place in the log, so a slow stream
// costs no memory. A stream is told the latest frame of each entity that changed after its
// place, and no superseded frame. A stream whose place is older than the log reads the feed
// by itself, until it finds its way back.
//
// A Log is a machine without lock, goroutine and clock: the same calls give the same
// results. A caller that shares a Log guards it with a lock.
package fanout

import "slices"

// Frame is the news of one entity.
type Frame struct {
	Entity string
	// Plain is for all viewers without own part of the entity.
	Plain []byte
	// Own has the bytes for the other viewers, by viewer.
	Own map[string][]byte
}

// For returns the frame's bytes for the viewer.
func (f *Frame) For(viewer string) []byte {
	if own, ok := f.Own[viewer]; ok {
		return own
	}
	return f.Plain
}

func (f *Frame) size() int {
	n := len(f.Plain)
	for _, own := range f.Own {
		n += len(own)
	}
	return n
}

// Bounds of a Log. All are positive.
type Bounds struct {
	// Rounds, Frames and Bytes bound the number of rounds and frames kept, and their size in
	// bytes. The newest round is kept even if it is larger.
	Rounds, Frames, Bytes int
}

// Place is the number of the last round that a stream was told; 0 means no place.
type Place uint64

// Log is the latest rounds of a feed, whose cursors are of type C. Make one with [New].
type Log[C any] struct {
	// reaches reports whether everything up to other is also up to c.
	reaches func(c, other C) bool
	bounds  Bounds

	// rounds have consecutive numbers. A stream at the first round's place misses nothing.
	rounds []round[C]
	// in has the round of each kept frame, by entity: only the latest frame of an entity is
	// kept.
	in map[string]Place
	// frames and bytes are the sums over rounds.
	frames, bytes int

	// begun is the number of the round begun last: the number of the newest round, or one more
	// while a round is being read.
	begun Place

	viewers map[string]*viewer
}

type round[C any] struct {
	number Place
	cursor C
	frames []*Frame
}

// viewer is a viewer with open streams.
type viewer struct {
	streams int
	// since is the first round that is read for the viewer too.
	since Place
}

// New returns a Log without rounds.
func New[C any](bounds Bounds, reaches func(c, other C) bool) *Log[C] {
	return &Log[C]{bounds: bounds, reaches: reaches, in: make(map[string]Place), viewers: make(map[string]*viewer)}
}

// Enter adds a stream of the viewer: rounds that begin from now on are read for this viewer
// too.
func (l *Log[C]) Enter(name string) {
	v := l.viewers[name]
	if v == nil {
		v = &viewer{since: l.begun + 1}
		l.viewers[name] = v
	}
	v.streams++
}

// Leave undoes one [Log.Enter].
func (l *Log[C]) Leave(name string) {
	v := l.viewers[name]
	if v.streams--; v.streams == 0 {
		delete(l.viewers, name)
	}
}

// Begin says that a round is about to be read, and returns the viewers for whom. After a
// failed reading call Begin again.
func (l *Log[C]) Begin() (viewers []string) {
	l.begun = l.rounds[len(l.rounds)-1].number + 1
	viewers = make([]string, 0, len(l.viewers))
	for name := range l.viewers {
		viewers = append(viewers, name)
	}
	slices.Sort(viewers)
	return viewers
}

// Land adds the round that was begun last: the frames of all entities that changed up to
// the cursor.
func (l *Log[C]) Land(cursor C, frames []*Frame) {
	for _, f := range frames {
		l.drop(f.Entity)
		l.in[f.Entity] = l.begun
		l.frames++
		l.bytes += f.size()
	}
	l.rounds = append(l.rounds, round[C]{l.begun, cursor, frames})
	for len(l.rounds) > 1 && l.tooLarge() {
		l.forgetOldest()
	}
}

// drop removes the superseded frame of the entity.
func (l *Log[C]) drop(entity string) {
	number, ok := l.in[entity]
	if !ok {
		return
	}
	r := &l.rounds[number-l.rounds[0].number]
	i := slices.IndexFunc(r.frames, func(f *Frame) bool { return f.Entity == entity })
	l.frames--
	l.bytes -= r.frames[i].size()
	r.frames = slices.Delete(r.frames, i, i+1)
	delete(l.in, entity)
}

func (l *Log[C]) tooLarge() bool {
	return len(l.rounds) > l.bounds.Rounds+1 || len(l.rounds) > 2 && (l.frames > l.bounds.Frames || l.bytes > l.bounds.Bytes)
}

// forgetOldest drops the first round: streams then begin at the second round's place at the
// earliest.
func (l *Log[C]) forgetOldest() {
	for _, f := range slices.Clone(l.rounds[1].frames) {
		l.drop(f.Entity)
	}
	l.rounds[0] = round[C]{}
	l.rounds = l.rounds[1:]
}

// Break says that the feed goes on at the cursor and that the log does not know the changes
// before: all streams lose their places.
func (l *Log[C]) Break(cursor C) {
	l.begun++
	l.rounds = []round[C]{{number: l.begun, cursor: cursor}}
	clear(l.in)
	l.frames, l.bytes = 0, 0
}

// Newest returns the cursor of the newest round; false when there is no round yet.
func (l *Log[C]) Newest() (cursor C, ok bool) {
	if len(l.rounds) == 0 {
		return cursor, false
	}
	return l.rounds[len(l.rounds)-1].cursor, true
}

// Join finds the place of a stream that has been told everything up to the cursor. It
// returns false when the log does not reach back to the cursor, or was not read for the
// viewer from there on; then the stream reads the feed by itself and calls Join again.
func (l *Log[C]) Join(cursor C, name string) (Place, bool) {
	v := l.viewers[name]
	for _, r := range slices.Backward(l.rounds) {
		if r.number+1 < v.since {
			break
		}
		if l.reaches(cursor, r.cursor) {
			return r.number, true
		}
	}
	return 0, false
}

// Take appends to frames the frames after the place, of which there may be none, and
// returns the place and the cursor up to which the stream is told with them. It takes whole
// rounds until it has at least most frames. It returns false when the log does not reach
// back to the place: the stream reads the feed by itself and then calls [Log.Join].
func (l *Log[C]) Take(frames []*Frame, place Place, most int) ([]*Frame, Place, C, bool) {
	var cursor C
	if place < l.rounds[0].number {
		return frames, place, cursor, false
	}
	before := len(frames)
	rest := l.rounds[place-l.rounds[0].number:]
	cursor = rest[0].cursor
	for _, r := range rest[1:] {
		if len(frames)-before >= most {
			break
		}
		frames = append(frames, r.frames...)
		place, cursor = r.number, r.cursor
	}
	return frames, place, cursor, true
}
