// Package client is the engagement application on the user's side: posts, likes,
// saves and comments that show at once and are settled with the server later. A
// [Service] is the application for one user.
//
//	s, err := client.New(client.Options{Transport: t, User: "ada"})
//	feed, err := s.Load(ctx, "", 20)        // posts into the store
//	go s.Follow(ctx, feed.After, nil)       // truth as it changes
//	tap, err := s.Likes.Toggle(ctx, post)   // visible now
//	result, err := tap.Wait(ctx)            // {Success, IsLiked, LikesCount}
//
// Every change goes through one [optimist.Manager] over one store of posts, whose
// comments are part of the post: one lane, one version and one truth for each post.
// The screen shows only values of [Service.Post], and, as far as the user asks for them, the
// older comments of a post: [Service.OlderComments].
//
// The package runs in a page (GOOS=js) as well as natively, so it links neither
// net/http nor a log; a [Transport] reaches the network.
package client
