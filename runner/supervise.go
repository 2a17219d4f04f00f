package main

import (
	"os"
	"syscall"
	"time"
)

// supervision accompanies the algorithm from its start to its end.
type supervision struct {
	algorithm *algorithm
	config    Config
	signals   signals
	log       *logFile
	deadline  <-chan time.Time // nil: never
	grace     <-chan time.Time // nil: nobody has asked the algorithm to end yet
	stopped   bool
	timedOut  bool
}

func supervise(a *algorithm, config Config, signals signals, log *logFile) *supervision {
	s := &supervision{algorithm: a, config: config, signals: signals, log: log}
	if config.DeadlineSeconds > 0 {
		s.deadline = time.After(time.Until(a.began.Add(config.deadline())))
	}
	for !a.over {
		s.next()
	}
	return s
}

// next waits for one thing to happen and reacts to it.
func (s *supervision) next() {
	select {
	case <-s.signals.child:
		s.algorithm.reap()
	case number := <-s.signals.relay:
		s.relay(number)
	case <-s.signals.stop:
		s.stopped = true
		s.terminate("stopped on request")
	case <-s.deadline:
		s.timedOut = true
		s.terminate("the time limit of %d s is over", s.config.DeadlineSeconds)
	case <-s.grace:
		s.log.Note("the algorithm did not end by itself and is killed")
		s.algorithm.killAll()
	}
}

func (s *supervision) relay(number os.Signal) {
	s.algorithm.signal(number.(syscall.Signal))
}

// terminate asks the algorithm to end and starts the clock of the grace period.
// Later requests reach the algorithm too but don't prolong the period.
func (s *supervision) terminate(format string, args ...any) {
	s.algorithm.signal(syscall.SIGTERM)
	if s.grace != nil {
		return
	}
	s.log.Note(format, args...)
	s.deadline = nil
	s.grace = time.After(s.config.grace())
}
