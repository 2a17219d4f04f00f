package main

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"
)

// algorithm is the started command. Only one goroutine uses it: as long as that
// one has not reaped the command's process, its number can't belong to another.
type algorithm struct {
	pid    int
	began  time.Time
	output *os.File // the reading end of its stdout and stderr

	over   bool
	ended  time.Time
	status syscall.WaitStatus
}

// startAlgorithm starts the command in a session of its own, with nothing to
// read on stdin and with one pipe for both outputs, which keeps their order.
func startAlgorithm(c command) (*algorithm, error) {
	stdin, err := os.Open(os.DevNull)
	if err != nil {
		return nil, refuse(exitConfig, "the algorithm's stdin: %v", err)
	}
	defer stdin.Close()
	var pipe [2]int
	if err := syscall.Pipe2(pipe[:], syscall.O_CLOEXEC); err != nil {
		return nil, refuse(exitConfig, "the algorithm's stdout: %v", err)
	}
	defer syscall.Close(pipe[1])
	a := &algorithm{began: time.Now()}
	a.pid, err = syscall.ForkExec(c.path, c.arguments, &syscall.ProcAttr{
		Dir:   workingDirectory,
		Env:   c.environment,
		Files: []uintptr{stdin.Fd(), uintptr(pipe[1]), uintptr(pipe[1])},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		syscall.Close(pipe[0])
		return nil, explainStart(c.path, err)
	}
	// Only our end may be non-blocking, which a deadline for reading needs.
	syscall.SetNonblock(pipe[0], true)
	a.output = os.NewFile(uintptr(pipe[0]), "output")
	return a, nil
}

// copyOutput copies until all writers are gone, or until reading is cut off;
// then the channel gives the result.
func (a *algorithm) copyOutput(log io.Writer) <-chan error {
	copied := make(chan error, 1)
	go func() {
		_, err := io.Copy(log, a.output)
		copied <- err
	}()
	return copied
}

// signal passes a signal on to the whole process group.
func (a *algorithm) signal(number syscall.Signal) { syscall.Kill(-a.pid, number) }

// killAll kills every other process of the container, wherever it has hidden.
// That is what -1 means to PID 1. To any other process it would mean everything
// that the user runs, so there it is the algorithm's process group only.
func (a *algorithm) killAll() {
	if os.Getpid() == 1 {
		syscall.Kill(-1, syscall.SIGKILL)
		return
	}
	a.signal(syscall.SIGKILL)
}

// reap collects all processes that have ended, the algorithm's own and orphans
// that became ours, and says whether any are left.
func (a *algorithm) reap() bool {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return false
		case pid == 0:
			return true
		case pid == a.pid:
			a.over, a.ended, a.status = true, time.Now(), status
		}
	}
}

// sweep kills and reaps what the algorithm left behind, for at most limit: a
// process that hangs in the kernel can't be waited for.
func (a *algorithm) sweep(child <-chan os.Signal, limit time.Duration) {
	timeout := time.After(limit)
	for a.killAll(); a.reap(); a.killAll() {
		select {
		case <-child:
		case <-time.After(100 * time.Millisecond):
		case <-timeout:
			return
		}
	}
}

// drain takes what is left in the pipe. Its end comes at once when all writers
// are dead; the limit is for a writer that could not be killed, and for a
// console that doesn't take anything any more.
func (a *algorithm) drain(copied <-chan error, limit time.Duration) error {
	defer a.output.Close()
	a.output.SetReadDeadline(time.Now().Add(limit))
	select {
	case err := <-copied:
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return errors.New("a process that could not be killed still holds the output open")
		}
		return err
	case <-time.After(limit + time.Second):
		return errors.New("the container's own log takes no more output")
	}
}

// exitCode is the usual one of a shell.
func exitCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return exitSignalBase + int(status.Signal())
	}
	return status.ExitStatus()
}
