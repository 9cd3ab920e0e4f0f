package web

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
)

// seen are the values that the fields of the views' models have somewhere in the gallery:
// by the path of the field, those of an enumeration each, of all else whether it is zero.
type seen map[string]map[string]bool

func (s seen) look(path string, v reflect.Value) {
	note := func(value string) {
		if s[path] == nil {
			s[path] = make(map[string]bool)
		}
		s[path][value] = true
	}
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			s.look(path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.Slice:
		note(zeroOrNot(v.Len() == 0))
		for i := range v.Len() {
			s.look(path+"[]", v.Index(i))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			s.look(path, v.Elem())
		}
	case reflect.Uint8:
		note(fmt.Sprint(v.Uint()))
	default:
		note(zeroOrNot(v.IsZero()))
	}
}

func zeroOrNot(zero bool) string {
	if zero {
		return "zero"
	}
	return "not zero"
}

// TestGalleryHasEveryState: each field of the models that can change a view is shown both
// ways, and each value of an enumeration.
func TestGalleryHasEveryState(t *testing.T) {
	s := make(seen)
	for _, x := range galleryChrome() {
		s.look("bar", reflect.ValueOf(x.model))
	}
	for _, x := range galleryPosts(time.Now()) {
		s.look("post", reflect.ValueOf(x.model))
	}
	for _, x := range galleryWrite() {
		s.look("write", reflect.ValueOf(x.model))
	}
	for _, x := range galleryKept() {
		s.look("kept", reflect.ValueOf(x.model))
	}
	for _, x := range gallerySignIn() {
		s.look("sign-in", reflect.ValueOf(x.model))
	}
	for _, x := range galleryLab(time.Now()) {
		s.look("lab", reflect.ValueOf(x.model))
	}
	for _, x := range galleryViews() {
		s.look("views", reflect.ValueOf(x.model))
	}
	for _, x := range galleryEnd() {
		s.look("end", reflect.ValueOf(x.model))
	}
	s.look("notices", reflect.ValueOf(galleryNotices()))

	both := []string{"zero", "not zero"}
	wanted := map[string][]string{
		"bar.Link": values(client.Connecting, client.Broken), "post.Ops[].State": values(opWaiting, opFailed), "kept.Changes[].State": values(opWaiting, opFailed),
		"lab.Timeline.lives[].Outcome": values(0, optimist.Cancelled), "notices": {"not zero"},
	}
	// Fields that a view shows without a decision, and fields on which it does not depend.
	same := []string{
		"post.ID", "post.View.", "post.Ops[].ID", "post.Ops[].Type", "post.Ops[].Text", "post.Ops[].Off", "post.Ops[].number", "post.Ops[].Post", "kept.Changes[].Post", "kept.Changes[].ID", "kept.Changes[].Type", "kept.Changes[].number", "kept.Changes[].Calls", "post.Ops[].Calls", "post.UI.Older", "post.Older.Comments[].",
		"lab.Network.", "lab.Timeline.", "lab.Names", "write.User", "notices[].ID", "notices[].Text", "notices[].until", "notices[].back", "notices[].of",
	}
	for path, got := range s {
		want, ok := wanted[path]
		if !ok {
			if slices.ContainsFunc(same, func(prefix string) bool { return len(path) >= len(prefix) && path[:len(prefix)] == prefix }) {
				continue
			}
			want = both
		}
		for _, v := range want {
			if !got[v] {
				t.Errorf("%s is never %s in the gallery", path, v)
			}
		}
	}
	for path := range wanted {
		if s[path] == nil {
			t.Errorf("there is no %s", path)
		}
	}
}

// values are those of an enumeration, from first to last.
func values[E ~uint8](first, last E) (all []string) {
	for v := first; v <= last; v++ {
		all = append(all, fmt.Sprint(uint8(v)))
	}
	return all
}

// TestGalleryIsAccessible: labels and controls refer to existing elements, and no two
// elements or landmarks have the same name.
func TestGalleryIsAccessible(t *testing.T) {
	page := gallery()
	ids := make(map[string]string)
	page.walk(func(n *Node) {
		if id, ok := n.attr("id"); ok {
			if _, twice := ids[id]; twice {
				t.Errorf("the id %q is given twice", id)
			}
			ids[id] = n.words()
		}
	})
	named := make(map[string]bool)
	page.walk(func(n *Node) {
		for _, attr := range []string{"for", "aria-labelledby", "aria-describedby", "aria-controls"} {
			value, _ := n.attr(attr)
			for _, id := range strings.Fields(value) {
				if expanded, _ := n.attr("aria-expanded"); attr == "aria-controls" && expanded == "false" {
					continue // a closed part need not be on the page
				}
				if _, there := ids[id]; !there {
					t.Errorf("%s names %q, which is not there: %s", attr, id, n.HTML())
				}
			}
		}
		if n.Tag != "section" && n.Tag != "aside" {
			return
		}
		name, _ := n.attr("aria-label")
		by, _ := n.attr("aria-labelledby")
		for _, id := range strings.Fields(by) {
			name += " " + ids[id]
		}
		if name != "" && named[name] {
			t.Errorf("two landmarks are called %q", name)
		}
		named[name] = true
	})
}
