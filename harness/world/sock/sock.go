// Package sock asks the kernel for what package net does not offer: a second
// connection from the same address, and whether a connection still lives after
// its stream has ended. It only works on Linux; elsewhere it does nothing and knows nothing.
package sock
