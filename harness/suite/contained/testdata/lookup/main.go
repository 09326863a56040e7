// Command lookup is a program that knows nothing of the project: it asks its system for a
// name, again and again until its input ends, and prints the addresses, one answer a line.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

func main() {
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	for {
		addrs, err := net.LookupHost(os.Args[1])
		slices.Sort(addrs)
		if err != nil {
			addrs = []string{"error", err.Error()}
		}
		fmt.Println(strings.Join(addrs, " "))
		time.Sleep(100 * time.Millisecond)
	}
}
