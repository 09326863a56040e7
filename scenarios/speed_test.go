//go:build !race

package scenarios_test

// defaultSpeed divides the waits of runs in real time.
const defaultSpeed = 10

// raced tells that the race detector is in.
const raced = false
