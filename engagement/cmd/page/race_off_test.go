//go:build !race && !js

package main

const raceDetector = false
