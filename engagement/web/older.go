package web

import "github.com/optimist-go/optimist/engagement/client"

// olderLocked shows one more page of a post's older comments.
func (a *App) olderLocked(s *client.Service, post string, ui *postUI) {
	if ui.Older == nil {
		older, err := s.OlderComments(post, a.olderReporter(post))
		if err != nil {
			return // the client has ended, and the page gets another one
		}
		ui.Older = older
	}
	ui.Older.More()
}

// olderReporter shows what the reads of a post's older comments have brought.
func (a *App) olderReporter(post string) func(error) {
	return func(err error) {
		a.mu.Lock()
		a.dirty.posts[post] = true
		if err != nil {
			a.tellLocked(&notice{Text: "Older comments could not be loaded: " + reasonOf(asSilence(err)) + "."})
		}
		a.mu.Unlock()
		a.hooks.Wake()
	}
}
