package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// binary is the runner as it is shipped: static, in a folder that every user
// may read.
var binary string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "c2d-runner-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(folder, "c2d-runner")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v\n%s", err, output))
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// patience bounds every wait of a test for something that does happen.
const patience = time.Minute

// nobody is a user without any rights.
const nobody = 65534

// trial prepares one run of the real program and its algorithm.
type trial struct {
	t           *testing.T
	folder      string // everybody may write here
	config      map[string]any
	environment []string
	command     *exec.Cmd
	stdout      bytes.Buffer
	stderr      bytes.Buffer
	ended       chan error
}

// newTrial has the gate off and a time limit far away. Paths are inside its
// folder; the folder is $DIR for scripts.
func newTrial(t *testing.T) *trial {
	t.Helper()
	folder, err := os.MkdirTemp("", "trial-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(folder) })
	must(t, os.Mkdir(filepath.Join(folder, "logs"), 0o777))
	for _, writable := range []string{folder, filepath.Join(folder, "logs")} {
		must(t, os.Chmod(writable, 0o777))
	}
	trial := &trial{t: t, folder: folder, command: exec.Command(binary), ended: make(chan error, 1)}
	trial.environment = []string{"PATH=/usr/bin:/bin", "DIR=" + folder}
	trial.config = map[string]any{
		"entrypoint":    "sh $ALGO",
		"algorithm":     trial.path("algorithm"),
		"log":           trial.path("logs/algorithm.log"),
		"report":        trial.path("report"),
		"logLimitBytes": 1 << 20,
		"graceSeconds":  30,
		"gate":          map[string]any{"mode": "Off"},
	}
	return trial
}

func (r *trial) path(name string) string { return filepath.Join(r.folder, name) }

// script makes the algorithm file.
func (r *trial) script(text string) *trial {
	r.t.Helper()
	must(r.t, os.WriteFile(r.path("algorithm"), []byte(text), 0o644))
	return r
}

func (r *trial) with(field string, value any) *trial {
	r.config[field] = value
	return r
}

// asNobody makes runner and algorithm run without any rights, as in a pod.
func (r *trial) asNobody() *trial {
	r.t.Helper()
	if os.Getuid() != 0 {
		return r // nobody special anyway
	}
	must(r.t, os.Chown(r.folder, nobody, nobody))
	must(r.t, os.Chown(r.path("logs"), nobody, nobody))
	r.attributes().Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	return r
}

// inNamespaces makes the runner PID 1 of a namespace of its own.
func (r *trial) inNamespaces(more uintptr) *trial {
	r.t.Helper()
	if os.Getuid() != 0 {
		r.t.Skip("only root can make a PID namespace")
	}
	r.attributes().Cloneflags = syscall.CLONE_NEWPID | more
	r.attributes().Unshareflags = syscall.CLONE_NEWNS
	return r
}

func (r *trial) attributes() *syscall.SysProcAttr {
	if r.command.SysProcAttr == nil {
		r.command.SysProcAttr = &syscall.SysProcAttr{}
	}
	return r.command.SysProcAttr
}

// through puts a shell before the runner, to set something up that it inherits.
func (r *trial) through(setup string) *trial {
	r.command.Path = "/bin/sh"
	r.command.Args = []string{"sh", "-c", setup + "\nexec " + binary}
	return r
}

func (r *trial) start() *trial {
	r.t.Helper()
	config, err := json.Marshal(r.config)
	must(r.t, err)
	r.command.Env = append(r.environment, "C2D_RUNNER="+string(config))
	if r.command.Stdout == nil {
		r.command.Stdout = &r.stdout
	}
	r.command.Stderr = &r.stderr
	r.command.WaitDelay = patience
	if err := r.command.Start(); err != nil {
		if r.attributes().Cloneflags != 0 {
			r.t.Skipf("this machine makes no namespaces: %v", err)
		}
		r.t.Fatal(err)
	}
	go func() { r.ended <- r.command.Wait() }()
	r.t.Cleanup(func() { r.command.Process.Kill() })
	return r
}

func (r *trial) send(number syscall.Signal) *trial {
	r.t.Helper()
	must(r.t, r.command.Process.Signal(number))
	return r
}

// outcome is what is left of a run.
type outcome struct {
	code   int // exit code of the runner
	report Report
	log    string
	stdout string
	stderr string
}

func (r *trial) run() outcome {
	r.t.Helper()
	return r.start().wait()
}

func (r *trial) wait() outcome {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(patience):
		r.t.Fatalf("the runner has not ended; stderr: %s", r.stderr.String())
	}
	result := outcome{code: r.command.ProcessState.ExitCode(), stdout: r.stdout.String(), stderr: r.stderr.String()}
	if info, err := os.Lstat(r.path("logs/algorithm.log")); err == nil && info.Mode().IsRegular() {
		result.log = r.readAll("logs/algorithm.log")
	}
	result.report = r.readReport(result)
	return result
}

// readReport insists on the exact shape: a field too many is an error.
func (r *trial) readReport(result outcome) Report {
	r.t.Helper()
	text, err := os.ReadFile(r.path("report"))
	must(r.t, err)
	if len(text) > maxReport {
		r.t.Errorf("the report has %d bytes", len(text))
	}
	var report Report
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&report); err != nil || decoder.More() {
		r.t.Fatalf("not one JSON report (%v): %q; runner's exit code %d, stderr %s", err, text, result.code, result.stderr)
	}
	return report
}

func (r *trial) exists(name string) bool {
	_, err := os.Lstat(r.path(name))
	return err == nil
}

func (r *trial) await(name string) *trial {
	r.t.Helper()
	await(r.t, name+" exists", func() bool { return r.exists(name) })
	return r
}

func (r *trial) readAll(name string) string {
	r.t.Helper()
	text, err := os.ReadFile(r.path(name))
	must(r.t, err)
	return string(text)
}

func (r *trial) read(name string) string {
	r.t.Helper()
	return strings.TrimSpace(r.readAll(name))
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if condition() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

// runs says whether a process is there and more than a zombie.
func runs(pid string) bool {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(text), ") ")
	return !strings.HasPrefix(state, "Z") && !strings.HasPrefix(state, "X")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func contains(t *testing.T, what, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%s is %q, without %q", what, text, part)
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, not %v", what, got, want)
	}
}

// value shows an optional field for comparison: "null" or what it points to.
func value[T any](optional *T) string {
	if optional == nil {
		return "null"
	}
	return fmt.Sprint(*optional)
}
