package main

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

const (
	sweepLimit = 10 * time.Second
	drainLimit = 5 * time.Second
)

// job is one run: of one algorithm, in one container.
type job struct {
	config  Config
	signals signals
	log     *logFile // nil until it is open
	memory  *memoryWatch
	report  *Report
}

// run does everything that the runner is for, and returns its exit code: 0 only
// when the report is written too, so that nothing else is ever taken for it.
func run(environment []string, hardened error) int {
	config, err := parseConfig(valueOf(environment, configVariable))
	reportFile, reportErr := openReport(config.Report)
	if reportErr != nil {
		complain(errors.Join(err, reportErr))
		return exitConfig
	}
	j := &job{config: config, signals: catchSignals(), report: newReport()}
	code := j.run(environment, errors.Join(hardened, err))
	if err := j.report.writeTo(reportFile); err != nil {
		complain(err)
		if code == 0 {
			code = exitConfig
		}
	}
	return code
}

// run starts the algorithm, unless err already speaks against it, and stays
// with it until nothing of it is left.
func (j *job) run(environment []string, err error) int {
	defer j.finishLog()
	var started *algorithm
	if err == nil {
		started, err = j.start(environment)
	}
	if err != nil {
		return j.refused(err)
	}
	return j.accompany(started)
}

// start takes the steps that have to succeed before the algorithm may run. The
// isolation gate and the claim of the only run are the last of them.
func (j *job) start(environment []string) (*algorithm, error) {
	if err := ranBefore(j.config.Once); err != nil {
		return nil, err
	}
	log, err := openLog(j.config.Log, j.config.LogLimitBytes, os.Stdout)
	if err != nil {
		return nil, err
	}
	j.log = log
	command, err := resolve(j.config.Entrypoint, j.config.Algorithm, environment)
	if err != nil {
		return nil, err
	}
	j.memory = watchMemory(cgroupRoot)
	if err := j.passGate(); err != nil {
		return nil, err
	}
	if err := claimOnce(j.config.Once); err != nil {
		return nil, err
	}
	return startAlgorithm(command)
}

// passGate waits for the isolation gate. A request to stop ends the waiting.
func (j *job) passGate() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	var report GateReport
	go func() {
		var err error
		report, err = holdGate(ctx, j.config.Gate)
		done <- err
	}()
	for {
		select {
		case err := <-done:
			j.report.Gate = &report
			return j.gateRefusal(err)
		case <-j.signals.stop:
			j.report.Stopped = true
			cancel()
		case number := <-j.signals.relay:
			// There is nobody yet to pass it on to.
			if number == syscall.SIGINT {
				j.report.Stopped = true
				cancel()
			}
		}
	}
}

func (j *job) gateRefusal(err error) error {
	switch {
	case err == nil && !j.report.Stopped:
		return nil
	case err == nil:
		return refuse(exitStopped, "stopped before the algorithm was started")
	case j.report.Stopped:
		return refuse(exitStopped, "%v", err)
	}
	return refuse(exitNotIsolated, "%v", err)
}

// refused records why the algorithm was not started. The consumer is told what
// is wrong with the entrypoint, but nothing about the cluster's network.
func (j *job) refused(err error) int {
	complain(err)
	text := err.Error()
	j.report.Error = &text
	var reason *refusal
	if !errors.As(err, &reason) {
		return exitConfig
	}
	if j.log != nil && reason.code != exitNotIsolated && reason.code != exitStopped {
		j.log.Note("%v", reason)
	} else if j.log != nil {
		j.log.Note("the algorithm was not started")
	}
	return reason.code
}

// accompany stays with the algorithm until every process of it is gone and all
// its output is copied.
func (j *job) accompany(a *algorithm) int {
	j.report.began(a.began)
	copied := a.copyOutput(j.log)
	s := supervise(a, j.config, j.signals, j.log)
	a.sweep(j.signals.child, sweepLimit)
	j.log.failed(a.drain(copied, drainLimit))
	j.report.ended(a.ended, a.status)
	j.report.Stopped, j.report.TimedOut = s.stopped, s.timedOut
	j.report.OOMKills, j.report.PeakMemoryBytes = j.memory.oomKills(), j.memory.peakBytes()
	if s.timedOut {
		return exitDeadline
	}
	return exitCode(a.status)
}

func (j *job) finishLog() {
	if j.log != nil {
		j.report.Log = j.log.finish()
	}
}
