package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
)

// Numbers of include/uapi/linux that the syscall package doesn't name.
const (
	prSetNoNewPrivs    = 38
	sysCloseRange      = 436 // the same on every architecture
	closeRangeCloexec  = 4
	highestDescriptor  = ^uint32(0)
	firstOwnDescriptor = 3
)

// harden makes this process opaque to others of the same user, and makes sure
// that no program started from here gains rights or inherits a descriptor.
//
// A process that isn't dumpable can't be traced, and its /proc/PID/mem, environ
// and fd are closed to everyone without CAP_SYS_PTRACE (prctl(2), ptrace(2)).
func harden() error {
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 0, 0); errno != 0 {
		return fmt.Errorf("can't make this process undumpable: %w", errno)
	}
	// no_new_privs belongs to a thread, and Go has several of them.
	if _, _, errno := syscall.AllThreadsSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("can't set no_new_privs: %w", errno)
	}
	closeOnExec()
	return nil
}

// closeOnExec covers descriptors that a container runtime left open in us. What
// Go opens itself is close-on-exec from the start.
func closeOnExec() {
	_, _, errno := syscall.RawSyscall(sysCloseRange, firstOwnDescriptor, uintptr(highestDescriptor), closeRangeCloexec)
	if errno == 0 {
		return
	}
	// The kernel is older than 5.11 or the seccomp profile doesn't know the call.
	for descriptor := firstOwnDescriptor; descriptor < 4096; descriptor++ {
		syscall.CloseOnExec(descriptor)
	}
}

// spareThreads is how many operating system threads are made in advance.
const spareThreads = 6

// stayLight keeps the runner's share of the container's memory and process
// limits small and, above all, constant: the Go runtime dies when it can't make
// a thread, and an algorithm that uses up the container's process limit could
// otherwise bring the runner down with it.
func stayLight() {
	runtime.GOMAXPROCS(2)
	debug.SetGCPercent(25)
	debug.SetMemoryLimit(24 << 20)
	makeThreads(spareThreads)
}

// makeThreads makes count threads exist at the same time. The Go runtime never
// ends a thread that it may use again, so they stay as a reserve.
func makeThreads(count int) {
	var ready, done sync.WaitGroup
	release := make(chan struct{})
	for range count {
		ready.Add(1)
		done.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			ready.Done()
			<-release
		})
	}
	ready.Wait()
	close(release)
	done.Wait()
}
