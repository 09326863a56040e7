package recorder

// Fence decides which connection of a show may be recorded. Epochs are numbers that
// grow with each connection: who comes with an old one is a leftover.
type Fence interface {
	// Decide returns the epoch of a connection, or false to refuse it. Seen is the
	// highest epoch that the mount had here, or elsewhere as far as the connection knows,
	// 0 when there was none; asked is what the connection came with, 0 when the index
	// did not answer. One whose epoch is higher than seen ends the connection before it.
	// It must not block.
	Decide(seen, asked int64) (epoch int64, ok bool)
}

// strict is the fence that is used unless Parts has another.
type strict struct{}

func (strict) Decide(seen, asked int64) (int64, bool) {
	if asked == 0 {
		return seen + 1, true
	}
	return asked, asked > seen
}
