package web

import (
	"context"
	"errors"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// Action is an action of the user on the page.
type Action struct {
	Name    string // as in the attribute data-act
	Post    string
	Comment string
	Value   string // of a control, or of the form's text
}

// Act carries out the part of an action that needs no network: its changes are
// visible in the next paint. It reports whether the text of a form was taken.
func (a *App) Act(act Action) (taken bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.phase != over && a.actLocked(act)
}

func (a *App) actLocked(act Action) (taken bool) {
	if a.moving || a.first != nil {
		if taken, later := a.laterLocked(act); later {
			return taken
		}
	}
	switch act.Name {
	case "sign-in", "sign-in-as":
		a.signInLocked(act.Value)
	case "sign-out":
		a.signOutLocked()
	case "lab":
		a.chrome.LabOpen = act.Value == "open" || act.Value == "show" || act.Value == "" && !a.chrome.LabOpen
		a.dirty.header, a.dirty.labs = true, true
		if act.Value == "show" { // its button goes
			a.focus = "operations"
		}
		if a.chrome.LabOpen && !a.chrome.NoPanel {
			a.spawn(a.readNetwork)
		}
	case "net-profile", "net-set", "net-offline":
		a.changeNetworkLocked(act)
	case "post-add":
		taken = a.writeLocked(act.Value)
	case "undo":
		a.undoLocked(act.Value)
	case "notice-close":
		a.closeNoticeLocked(act.Value)
	case "reload":
		a.problem = ""
		if f := a.shown; f != nil {
			if f.problem = ""; f != a.visit.base {
				a.loadLocked(f)
			}
		}
		a.reopenLocked()
	case "more":
		a.moreLocked()
	case "go":
		a.focus = act.Value
	case "try-now":
		a.reopenLocked()
	case "failed":
		a.showFailedLocked()
	case "view", "by", "sort":
		a.chooseLocked(act)
	case "place":
		a.goLocked(act.Value)
	default:
		taken = a.actOnPostLocked(act)
	}
	a.drainLocked()
	return taken
}

// Words that are used in more than one place.
const (
	badName     = "Use lower-case letters, digits, dots, dashes and underscores, at most 32, and start with a letter."
	signInFirst = "Sign in first."
)

func (a *App) signInLocked(name string) {
	if a.signIn.Busy {
		return
	}
	name = lowered(name)
	if wire.CheckName("", name) != nil {
		a.signIn.Problem, a.dirty.signIn = badName, true
		return
	}
	a.untellLocked(signInFirst)
	a.signIn, a.dirty.signIn = signInModel{Busy: true}, true
	a.spawn(func(ctx context.Context) { a.signInAs(ctx, name) })
}

// showFailedLocked goes to the first change that waits for a decision.
func (a *App) showFailedLocked() {
	for _, o := range a.ops {
		if o.State != opFailed {
			continue
		}
		if a.inFeed[o.Post] {
			ui := a.uiLocked(o.Post)
			ui.Open, ui.Opened, a.dirty.posts[o.Post] = true, true, true
		}
		a.focus = "comment-retry-" + o.Comment
		return
	}
}

// lowered returns a name in lower case: phones begin names with a capital.
func lowered(name string) string {
	b := []byte(name)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c - 'A' + 'a'
		}
	}
	return string(b)
}

func (a *App) moreLocked() {
	switch {
	case a.visit == nil || a.shown == nil || !a.shown.begun || !a.shown.state.More:
	case a.chrome.SignedOut: // the posts would come without the user's own marks
		a.refusedLocked(client.ErrSignedOut)
	default:
		a.loadLocked(a.shown)
	}
}

// writeLocked writes a post.
func (a *App) writeLocked(words string) (taken bool) {
	if a.visit == nil {
		return false
	}
	_, _, err := a.visit.service.Posts.Write(a.ctx, words)
	a.writing.Problem, a.dirty.writing = "", true
	if taken = a.wroteLocked(&a.writing.Problem, err); taken {
		a.showOwnLocked()
	}
	return taken
}

// deleteLocked deletes a post. If the server has the post, the user can undo it for a
// while.
func (a *App) deleteLocked(s *client.Service, post string) error {
	words := s.Post(post).Value.Text
	h, err := s.Posts.Delete(a.ctx, post)
	if err != nil {
		return err
	}
	n := &notice{Text: "Your post was deleted."}
	if h.State() == optimist.Ended { // the server never had it
		n.Quote = words
	} else {
		n.Undo = func() error {
			if a.visit == nil {
				return optimist.ErrSettled
			}
			return a.visit.service.Posts.Undelete(post)
		}
	}
	a.tellLocked(n)
	a.focus = "notice-" + number(n.ID)
	return nil
}

// deleteCommentLocked deletes a comment, which the user can undo for a while.
func (a *App) deleteCommentLocked(s *client.Service, post, comment string) error {
	h, err := s.Comments.Delete(a.ctx, post, comment)
	if err != nil {
		return err
	}
	n := &notice{Text: "Your comment was deleted.", back: "comments-" + post}
	n.Undo = func() error {
		a.dirty.posts[post] = true
		_, err := h.Undo(a.ctx)
		return err
	}
	a.tellLocked(n)
	a.focus = "notice-" + number(n.ID)
	return nil
}

// undoLocked undoes the change of a notice.
func (a *App) undoLocked(id string) {
	for _, n := range a.notices {
		if number(n.ID) != id || n.Undo == nil {
			continue
		}
		err := n.Undo()
		a.closeNoticeLocked(id)
		if a.focus = n.back; n.back == "" {
			a.focus = "feed"
		}
		if err != nil {
			a.tellLocked(&notice{Text: "Too late to undo: it is gone.", Grave: true})
		}
		return
	}
}

// actOnPostLocked carries out actions on a post and its comments.
func (a *App) actOnPostLocked(act Action) (taken bool) {
	decides := act.Name == "comment-retry" || act.Name == "comment-discard"
	if a.visit == nil || !a.inFeed[act.Post] && !decides {
		return false
	}
	s, ui, ctx := a.visit.service, a.uiLocked(act.Post), a.ctx
	a.dirty.posts[act.Post], a.acted = true, act.Post
	switch act.Name {
	case "like", "save", "comment-add", "comment-save", "comment-retry":
		s.Comments.SendDeletions(act.Post)
	}
	var err error
	switch act.Name {
	case "like":
		ui.Notice = ""
		_, err = s.Likes.Toggle(ctx, act.Post)
	case "save":
		ui.Notice = ""
		_, err = s.Saves.Toggle(ctx, act.Post)
	case "post-delete":
		err = a.deleteLocked(s, act.Post)
	case "comments":
		ui.Open, ui.Opened, ui.Problem = !ui.Open, true, ""
		return false
	case "whole":
		ui.Whole = !ui.Whole
		return false
	case "comment-add":
		_, _, err = s.Comments.Add(ctx, act.Post, act.Value)
		return a.wroteLocked(&ui.Problem, err)
	case "comment-edit":
		ui.Editing, ui.Problem, a.focus = act.Comment, "", "editor-"+act.Comment
		return false
	case "comment-cancel":
		ui.Editing, ui.Problem, a.focus = "", "", "comment-edit-"+act.Comment
		return false
	case "comment-save":
		if c, ok := s.Post(act.Post).Value.Comment(act.Comment); !ok || c.Text != act.Value {
			_, err = s.Comments.Edit(ctx, act.Post, act.Comment, act.Value)
		}
		if a.wroteLocked(&ui.Problem, err) {
			ui.Editing, a.focus = "", "comment-edit-"+act.Comment
		}
		return false
	case "comment-delete":
		if err = a.deleteCommentLocked(s, act.Post, act.Comment); err != nil {
			a.focus = "comments-" + act.Post // not a field: a phone would open its keyboard
		}
	case "comment-retry":
		err = s.Comments.Retry(act.Comment)
		a.focus = "comments-" + act.Post
	case "comment-discard":
		err = s.Comments.Discard(act.Comment)
		a.focus = "comments-" + act.Post
	case "older":
		a.olderLocked(s, act.Post, ui)
	}
	a.refusedLocked(err)
	return false
}

// wroteLocked records the reason if a written text was refused.
func (a *App) wroteLocked(problem *string, err error) (taken bool) {
	*problem = ""
	var bad *wire.InvalidError
	switch {
	case err == nil:
		return true
	case errors.As(err, &bad):
		*problem = "Your text " + bad.Reason + "."
	default:
		a.refusedLocked(err)
	}
	return false
}

// refusedLocked tells the user why a tap had no effect.
func (a *App) refusedLocked(err error) {
	switch {
	case err == nil:
	case errors.Is(err, client.ErrSignedOut):
		a.focus = "name"
		a.tellLocked(&notice{Text: signInFirst})
	case errors.Is(err, optimist.ErrQueueFull):
		a.tellLocked(&notice{Text: "Too many changes are waiting to be sent. Try again when you are back online.", Grave: true})
	default:
		a.tellLocked(&notice{Text: problemOf(err), Grave: true})
	}
}

func (a *App) closeNoticeLocked(id string) {
	for i, n := range a.notices {
		if number(n.ID) == id {
			a.notices = append(a.notices[:i:i], a.notices[i+1:]...)
			a.dirty.notices = true
			return
		}
	}
}
