//go:build race

package server_test

// raceDetector tells that everything takes several times as long.
const raceDetector = true
