package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"
)

const (
	verdictIsolated = "Isolated" // every probe was blocked, in two rounds in a row
	verdictLeaking  = "Leaking"  // at least one probe got through, until time was up
	verdictUnproven = "Unproven" // nothing got through, but that was not shown: stopped early, or probes failed
	verdictOff      = "Off"      // nobody asked for the gate
)

const (
	roundsInARow = 2
	roundPause   = 300 * time.Millisecond
)

// round is the result of trying every probe once.
type round struct {
	reachable []string // the probes that got through
	unclear   error    // why some probe learned nothing
}

func (r round) allBlocked() bool { return len(r.reachable) == 0 && r.unclear == nil }

// gate is one attempt to prove that the network is closed.
type gate struct {
	try    func(context.Context) round
	limit  time.Duration // no round begins later than that after begin
	begin  time.Time
	rounds int
	last   round // the last one in which not everything was blocked
}

// holdGate returns once the network is proven closed, or with an error when it
// is not in time or ctx ends first. Policies may begin to bite only some time
// after the pod has started, so an open network is tried again until then.
func holdGate(ctx context.Context, config GateConfig) (GateReport, error) {
	if config.Mode == gateOff {
		return GateReport{Verdict: verdictOff, Reachable: []string{}}, nil
	}
	probes := parsedProbes(config.Probes)
	try := func(ctx context.Context) round { return tryAll(ctx, probes, config.probeTimeout()) }
	g := &gate{try: try, limit: config.timeout(), begin: time.Now()}
	if g.closes(ctx) {
		return g.report(verdictIsolated, nil), nil
	}
	verdict := verdictUnproven
	if len(g.last.reachable) > 0 {
		verdict = verdictLeaking
	}
	report := g.report(verdict, g.last.reachable)
	return report, g.explain(ctx, report)
}

// closes says whether every probe was blocked in two rounds in a row.
func (g *gate) closes(ctx context.Context) bool {
	for inARow := 0; ; {
		result := g.try(ctx)
		g.rounds++
		if ctx.Err() != nil {
			return false
		}
		if result.allBlocked() {
			inARow++
		} else {
			inARow, g.last = 0, result
		}
		if inARow == roundsInARow {
			return true
		}
		if !pause(ctx, roundPause) || time.Since(g.begin) >= g.limit {
			return false
		}
	}
}

func (g *gate) explain(ctx context.Context, report GateReport) error {
	const tail = "the algorithm was not started"
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("stopped while waiting for the network to be isolated; %s", tail)
	case report.Verdict == verdictLeaking:
		return fmt.Errorf("the network is not isolated: after %.1f s the pod could still reach %s; %s",
			report.WaitedSeconds, strings.Join(report.Reachable, ", "), tail)
	case g.last.unclear != nil:
		return fmt.Errorf("isolation could not be tested: %w; %s", g.last.unclear, tail)
	}
	return fmt.Errorf("there was no time for %d rounds of probes; %s", roundsInARow, tail)
}

func (g *gate) report(verdict string, reachable []string) GateReport {
	waited := math.Round(time.Since(g.begin).Seconds()*1000) / 1000
	return GateReport{Verdict: verdict, Rounds: g.rounds, WaitedSeconds: waited, Reachable: append([]string{}, reachable...)}
}

// tryAll tries all probes at the same time and keeps their order.
func tryAll(ctx context.Context, probes []probe, timeout time.Duration) round {
	findings, errs := make([]finding, len(probes)), make([]error, len(probes))
	var all sync.WaitGroup
	for index, probe := range probes {
		all.Go(func() { findings[index], errs[index] = probe.try(ctx, timeout) })
	}
	all.Wait()
	var result round
	for index, probe := range probes {
		switch findings[index] {
		case reached:
			result.reachable = append(result.reachable, probe.String())
		case unclear:
			result.unclear = fmt.Errorf("%s: %w", probe, errs[index])
		}
	}
	return result
}

// parsedProbes parses probes that the configuration's validation has accepted.
func parsedProbes(texts []string) []probe {
	var probes []probe
	for _, text := range texts {
		probe, err := parseProbe(text)
		if err != nil {
			panic(err)
		}
		probes = append(probes, probe)
	}
	return probes
}

// pause says whether the whole time has passed before ctx ended.
func pause(ctx context.Context, length time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(length):
		return true
	}
}
