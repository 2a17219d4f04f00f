package main

import (
	"fmt"
	"syscall"
)

// Exit codes of the runner itself. An algorithm may end with the same numbers:
// the report tells them apart, because only a started algorithm has an exitCode
// there.
const (
	exitNotIsolated   = 121 // the isolation gate never closed
	exitRanBefore     = 122 // the algorithm was started before, on the same volume
	exitDeadline      = 124 // the algorithm used up its time
	exitConfig        = 125 // the runner was not set up properly
	exitNotExecutable = 126 // the entrypoint names something that can't be executed
	exitNotFound      = 127 // the entrypoint names something that isn't there
	exitSignalBase    = 128 // plus the number of the signal that ended the algorithm
	exitStopped       = exitSignalBase + int(syscall.SIGTERM)
)

// refusal is the reason why the algorithm was never started.
type refusal struct {
	code   int
	reason string
}

func (r *refusal) Error() string { return r.reason }

func refuse(code int, format string, args ...any) *refusal {
	return &refusal{code, fmt.Sprintf(format, args...)}
}
