package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// ownProc shows a script the processes of its own namespace.
const ownProc = "mount -t proc proc /proc || exit 99\n"

func TestAsPID1TheRunnerReapsOrphans(t *testing.T) {
	t.Parallel()
	trial := newTrial(t).inNamespaces(0).script(ownProc + `
		for i in 1 2 3 4 5 6 7 8; do sh -c 'sh -c "exit 3" & exit 0'; done
		# Whatever is left has PID 1 or us as its parent; none may stay a zombie.
		while grep -qs '^State:.Z' /proc/[0-9]*/status; do sleep 0.05; done
		exit 5`)
	equal(t, "the exit code", trial.run().code, 5)
}

func TestAsPID1TheRunnerFindsProcessesThatLeftTheGroup(t *testing.T) {
	t.Parallel()
	// They hold the pipe, write to the report and the log all the time, and
	// replace the log by a link.
	trial := newTrial(t).inNamespaces(0).script(`
		for i in 1 2 3; do
			setsid sh -c 'trap "" TERM HUP INT
				while :; do echo "{}" >$DIR/report; ln -sf /etc/passwd $DIR/logs/algorithm.log; touch $DIR/wild; done' &
		done
		until [ -e $DIR/wild ]; do sleep 0.05; done
		echo end
		exit 4`)
	got := trial.run()
	equal(t, "the exit code", got.code, 4)
	equal(t, "the algorithm's exit code", value(got.report.ExitCode), "4")
	equal(t, "the log's error", value(got.report.Log.Error), "null")
	contains(t, "the log", got.log, "end\n")
	equal(t, "the log has the link's target", strings.Contains(got.log, "root:"), false)
}

func TestAsPID1TheRunnerOutlivesEverySignalOfTheAlgorithm(t *testing.T) {
	t.Parallel()
	trial := newTrial(t).asNobody().inNamespaces(0).script(`
		for signal in $(seq 1 64); do
			# 15 is a request to stop from whoever sends it.
			[ $signal = 15 ] || kill -$signal 1 2>/dev/null
		done
		exit 7`)
	// 1, 2, 10 and 12 are passed on to the algorithm, which outlives them here.
	trial.script("trap '' HUP INT USR1 USR2\n" + trial.read("algorithm"))
	got := trial.run()
	equal(t, "the exit code", got.code, 7)
	equal(t, "stopped", got.report.Stopped, false)
}

func TestAsPID1AnAlgorithmThatIsDeafIsKilledWithAllItsProcesses(t *testing.T) {
	t.Parallel()
	trial := newTrial(t).inNamespaces(0).with("graceSeconds", 1).script("setsid sh -c '" + strings.ReplaceAll(deaf, "'", "") + "' & " + deaf)
	got := trial.start().await("ready").send(syscall.SIGTERM).wait()
	equal(t, "the exit code", got.code, 137)
	equal(t, "stopped", got.report.Stopped, true)
	equal(t, "the log's error", value(got.report.Log.Error), "null")
}

// controlGroup makes a group with a limit, where this machine lets us.
func controlGroup(t *testing.T, controller string, limits map[string]string) (folder string, version int) {
	t.Helper()
	version, parent := 1, filepath.Join(cgroupRoot, controller)
	if _, err := os.Stat(parent); err != nil {
		version, parent = 2, cgroupRoot
	}
	folder, err := os.MkdirTemp(parent, "c2d-runner-test-")
	if err != nil {
		t.Skipf("this machine makes no control groups: %v", err)
	}
	// Its processes are killed by then, but may take a moment to be gone.
	t.Cleanup(func() { await(t, "the control group is removed", func() bool { return os.Remove(folder) == nil }) })
	for name, limit := range limits {
		file, err := os.OpenFile(filepath.Join(folder, name), os.O_WRONLY, 0)
		if os.IsNotExist(err) {
			continue // of the other version
		}
		must(t, err)
		if _, err := file.WriteString(limit); err != nil {
			t.Skipf("this machine sets no limits: %v", err)
		}
		file.Close()
	}
	return folder, version
}

func TestAnAlgorithmThatUsesUpAllProcessesDoesNotTakeTheRunnerWithIt(t *testing.T) {
	t.Parallel()
	trial := newTrial(t).inNamespaces(0)
	group, _ := controlGroup(t, "pids", map[string]string{"pids.max": "40"})
	trial.through("echo $$ >" + group + "/cgroup.procs || exit 98")
	// The inner shell dies at the limit, its children stay. The outer one then
	// does only what takes no process, and keeps the runner busy.
	trial.script(`
		trap '' TERM USR1
		sh -c 'while :; do sleep 1000 & done' 2>/dev/null
		: >$DIR/ready
		while :; do echo busy; done`)
	trial.with("graceSeconds", 1).with("logLimitBytes", 1<<30).start().await("ready")
	got := trial.send(syscall.SIGUSR1).send(syscall.SIGTERM).wait()
	equal(t, "the exit code", got.code, 137)
	equal(t, "stopped", got.report.Stopped, true)
}

func TestAProcessKilledForLackOfMemoryIsCountedEvenWhenTheAlgorithmEndsWell(t *testing.T) {
	t.Parallel()
	trial := newTrial(t).inNamespaces(0)
	group, version := controlGroup(t, "memory", map[string]string{
		"memory.limit_in_bytes": "40M", "memory.memsw.limit_in_bytes": "40M", "memory.max": "40M", "memory.swap.max": "0"})
	seenAt := cgroupRoot
	if version == 1 {
		seenAt = filepath.Join(cgroupRoot, "memory")
	}
	trial.through("echo $$ >" + group + "/cgroup.procs && mount --bind " + group + " " + seenAt + " || exit 98")
	got := trial.script("head -c 200000000 /dev/zero | tail >/dev/null; echo survived; exit 0").run()
	equal(t, "the exit code", got.code, 0)
	contains(t, "the log", got.log, "survived\n")
	equal(t, "processes killed for lack of memory", got.report.OOMKills, 1)
	if peak := got.report.PeakMemoryBytes; peak < 30<<20 || peak > 40<<20 {
		t.Errorf("the peak is %d bytes, under a limit of 40 MiB", peak)
	}
}
