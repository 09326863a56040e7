// Package scenario turns a scenario file into a plan.
//
// It owns the file's form (strict YAML with positions, JSON Schema), the table
// of places, and Expand, which makes every choice from the seed. It runs nothing
// and knows no world but by name.
package scenario
