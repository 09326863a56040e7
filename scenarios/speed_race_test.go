//go:build race

package scenarios_test

// defaultSpeed is lower under the race detector, which makes everything slower.
const defaultSpeed = 5

// raced tells that the race detector is in.
const raced = true
