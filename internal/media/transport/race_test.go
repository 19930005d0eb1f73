//go:build race

package transport

// raceDetector: sync.Pool then drops items on purpose, so that what comes out of one cannot be counted.
const raceDetector = true
