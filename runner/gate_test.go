package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// listener accepts connections on the loopback device and counts them.
type listener struct {
	*net.TCPListener
	accepted chan struct{}
}

func listen(t *testing.T, address string) *listener {
	t.Helper()
	socket, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("this machine has no %s: %v", address, err)
	}
	l := &listener{socket.(*net.TCPListener), make(chan struct{}, 1000)}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
			l.accepted <- struct{}{}
		}
	}()
	return l
}

func (l *listener) probe() string { return "tcp://" + l.Addr().String() }

// closeAfter closes the listener once it has accepted that many connections.
func (l *listener) closeAfter(count int) {
	go func() {
		for range count {
			<-l.accepted
		}
		l.Close()
	}()
}

// closedPort returns an address that nobody listens on.
func closedPort(t *testing.T) string {
	t.Helper()
	l := listen(t, "127.0.0.1:0")
	l.Close()
	return l.Addr().String()
}

// nameServer answers every datagram from the answerFrom-th on.
func nameServer(t *testing.T, answerFrom int) string {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { socket.Close() })
	go func() {
		buffer := make([]byte, 512)
		for count := 1; ; count++ {
			length, from, err := socket.ReadFrom(buffer)
			if err != nil {
				return
			}
			if count >= answerFrom {
				socket.WriteTo(buffer[:length], from)
			}
		}
	}()
	return socket.LocalAddr().String()
}

const never = 1 << 30

func required(probes ...string) GateConfig {
	return GateConfig{Mode: gateRequired, Probes: probes, TimeoutSeconds: 60, ProbeTimeoutMilliseconds: 300}
}

func TestAProbeFindsOutWhetherThereIsAWayOut(t *testing.T) {
	for name, c := range map[string]struct {
		probe string
		want  finding
	}{
		"a connection is a way out":                         {listen(t, "127.0.0.1:0").probe(), reached},
		"a refused connection is none":                      {"tcp://" + closedPort(t), blocked},
		"a name server that answers is a way out":           {"dns://" + nameServer(t, 1), reached},
		"an answer only to the third question is a way out": {"dns://" + nameServer(t, 3*len(questions)), reached},
		"a name server that stays silent is none":           {"dns://" + nameServer(t, never), blocked},
		"a name server that isn't there is none":            {"dns://" + closedPort(t), blocked},
		"a name server that only speaks TCP is a way out":   {"dns://" + listen(t, "127.0.0.1:0").Addr().String(), reached},
	} {
		t.Run(name, func(t *testing.T) {
			parsed, err := parseProbe(c.probe)
			must(t, err)
			got, err := parsed.try(t.Context(), 300*time.Millisecond)
			if got != c.want || err != nil {
				t.Errorf("%s finds %v, %v; want %v", c.probe, got, err, c.want)
			}
		})
	}
}

func TestAnIPv6LiteralIsProbed(t *testing.T) {
	open := listen(t, "[::1]:0")
	address := netip.MustParseAddrPort(open.Addr().String())
	finding, _ := probe{"tcp", address}.try(t.Context(), patience)
	equal(t, "the finding with a listener", finding, reached)
	open.Close()
	finding, _ = probe{"tcp", address}.try(t.Context(), patience)
	equal(t, "the finding without one", finding, blocked)
}

func TestOnlyAnAnswerOfTheNetworkCountsAsBlocked(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want finding
	}{
		"success":                         {nil, reached},
		"a reset from a policy engine":    {syscall.ECONNREFUSED, blocked},
		"an unreachable host":             {syscall.EHOSTUNREACH, blocked},
		"no route":                        {syscall.ENETUNREACH, blocked},
		"a hook in the kernel":            {syscall.EPERM, blocked},
		"no IPv6":                         {syscall.EADDRNOTAVAIL, blocked},
		"a timeout":                       {os.ErrDeadlineExceeded, blocked},
		"no descriptors left":             {syscall.EMFILE, unclear},
		"no memory left":                  {syscall.ENOMEM, unclear},
		"no buffers left":                 {syscall.ENOBUFS, unclear},
		"a sandbox that knows no sockets": {syscall.ENOSYS, unclear},
	} {
		t.Run(name, func(t *testing.T) {
			wrapped := c.err
			if c.err != nil {
				wrapped = &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", c.err)}
			}
			got, _ := judge(wrapped)
			equal(t, "the finding", got, c.want)
		})
	}
}

func TestTheGateOpensAfterTwoBlockedRounds(t *testing.T) {
	report, err := holdGate(t.Context(), required("tcp://"+closedPort(t), "dns://"+closedPort(t)))
	must(t, err)
	equal(t, "the verdict", report.Verdict, verdictIsolated)
	equal(t, "the number of rounds", report.Rounds, 2)
	equal(t, "the number of ways out", len(report.Reachable), 0)
}

func TestTheGateWaitsForAPolicyThatComesLate(t *testing.T) {
	late := listen(t, "127.0.0.1:0")
	late.closeAfter(2)
	report, err := holdGate(t.Context(), required("tcp://"+closedPort(t), late.probe()))
	must(t, err)
	equal(t, "the verdict", report.Verdict, verdictIsolated)
	if report.Rounds < 4 {
		t.Errorf("there were %d rounds, but two leaked and two have to be blocked", report.Rounds)
	}
}

func TestOnlyTwoBlockedRoundsInARowOpenTheGate(t *testing.T) {
	closed, open, failed := round{}, round{reachable: []string{"tcp://x"}}, round{unclear: syscall.EMFILE}
	for name, c := range map[string]struct {
		rounds []round // the last one is repeated
		want   int     // rounds until it opens
	}{
		"both first rounds":                     {[]round{closed}, 2},
		"after a leak":                          {[]round{open, closed}, 3},
		"a leak between blocked rounds":         {[]round{closed, open, closed}, 4},
		"a failed probe between blocked rounds": {[]round{closed, failed, closed}, 4},
		"a flapping policy":                     {[]round{closed, open, closed, open, closed}, 6},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &gate{limit: time.Hour, begin: time.Now()}
				g.try = func(context.Context) round { return c.rounds[min(g.rounds, len(c.rounds)-1)] }
				equal(t, "the gate opens", g.closes(t.Context()), true)
				equal(t, "the number of rounds", g.rounds, c.want)
			})
		})
	}
}

func TestTheGateGivesUpWhenTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{limit: 30 * time.Second, begin: time.Now()}
		g.try = func(context.Context) round {
			time.Sleep(time.Second)
			return round{reachable: []string{"tcp://x"}}
		}
		equal(t, "the gate opens", g.closes(t.Context()), false)
		if waited := time.Since(g.begin); waited < 30*time.Second || waited > 32*time.Second {
			t.Errorf("it waited for %s", waited)
		}
	})
}

func TestTheGateNamesTheWaysOutWhenTimeIsUp(t *testing.T) {
	open := listen(t, "127.0.0.1:0")
	config := required("tcp://"+closedPort(t), open.probe())
	config.TimeoutSeconds = 1
	report, err := holdGate(t.Context(), config)
	equal(t, "the verdict", report.Verdict, verdictLeaking)
	equal(t, "the ways out", strings.Join(report.Reachable, " "), open.probe())
	contains(t, "the error", err.Error(), "the pod could still reach "+open.probe())
}

func TestTheGateStopsOnRequestWithoutAVerdict(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	report, err := holdGate(ctx, required("tcp://"+closedPort(t)))
	equal(t, "the verdict", report.Verdict, verdictUnproven)
	contains(t, "the error", err.Error(), "stopped while waiting")
}

func TestAProbeThatFailsProvesNothing(t *testing.T) {
	g := &gate{last: round{unclear: errors.New("tcp://x: too many open files")}}
	contains(t, "the error", g.explain(t.Context(), GateReport{Verdict: verdictUnproven}).Error(), "could not be tested: tcp://x: too many open files")
	equal(t, "an unclear round is blocked", g.last.allBlocked(), false)
}

// gateFor is the gate's part of a runner's configuration.
func gateFor(seconds int, probes ...string) map[string]any {
	return map[string]any{"mode": gateRequired, "probes": probes, "timeoutSeconds": seconds, "probeTimeoutMilliseconds": 200}
}

func TestInALeakingNetworkTheAlgorithmIsNeverStarted(t *testing.T) {
	t.Parallel()
	open := listen(t, "127.0.0.1:0")
	result := newTrial(t).script("touch $DIR/started").with("gate", gateFor(1, open.probe()))
	got := result.run()
	equal(t, "the exit code", got.code, exitNotIsolated)
	equal(t, "the algorithm's mark", result.exists("started"), false)
	equal(t, "started", got.report.Started, false)
	equal(t, "the algorithm's exit code", value(got.report.ExitCode), "null")
	equal(t, "the verdict", got.report.Gate.Verdict, verdictLeaking)
	contains(t, "the reason", value(got.report.Error), open.probe())
	equal(t, "the consumer's log", got.log, "c2d-runner: the algorithm was not started\n")
}

func TestInANetworkThatClosesInTimeTheAlgorithmIsStarted(t *testing.T) {
	t.Parallel()
	late := listen(t, "127.0.0.1:0")
	late.closeAfter(2)
	got := newTrial(t).script("echo hello").with("gate", gateFor(50, late.probe())).run()
	equal(t, "the exit code", got.code, 0)
	equal(t, "the verdict", got.report.Gate.Verdict, verdictIsolated)
	equal(t, "the log", got.log, "hello\n")
}

func TestInANetworkWithoutAnyRouteTheAlgorithmIsStarted(t *testing.T) {
	t.Parallel()
	trial := newTrial(t).script("echo hello").inNamespaces(syscall.CLONE_NEWNET)
	got := trial.with("gate", gateFor(50, "tcp://10.96.0.1:443", "dns://10.96.0.10:53", "tcp://[fd00::1]:443")).run()
	equal(t, "the exit code", got.code, 0)
	equal(t, "the verdict", got.report.Gate.Verdict, verdictIsolated)
}

func TestASignalToStopEndsTheWaitingAtTheGate(t *testing.T) {
	for _, number := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(number.String(), func(t *testing.T) {
			t.Parallel()
			open := listen(t, "127.0.0.1:0")
			trial := newTrial(t).script("touch $DIR/started").with("gate", gateFor(3600, open.probe())).start()
			<-open.accepted
			// Signals for the algorithm have no meaning yet, and do no harm.
			got := trial.send(syscall.SIGUSR1).send(syscall.SIGHUP).send(number).wait()
			equal(t, "the exit code", got.code, exitStopped)
			equal(t, "stopped", got.report.Stopped, true)
			equal(t, "started", got.report.Started, false)
			equal(t, "the algorithm's mark", trial.exists("started"), false)
		})
	}
}
