package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestTheRunnerEndsAsTheAlgorithmDid(t *testing.T) {
	for name, c := range map[string]struct {
		script           string
		code             int
		exitCode, signal string
	}{
		"success":                           {"exit 0", 0, "0", "null"},
		"failure":                           {"exit 1", 1, "1", "null"},
		"the highest code":                  {"exit 255", 255, "255", "null"},
		"a code of the runner's own":        {"exit 121", 121, "121", "null"},
		"a code that a shell uses":          {"exit 137", 137, "137", "null"},
		"killed":                            {"kill -KILL $$", 137, "null", "SIGKILL"},
		"terminated by itself":              {"kill -TERM $$", 143, "null", "SIGTERM"},
		"crashed":                           {"kill -SEGV $$", 139, "null", "SIGSEGV"},
		"killed by a signal without a name": {"kill -40 $$", 168, "null", "SIG40"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := newTrial(t).script(c.script).run()
			equal(t, "the runner's exit code", got.code, c.code)
			equal(t, "the algorithm's exit code", value(got.report.ExitCode), c.exitCode)
			equal(t, "the signal", value(got.report.Signal), c.signal)
			equal(t, "started", got.report.Started, true)
			equal(t, "stopped", got.report.Stopped, false)
			equal(t, "timed out", got.report.TimedOut, false)
			equal(t, "the verdict", got.report.Gate.Verdict, verdictOff)
			equal(t, "the error", value(got.report.Error), "null")
		})
	}
}

func TestAReportSaysWhenTheAlgorithmRan(t *testing.T) {
	t.Parallel()
	before := time.Now().Truncate(time.Millisecond)
	got := newTrial(t).script("").run()
	start, err := time.Parse(time.RFC3339, value(got.report.StartTime))
	must(t, err)
	finish, err := time.Parse(time.RFC3339, value(got.report.FinishTime))
	must(t, err)
	if start.Before(before) || finish.Before(start) || time.Now().Before(finish) {
		t.Errorf("it ran from %v to %v", start, finish)
	}
	if got.report.PeakMemoryBytes <= 0 {
		t.Error("it used no memory")
	}
}

func TestAnAlgorithmThatCannotBeExecutedIsExplained(t *testing.T) {
	for name, c := range map[string]struct {
		entrypoint, algorithm string
		mode                  os.FileMode
		code                  int
		message               string
	}{
		"no such command":         {"no-such-command $ALGO", "", 0o644, 127, "no command \"no-such-command\""},
		"not executable":          {"", "", 0o644, 126, "is not an executable file"},
		"no interpreter":          {"$ALGO", "#!/no/such/interpreter\n", 0o755, 126, "lacks the interpreter"},
		"neither script nor code": {"", "print(1)", 0o755, 126, "nor a script with a #! line"},
	} {
		t.Run(name, func(t *testing.T) {
			trial := newTrial(t).script(c.algorithm).with("entrypoint", c.entrypoint)
			must(t, os.Chmod(trial.path("algorithm"), c.mode))
			got := trial.run()
			equal(t, "the exit code", got.code, c.code)
			equal(t, "started", got.report.Started, false)
			equal(t, "the algorithm's exit code", value(got.report.ExitCode), "null")
			contains(t, "the reason", value(got.report.Error), c.message)
			contains(t, "the consumer's log", got.log, c.message)
		})
	}
}

func TestAWrongConfigurationIsReported(t *testing.T) {
	got := newTrial(t).with("graceSeconds", -1).with("log", "log").run()
	equal(t, "the exit code", got.code, exitConfig)
	equal(t, "started", got.report.Started, false)
	if got.report.Gate != nil {
		t.Error("there is a verdict although the gate was never reached")
	}
	contains(t, "the reason", value(got.report.Error), "graceSeconds: must be")
	contains(t, "the reason", value(got.report.Error), "log: must be")
	contains(t, "what the administrator sees", got.stderr, "graceSeconds: must be")
}

func TestTheCommandLineKnowsOnlyTheVersion(t *testing.T) {
	output, err := exec.Command(binary, "--version").Output()
	must(t, err)
	equal(t, "the version", string(output), "c2d-runner dev\n")
	command := exec.Command(binary, "--help")
	text, _ := command.CombinedOutput()
	equal(t, "the exit code", command.ProcessState.ExitCode(), exitConfig)
	contains(t, "the message", string(text), "takes no arguments but --version")
}

func TestWithoutAPlaceForTheReportNothingIsStarted(t *testing.T) {
	trial := newTrial(t).script("touch $DIR/started")
	trial.with("report", trial.path("no/such/folder/report")).start()
	<-trial.ended
	equal(t, "the exit code", trial.command.ProcessState.ExitCode(), exitConfig)
	equal(t, "the algorithm's mark", trial.exists("started"), false)
	contains(t, "what the administrator sees", trial.stderr.String(), "report: open")
}

func TestTheAlgorithmFindsAQuietPlace(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"it works in the root folder":          {"pwd", "/\n"},
		"it knows where it lies":               {"test \"$ALGO\" = $DIR/algorithm && echo $0 | sed s,$DIR,DIR,", "DIR/algorithm\n"},
		"it doesn't see our configuration":     {"env | grep -c C2D_RUNNER", "0\n"},
		"it keeps the rest of the environment": {"echo $PATH", "/usr/bin:/bin\n"},
		"there is nothing on stdin":            {"wc -c", "0\n"},
		"it leads its own process group":       {"test $(cut -d' ' -f5 /proc/$$/stat) = $$ && echo yes", "yes\n"},
		"it leads its own session":             {"test $(cut -d' ' -f6 /proc/$$/stat) = $$ && echo yes", "yes\n"},
		"it can gain no rights":                {"grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t1\n"},
		"it may open as many files as we":      {"ulimit -n", "777\n"},
		"its outputs block as usual":           {"grep flags /proc/self/fdinfo/1", "flags:\t01\n"},
		"no signal is blocked":                 {"grep SigBlk /proc/self/status", "SigBlk:\t0000000000000000\n"},
		// Of the usual ones, 1 to 31; what make starts ignores 32 and 33, which are the C library's own.
		"no signal is ignored": {"grep -cE 'SigIgn:.*[08]0000000$' /proc/self/status", "1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trial := newTrial(t).script(c.script).through("ulimit -n 777")
			got := trial.run()
			equal(t, "what it sees", got.log, c.want)
		})
	}
}

func TestTheAlgorithmInheritsNoOpenFile(t *testing.T) {
	t.Parallel()
	trial := newTrial(t).script("cd /proc/self/fd && readlink *")
	leaked, err := os.Create(trial.path("leaked"))
	must(t, err)
	defer leaked.Close()
	trial.command.ExtraFiles = []*os.File{leaked, leaked, leaked}
	got := trial.run()
	contains(t, "its files", got.log, "/dev/null\npipe:")
	for _, name := range []string{"leaked", "report", "algorithm.log", "cgroup"} {
		equal(t, "it has "+name, strings.Contains(got.log, name), false)
	}
}

func TestEntrypointsRunAsInAShell(t *testing.T) {
	for name, c := range map[string]struct{ entrypoint, want string }{
		"split by us":      {`printf '%s|' "a b" $ALGO`, "a b|ALGO|"},
		"given to a shell": {`printf '%s|' "$ALGO" | tr a-z A-Z; echo $((1+1))`, "ALGO|2\n"},
		"an assignment":    {"X=1 printenv X ALGO", "1\nALGO\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := newTrial(t).with("entrypoint", c.entrypoint).with("algorithm", "/tmp/ALGO").run()
			equal(t, "the log", strings.ReplaceAll(strings.ReplaceAll(got.log, "/tmp/", ""), "/TMP/", ""), c.want)
		})
	}
}

func TestSignalsReachTheWholeProcessGroup(t *testing.T) {
	for _, number := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTERM} {
		name := strings.TrimPrefix(signalName(number), "SIG")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// A shell lets its background processes ignore SIGINT.
			trial := newTrial(t).script(fmt.Sprintf(`
				trap 'touch $DIR/main' %[1]s
				sh -c 'trap "touch $DIR/child; exit" %[1]s; touch $DIR/child-ready; while :; do sleep 0.05; done' &
				until [ -e $DIR/child-ready ]; do sleep 0.05; done
				touch $DIR/ready
				until [ -e $DIR/main ] && { [ -e $DIR/child ] || [ %[1]s = INT ]; }; do sleep 0.05; done
				exit 9`, name))
			got := trial.start().await("ready").send(number).wait()
			equal(t, "the exit code", got.code, 9)
			equal(t, "stopped", got.report.Stopped, number == syscall.SIGTERM)
		})
	}
}

func TestAnAlgorithmMayEndItselfWhenStopped(t *testing.T) {
	t.Parallel()
	trial := newTrial(t).script("trap 'echo bye; exit 9' TERM; touch $DIR/ready; while :; do sleep 0.05; done")
	got := trial.start().await("ready").send(syscall.SIGTERM).wait()
	equal(t, "the exit code", got.code, 9)
	equal(t, "stopped", got.report.Stopped, true)
	equal(t, "the algorithm's exit code", value(got.report.ExitCode), "9")
	contains(t, "the log", got.log, "c2d-runner: stopped on request\n")
	contains(t, "the log", got.log, "bye\n")
}

const deaf = "trap '' TERM; touch $DIR/ready; while :; do sleep 0.05; done"

func TestAnAlgorithmThatDoesNotStopIsKilled(t *testing.T) {
	t.Parallel()
	trial := newTrial(t).with("graceSeconds", 1).script(deaf)
	got := trial.start().await("ready").send(syscall.SIGTERM).send(syscall.SIGTERM).wait()
	equal(t, "the exit code", got.code, 137)
	equal(t, "the signal", value(got.report.Signal), "SIGKILL")
	equal(t, "stopped", got.report.Stopped, true)
	equal(t, "timed out", got.report.TimedOut, false)
	contains(t, "the log", got.log, "c2d-runner: the algorithm did not end by itself and is killed\n")
}

func TestAnAlgorithmEndsAtItsDeadline(t *testing.T) {
	for name, c := range map[string]struct{ script, exitCode, signal string }{
		"it does nothing about it":      {"exec sleep 1000", "null", "SIGTERM"},
		"it ends well in its last time": {"trap 'exit 0' TERM; while :; do sleep 0.05; done", "0", "null"},
		"it does not want to end":       {deaf, "null", "SIGKILL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := newTrial(t).with("deadlineSeconds", 1).with("graceSeconds", 1).script(c.script).run()
			equal(t, "the exit code", got.code, exitDeadline)
			equal(t, "timed out", got.report.TimedOut, true)
			equal(t, "stopped", got.report.Stopped, false)
			equal(t, "the algorithm's exit code", value(got.report.ExitCode), c.exitCode)
			equal(t, "the signal", value(got.report.Signal), c.signal)
			contains(t, "the log", got.log, "c2d-runner: the time limit of 1 s is over\n")
		})
	}
}

func TestADeadlineInTimeChangesNothing(t *testing.T) {
	t.Parallel()
	got := newTrial(t).with("deadlineSeconds", 3600).script("exit 3").run()
	equal(t, "the exit code", got.code, 3)
	equal(t, "timed out", got.report.TimedOut, false)
}

func TestProcessesLeftBehindAreKilled(t *testing.T) {
	t.Parallel()
	trial := newTrial(t).script(`
		sh -c 'trap "" TERM HUP; echo $$ >$DIR/left; exec sleep 1000' &
		until [ -s $DIR/left ]; do sleep 0.05; done
		exit 4`)
	got := trial.run()
	equal(t, "the exit code", got.code, 4)
	await(t, "it is gone", func() bool { return !runs(trial.read("left")) })
	equal(t, "the log's error", value(got.report.Log.Error), "null")
}

// A process that has left its group can't be found unless the runner is PID 1.
func TestAnOrphanThatHoldsThePipeDoesNotHangTheRunner(t *testing.T) {
	t.Parallel()
	trial := newTrial(t).script(`
		setsid sh -c 'echo $$ >$DIR/orphan; exec sleep 1000' &
		until [ -s $DIR/orphan ]; do sleep 0.05; done
		exit 4`)
	trial.start().await("orphan")
	await(t, "the orphan's number is written", func() bool { return trial.read("orphan") != "" })
	orphan, err := os.FindProcess(int(number(trial.read("orphan"))))
	must(t, err)
	defer orphan.Kill()
	got := trial.wait()
	equal(t, "the exit code", got.code, 4)
	equal(t, "the log's error", value(got.report.Log.Error), "log: a process that could not be killed still holds the output open")
}

func TestTheReportIsWhatTheRunnerSaysNotTheAlgorithm(t *testing.T) {
	t.Parallel()
	trial := newTrial(t).asNobody().script(`head -c 10000 /dev/zero | tr '\0' '{' >$DIR/report; chmod 444 $DIR/report; exit 2`)
	must(t, os.WriteFile(trial.path("report"), nil, 0o666))
	must(t, os.Chmod(trial.path("report"), 0o666))
	got := trial.run()
	equal(t, "the algorithm's exit code", value(got.report.ExitCode), "2")
}

func TestWithoutItsReportARunIsNoSuccess(t *testing.T) {
	t.Parallel()
	trial := newTrial(t).through("ulimit -f 0").script("exit 0").start()
	<-trial.ended
	equal(t, "the exit code", trial.command.ProcessState.ExitCode(), exitConfig)
	equal(t, "the report", trial.read("report"), "")
	contains(t, "what the administrator sees", trial.stderr.String(), "report: write")
}

func TestAlgorithmsOfTheSameUserCannotLookIntoTheRunner(t *testing.T) {
	for name, script := range map[string]string{
		"its environment":        "cat /proc/$PPID/environ",
		"its memory":             "head -c 1 /proc/$PPID/mem",
		"its memory's layout":    "cat /proc/$PPID/maps",
		"its descriptors":        "ls /proc/$PPID/fd",
		"its root folder":        "ls /proc/$PPID/root/",
		"its working folder":     "readlink /proc/$PPID/cwd",
		"its program":            "readlink /proc/$PPID/exe",
		"its standard output":    "echo x >/proc/$PPID/fd/1",
		"the memory of a thread": "head -c 1 /proc/$PPID/task/$PPID/mem",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trial := newTrial(t).asNobody().script("id -u; " + script + " && echo SEEN")
			got := trial.run()
			equal(t, "it sees something", strings.Contains(got.log, "SEEN") || strings.Contains(got.log, "C2D_RUNNER"), false)
			if os.Getuid() == 0 {
				contains(t, "the log", got.log, "65534\n")
			}
		})
	}
}

func TestAlgorithmsOfTheSameUserCanLookIntoOthers(t *testing.T) {
	t.Parallel()
	// The same look at a process that isn't protected shows that the test above
	// means something.
	trial := newTrial(t).asNobody().script("sleep 1000 & until grep -q ALGO= /proc/$!/environ; do sleep 0.05; done; ls /proc/$!/fd; echo SEEN")
	contains(t, "the log", trial.run().log, "\nSEEN\n")
}

// An image with nothing in it but what the test puts there.
func emptyImage(t *testing.T) *trial {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can change the root folder")
	}
	trial := newTrial(t)
	program, err := os.ReadFile(binary)
	must(t, err)
	for _, name := range []string{"runner", "algorithm"} {
		must(t, os.WriteFile(trial.path(name), program, 0o555))
	}
	must(t, os.Mkdir(trial.path("dev"), 0o755))
	if err := syscall.Mknod(trial.path("dev/null"), syscall.S_IFCHR|0o666, 1<<8|3); err != nil {
		t.Skipf("this machine makes no devices: %v", err)
	}
	trial.attributes().Chroot = trial.folder
	trial.attributes().Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	trial.command.Path = "/runner"
	trial.environment = nil
	return trial.with("algorithm", "/algorithm").with("log", "/logs/algorithm.log").with("report", "/report")
}

func TestTheRunnerNeedsNothingFromTheImage(t *testing.T) {
	got := emptyImage(t).with("entrypoint", "$ALGO --version").run()
	equal(t, "the exit code", got.code, 0)
	equal(t, "the log", got.log, "c2d-runner dev\n")
}

func TestAnEntrypointThatNeedsAShellSaysSoWhenThereIsNone(t *testing.T) {
	got := emptyImage(t).with("entrypoint", "$ALGO | cat").run()
	equal(t, "the exit code", got.code, exitNotFound)
	contains(t, "the reason", value(got.report.Error), "the entrypoint needs a shell (| at character 7), and the image has no /bin/sh")
}

func TestTheBinaryIsStatic(t *testing.T) {
	output, err := exec.Command("go", "version", "-m", binary).Output()
	must(t, err)
	contains(t, "how it was built", string(output), "CGO_ENABLED=0")
	if strings.Contains(string(output), "\tdep\t") {
		t.Errorf("%s has dependencies: %s", filepath.Base(binary), output)
	}
}

func TestAnAlgorithmStartsOnceOnItsVolume(t *testing.T) {
	t.Parallel()
	trial := newTrial(t).script("echo ran")
	trial.with("once", trial.path("logs/.started"))
	equal(t, "the first exit code", trial.run().code, 0)
	again := newTrial(t).script("echo ran again").with("log", trial.path("logs/algorithm.log"))
	got := again.with("once", trial.path("logs/.started")).run()
	log, err := os.ReadFile(trial.path("logs/algorithm.log"))
	must(t, err)
	equal(t, "the log of the only run", string(log), "ran\n")
	equal(t, "the second exit code", got.code, exitRanBefore)
	equal(t, "started", got.report.Started, false)
	contains(t, "the reason", value(got.report.Error), "started before")
}
