// Command c2d-runner is the first process (PID 1) of the container that runs a
// consumer's algorithm.
//
// It proves that the pod's network is closed before it lets the algorithm
// start, starts it without needing a shell, keeps a capped copy of its output
// on the job volume, ends it on request or at its deadline, and says how it all
// went in a report. It trusts nothing that the algorithm could have touched.
//
// README.md describes the configuration, the report and the exit codes.
package main

import (
	"fmt"
	"os"
)

// version is set by the linker: -ldflags "-X main.version=1.2.3".
var version = "dev"

func main() {
	// Hardening comes before anything else: until it is done, another process
	// of the same user could read this one's memory.
	hardened := harden()
	os.Exit(start(os.Args[1:], hardened))
}

func start(args []string, hardened error) int {
	switch {
	case len(args) == 1 && args[0] == "--version":
		fmt.Println("c2d-runner", version)
		return 0
	case len(args) > 0:
		complain(fmt.Errorf("takes no arguments but --version; the environment variable %s configures it", configVariable))
		return exitConfig
	}
	stayLight()
	return run(os.Environ(), hardened)
}

// complain prints for the people who run the cluster: it goes to the
// container's log only, never to the log that the consumer gets.
func complain(err error) {
	fmt.Fprintln(os.Stderr, "c2d-runner:", err)
}
