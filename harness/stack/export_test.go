package stack

// NewPaper is a world of addresses only.
var NewPaper = newPaper
