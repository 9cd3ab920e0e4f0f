// Package browser is the network of a page: a [client.Transport] over the browser's
// own fetch and EventSource. The Transport exists under GOOS=js only, and is linked
// instead of net/http, which is three times as large as all the rest of the page.
package browser
