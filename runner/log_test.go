package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOutputGoesInOrderToTheLogAndToTheContainersOwnLog(t *testing.T) {
	t.Parallel()
	var script, want strings.Builder
	for index := range 200 {
		fmt.Fprintf(&script, "echo %d >&%d\n", index, 1+index%2)
		fmt.Fprintf(&want, "%d\n", index)
	}
	got := newTrial(t).script(script.String()).run()
	equal(t, "the log", got.log, want.String())
	equal(t, "the container's log", got.stdout, want.String())
	equal(t, "the number of bytes", got.report.Log.Bytes, int64(want.Len()))
	equal(t, "truncated", got.report.Log.Truncated, false)
}

const endOfLog = "c2d-runner: the log ends here, after 1000 bytes, which is its limit; the algorithm goes on, and what it still writes is dropped\n"

func TestALogEndsAtItsLimitButTheAlgorithmGoesOn(t *testing.T) {
	for name, c := range map[string]struct {
		script    string
		want      string
		bytes     int64
		truncated bool
	}{
		"one byte less than the limit": {"head -c 999 /dev/zero | tr '\\0' x", strings.Repeat("x", 999), 999, false},
		"exactly the limit":            {"head -c 1000 /dev/zero | tr '\\0' x", strings.Repeat("x", 1000), 1000, false},
		"one byte more":                {"head -c 1001 /dev/zero | tr '\\0' x", strings.Repeat("x", 1000) + "\n" + endOfLog, 1001, true},
		"far more":                     {"head -c 10000000 /dev/zero | tr '\\0' x", strings.Repeat("x", 1000) + "\n" + endOfLog, 10000000, true},
		"a limit at the end of a line": {"for i in $(seq 2000); do echo; done", strings.Repeat("\n", 1000) + endOfLog, 2000, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trial := newTrial(t).with("logLimitBytes", 1000).script(c.script + "\ntouch $DIR/finished; exit 6")
			got := trial.run()
			equal(t, "the log", got.log, c.want)
			equal(t, "the container's log", got.stdout, c.want)
			equal(t, "the number of bytes", got.report.Log.Bytes, c.bytes)
			equal(t, "truncated", got.report.Log.Truncated, c.truncated)
			equal(t, "the log's error", value(got.report.Log.Error), "null")
			equal(t, "the exit code", got.code, 6)
			equal(t, "the algorithm came to its end", trial.exists("finished"), true)
		})
	}
}

func TestWhateverTheAlgorithmDoesToItsLogItIsPutBack(t *testing.T) {
	const log = "$DIR/logs/algorithm.log"
	for name, tampering := range map[string]string{
		"it deletes it":                       "rm " + log,
		"it moves it away":                    "mv " + log + " $DIR/logs/mine",
		"it replaces it by a symbolic link":   "ln -sf $DIR/victim " + log,
		"it replaces it by a dangling link":   "ln -sf $DIR/victim-to-be " + log,
		"it replaces it by a hard link":       "ln -f $DIR/victim " + log,
		"it replaces it by a fifo":            "rm " + log + "; mkfifo " + log,
		"it replaces it by a full folder":     "rm " + log + "; mkdir -p " + log + "/a/b; ln -s $DIR " + log + "/a/up",
		"it replaces it by a file of its own": "rm " + log + "; echo mine >" + log,
		"it makes it unreadable":              "chmod 000 " + log,
		"it makes the folder unusable":        "chmod 000 $DIR/logs",
		"it adds to it without us":            "head -c 100000 /dev/zero >>" + log,
		"it makes it huge":                    "truncate -s 1T " + log,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trial := newTrial(t).asNobody().script("echo before\n" + tampering + "\necho after")
			must(t, os.WriteFile(trial.path("victim"), []byte("precious"), 0o666))
			must(t, os.Chmod(trial.path("victim"), 0o666))
			got := trial.run()
			equal(t, "the exit code", got.code, 0)
			equal(t, "the log's error", value(got.report.Log.Error), "null")
			equal(t, "the other file", trial.read("victim"), "precious")
			equal(t, "a new file through the dangling link", trial.exists("victim-to-be"), false)
			info, err := os.Lstat(trial.path("logs/algorithm.log"))
			must(t, err)
			equal(t, "the log's mode", info.Mode().String(), "-rw-r--r--")
			equal(t, "the log", got.log, "before\nafter\n")
		})
	}
}

func TestTheLogOfAnEarlierAttemptIsReplacedNotFollowed(t *testing.T) {
	for name, plant := range map[string]func(path, victim string) error{
		"a link":   func(path, victim string) error { return os.Symlink(victim, path) },
		"a file":   func(path, _ string) error { return os.WriteFile(path, []byte("old"), 0o644) },
		"a folder": func(path, _ string) error { return os.MkdirAll(path+"/a/b", 0o755) },
	} {
		t.Run(name, func(t *testing.T) {
			trial := newTrial(t).script("echo new")
			must(t, os.WriteFile(trial.path("victim"), []byte("precious"), 0o666))
			must(t, plant(trial.path("logs/algorithm.log"), trial.path("victim")))
			got := trial.run()
			equal(t, "the log", got.log, "new\n")
			equal(t, "the other file", trial.read("victim"), "precious")
		})
	}
}

func TestAFullDiskDisturbsNeitherAlgorithmNorReport(t *testing.T) {
	t.Parallel()
	// A limit on file sizes makes writing fail just as a full disk does. It is 8
	// blocks of 512 bytes; the report fits in.
	trial := newTrial(t).through("ulimit -f 8").script("head -c 20000 /dev/zero | tr '\\0' x; echo end >&2; exit 8")
	got := trial.run()
	equal(t, "the exit code", got.code, 8)
	equal(t, "the log", got.log, strings.Repeat("x", 4096))
	equal(t, "the container's log", got.stdout, strings.Repeat("x", 20000)+"end\n")
	equal(t, "the number of bytes", got.report.Log.Bytes, 20004)
	equal(t, "truncated", got.report.Log.Truncated, true)
	contains(t, "the log's error", value(got.report.Log.Error), "file too large")
}

func TestAGapIsMarkedWhenThereIsRoomAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	var console bytes.Buffer
	log, err := openLog(path, 1000, &console)
	must(t, err)
	log.Write([]byte("kept\n"))
	log.failed(os.ErrDeadlineExceeded)
	log.Write([]byte("lost\n"))
	report := log.finish()
	text, _ := os.ReadFile(path)
	equal(t, "the log", string(text), "kept\n\nc2d-runner: the log is incomplete: i/o timeout\n")
	equal(t, "the container's log", console.String(), "kept\nlost\n")
	equal(t, "truncated", report.Truncated, true)
	equal(t, "the error", value(report.Error), "log: i/o timeout")
}

func TestAClosedConsoleDoesNotDisturbTheAlgorithm(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	must(t, err)
	trial := newTrial(t).script("head -c 500000 /dev/zero | tr '\\0' x; exit 5")
	trial.command.Stdout = writer
	reader.Close()
	trial.start()
	writer.Close()
	got := trial.wait()
	equal(t, "the exit code", got.code, 5)
	equal(t, "the log", len(got.log), 500000)
}

func TestAConsoleThatHangsDoesNotHangTheRunner(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	must(t, err)
	defer reader.Close()
	trial := newTrial(t).script("yes").with("deadlineSeconds", 1).with("graceSeconds", 1)
	trial.command.Stdout = writer
	trial.start()
	writer.Close()
	got := trial.wait()
	equal(t, "the exit code", got.code, exitDeadline)
	equal(t, "the log's error", value(got.report.Log.Error), "log: the container's own log takes no more output")
}

func TestALogThatCannotBeMadeKeepsTheAlgorithmFromStarting(t *testing.T) {
	trial := newTrial(t).script("touch $DIR/started")
	trial.with("log", trial.path("no/such/folder/log"))
	got := trial.run()
	equal(t, "the exit code", got.code, exitConfig)
	contains(t, "the reason", value(got.report.Error), "log: open "+trial.path("no/such/folder"))
	equal(t, "the algorithm's mark", trial.exists("started"), false)
}
