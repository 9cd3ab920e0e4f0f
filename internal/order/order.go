// Package order sorts without type parameters, so that every use shares one code: a
// page in a browser downloads it once.
package order

// Keys returns the keys of a map, ascending.
func Keys(n int, keys func(func(string) bool)) []string {
	all := make([]string, 0, n)
	for key := range keys {
		all = append(all, key)
	}
	By(len(all), func(i, j int) bool { return all[i] < all[j] }, func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// By sorts n elements. less must be a strict order, and no two elements equal.
// Source: Williams, Algorithm 232: Heapsort, 1964.
func By(n int, less func(i, j int) bool, swap func(i, j int)) {
	down := func(i, n int) {
		for {
			child := 2*i + 1
			if child >= n {
				return
			}
			if child+1 < n && less(child, child+1) {
				child++
			}
			if !less(i, child) {
				return
			}
			swap(i, child)
			i = child
		}
	}
	for i := n/2 - 1; i >= 0; i-- {
		down(i, n)
	}
	for last := n - 1; last > 0; last-- {
		swap(0, last)
		down(0, last)
	}
}
