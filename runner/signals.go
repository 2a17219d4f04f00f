package main

import (
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

// signals sorts what arrives. The channels are separate, so that a flood of one
// kind can't crowd out another: a channel that is full drops what comes.
type signals struct {
	stop  chan os.Signal // SIGTERM: end the algorithm
	relay chan os.Signal // for the algorithm
	child chan os.Signal // some process has ended
}

// catchSignals takes over every signal that could end this process. The
// algorithm has the same user and may send us any, and the Go runtime gives up
// on many of them (SIGQUIT, SIGSEGV, …); as PID 1 we are immune only to those
// that we don't handle. A signal that is caught, unlike an ignored one, also
// has its default meaning again in the algorithm.
func catchSignals() signals {
	s := signals{
		stop:  make(chan os.Signal, 1),
		relay: make(chan os.Signal, 16),
		child: make(chan os.Signal, 1),
	}
	signal.Notify(s.stop, syscall.SIGTERM)
	signal.Notify(s.relay, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	signal.Notify(s.child, syscall.SIGCHLD)
	signal.Notify(make(chan os.Signal, 1),
		syscall.SIGQUIT, syscall.SIGILL, syscall.SIGTRAP, syscall.SIGABRT, syscall.SIGBUS, syscall.SIGFPE,
		syscall.SIGSEGV, syscall.SIGPIPE, syscall.SIGALRM, syscall.SIGSTKFLT, syscall.SIGTSTP, syscall.SIGTTIN,
		syscall.SIGTTOU, syscall.SIGXCPU, syscall.SIGXFSZ, syscall.SIGVTALRM, syscall.SIGPROF, syscall.SIGIO,
		syscall.SIGPWR, syscall.SIGSYS)
	return s
}

// signalName returns a name such as SIGKILL, or SIG40 for one without.
func signalName(number syscall.Signal) string {
	if name, ok := signalNames[number]; ok {
		return name
	}
	return "SIG" + strconv.Itoa(int(number))
}

var signalNames = map[syscall.Signal]string{
	syscall.SIGABRT: "SIGABRT", syscall.SIGALRM: "SIGALRM", syscall.SIGBUS: "SIGBUS", syscall.SIGCHLD: "SIGCHLD",
	syscall.SIGCONT: "SIGCONT", syscall.SIGFPE: "SIGFPE", syscall.SIGHUP: "SIGHUP", syscall.SIGILL: "SIGILL",
	syscall.SIGINT: "SIGINT", syscall.SIGIO: "SIGIO", syscall.SIGKILL: "SIGKILL", syscall.SIGPIPE: "SIGPIPE",
	syscall.SIGPROF: "SIGPROF", syscall.SIGPWR: "SIGPWR", syscall.SIGQUIT: "SIGQUIT", syscall.SIGSEGV: "SIGSEGV",
	syscall.SIGSTKFLT: "SIGSTKFLT", syscall.SIGSTOP: "SIGSTOP", syscall.SIGSYS: "SIGSYS", syscall.SIGTERM: "SIGTERM",
	syscall.SIGTRAP: "SIGTRAP", syscall.SIGTSTP: "SIGTSTP", syscall.SIGTTIN: "SIGTTIN", syscall.SIGTTOU: "SIGTTOU",
	syscall.SIGURG: "SIGURG", syscall.SIGUSR1: "SIGUSR1", syscall.SIGUSR2: "SIGUSR2", syscall.SIGVTALRM: "SIGVTALRM",
	syscall.SIGWINCH: "SIGWINCH", syscall.SIGXCPU: "SIGXCPU", syscall.SIGXFSZ: "SIGXFSZ",
}
