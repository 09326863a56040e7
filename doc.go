// Package deadair is the root of the module. It owns no code, only the test that
// keeps the arrows between packages pointing one way.
package deadair
