package wire

import "strconv"

// Selection says which posts a page of posts is from, and in which order. The zero Selection is
// the feed: all posts, newest first.
type Selection struct {
	// Author has posts of that user only; empty: of all.
	Author string
	// Saved has posts only that the viewer has saved.
	Saved bool
	Sort  Sort
}

// Sort is an order of posts. Posts that are equal in it are in the order of their ids, the
// greatest first.
type Sort string

const (
	Newest    Sort = "" // also "newest"
	MostLiked Sort = "likes"
)

// ParseSort reads the name of an order.
func ParseSort(text string) (Sort, error) {
	switch text {
	case "", "newest":
		return Newest, nil
	case string(MostLiked):
		return MostLiked, nil
	}
	return "", &InvalidError{"sort", "must be newest or likes"}
}

// Path is the path of a page of the selection: behind the cursor, or from the top if it is
// empty.
func (s Selection) Path(cursor string, limit int) string {
	path := "/v1/posts?limit=" + strconv.Itoa(limit)
	if cursor != "" {
		path += "&cursor=" + cursor // only letters, digits, - and _
	}
	if s.Author != "" {
		path += "&author=" + s.Author // checked: see CheckName
	}
	if s.Saved {
		path += "&saved=true"
	}
	if s.Sort != Newest {
		path += "&sort=" + string(s.Sort)
	}
	return path
}

// After is the cursor of the place behind a post.
func (s Sort) After(p Post) Cursor {
	if s == MostLiked {
		return Cursor{Sort: s, Order: int64(p.LikesCount), ID: p.ID}
	}
	return Cursor{Order: p.CreatedAt, ID: p.ID}
}
