package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// maxReport is how much of a termination message a kubelet keeps.
const maxReport = 4096

// Report is what the runner says about a run. It is written once, at the very
// end, when no process of the algorithm is left that could change it.
type Report struct {
	Program         string      `json:"program"` // always "runner"
	Version         int         `json:"version"` // of this format: 1
	Gate            *GateReport `json:"gate"`    // null when the run ended before the gate
	Started         bool        `json:"started"` // whether the algorithm was ever started
	StartTime       *string     `json:"startTime"`
	FinishTime      *string     `json:"finishTime"`
	ExitCode        *int        `json:"exitCode"` // the algorithm's own; null when a signal ended it
	Signal          *string     `json:"signal"`   // the one that ended it, such as "SIGKILL"
	TimedOut        bool        `json:"timedOut"`
	Stopped         bool        `json:"stopped"` // SIGTERM came from outside
	OOMKills        int64       `json:"oomKills"`
	PeakMemoryBytes int64       `json:"peakMemoryBytes"`
	Log             LogReport   `json:"log"`
	Error           *string     `json:"error"` // why the algorithm was not started
}

// GateReport is the result of the isolation gate.
type GateReport struct {
	Verdict       string   `json:"verdict"` // Isolated, Leaking, Unproven or Off
	Rounds        int      `json:"rounds"`
	WaitedSeconds float64  `json:"waitedSeconds"`
	Reachable     []string `json:"reachable"` // probes that got through in the last round that wasn't all blocked
}

// LogReport is what became of the log file.
type LogReport struct {
	Bytes     int64   `json:"bytes"`     // everything that the algorithm wrote, kept or not
	Truncated bool    `json:"truncated"` // whether the log file holds less than that
	Error     *string `json:"error"`     // the first thing that went wrong with the file
}

func newReport() *Report { return &Report{Program: "runner", Version: 1} }

func (r *Report) began(at time.Time) {
	r.Started = true
	r.StartTime = timestamp(at)
}

func (r *Report) ended(at time.Time, status syscall.WaitStatus) {
	r.FinishTime = timestamp(at)
	if status.Signaled() {
		name := signalName(status.Signal())
		r.Signal = &name
		return
	}
	code := status.ExitStatus()
	r.ExitCode = &code
}

// timestamp is RFC 3339 in UTC with milliseconds.
func timestamp(at time.Time) *string {
	text := at.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	return &text
}

// encode returns the report as JSON of at most maxReport bytes, for which it
// shortens the free texts as much as needed.
func (r *Report) encode() []byte {
	for limit := 2048; ; limit /= 2 {
		short := *r
		short.Error = shorten(r.Error, limit)
		short.Log.Error = shorten(r.Log.Error, limit)
		if text := marshal(short); len(text) <= maxReport || limit == 0 {
			return text
		}
	}
}

func marshal(report Report) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(report); err != nil {
		panic(err) // the type holds nothing that JSON can't
	}
	return bytes.TrimSpace(text.Bytes())
}

// shorten cuts a text to limit bytes, plus a sign that it was cut.
func shorten(text *string, limit int) *string {
	if text == nil || len(*text) <= limit {
		return text
	}
	cut := strings.ToValidUTF8((*text)[:limit], "") + "…"
	return &cut
}

// openReport opens the file for the report before the algorithm starts, so that
// it can't later be taken away, and removes what an earlier attempt left there.
// The default path has to exist, because the kubelet makes that file; any other
// is created.
func openReport(path string) (*os.File, error) {
	flags := os.O_WRONLY | syscall.O_NOFOLLOW | syscall.O_NONBLOCK
	if path != defaultReport {
		flags |= os.O_CREATE
	}
	file, err := os.OpenFile(path, flags, 0o644)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, fmt.Errorf("report: %s is not a regular file", path)
	}
	if err := file.Truncate(0); err != nil {
		file.Close()
		return nil, fmt.Errorf("report: %w", err)
	}
	return file, nil
}

// writeTo replaces whatever the algorithm may have written to the file. The
// truncation comes first: should writing fail, an empty report is what is left,
// not one that the algorithm made up.
func (r *Report) writeTo(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if _, err := file.WriteAt(r.encode(), 0); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return file.Close()
}
