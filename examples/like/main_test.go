package main

func Example() {
	main()
	// Output:
	// at once: 4 likes, 1 pending
	// attempt 1
	// attempt 2
	// attempt 3
	// settled: 4 likes, 0 pending
	// confirmed after 3 calls
}
