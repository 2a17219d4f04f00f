package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAReportHasItsExactShape(t *testing.T) {
	report := newReport()
	report.Gate = &GateReport{Verdict: verdictIsolated, Rounds: 2, WaitedSeconds: 0.3, Reachable: []string{}}
	report.began(time.Date(2026, 11, 22, 10, 0, 0, 0, time.FixedZone("", 3600)))
	report.ended(time.Date(2026, 11, 22, 9, 0, 1, 5e6, time.UTC), syscall.WaitStatus(3<<8))
	report.PeakMemoryBytes = 123
	report.Log.Bytes = 7
	equal(t, "the report", string(report.encode()), `{"program":"runner","version":1,`+
		`"gate":{"verdict":"Isolated","rounds":2,"waitedSeconds":0.3,"reachable":[]},`+
		`"started":true,"startTime":"2026-11-22T09:00:00.000Z","finishTime":"2026-11-22T09:00:01.005Z",`+
		`"exitCode":3,"signal":null,"timedOut":false,"stopped":false,"oomKills":0,"peakMemoryBytes":123,`+
		`"log":{"bytes":7,"truncated":false,"error":null},"error":null}`)
}

func TestAReportNeverExceedsATerminationMessage(t *testing.T) {
	for name, text := range map[string]string{
		"long":                        strings.Repeat("x", 100_000),
		"full of control characters":  strings.Repeat("\x01", 10_000),
		"in another alphabet":         strings.Repeat("データ", 10_000),
		"not even UTF-8":              strings.Repeat("\xff", 10_000),
		"full of quotes and brackets": strings.Repeat(`"<&>\`, 10_000),
	} {
		t.Run(name, func(t *testing.T) {
			report := newReport()
			report.Error, report.Log.Error = &text, &text
			report.Gate = &GateReport{Verdict: verdictLeaking}
			for range maxProbes {
				report.Gate.Reachable = append(report.Gate.Reachable, "tcp://[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")
			}
			encoded := report.encode()
			if len(encoded) > maxReport {
				t.Errorf("it has %d bytes", len(encoded))
			}
			var back Report
			must(t, json.Unmarshal(encoded, &back))
			equal(t, "the number of probes", len(back.Gate.Reachable), maxProbes)
		})
	}
}

func TestASignalHasAName(t *testing.T) {
	equal(t, "9", signalName(syscall.SIGKILL), "SIGKILL")
	equal(t, "40", signalName(40), "SIG40")
}

func TestTheReportGoesToARegularFileOnly(t *testing.T) {
	folder := t.TempDir()
	must(t, os.Symlink("/etc/hostname", filepath.Join(folder, "link")))
	must(t, syscall.Mkfifo(filepath.Join(folder, "fifo"), 0o600))
	for _, name := range []string{"link", "fifo", ".", "no/such/folder"} {
		if _, err := openReport(filepath.Join(folder, name)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestTheReportReplacesWhatTheAlgorithmWroteThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report")
	must(t, os.WriteFile(path, []byte("from an earlier attempt"), 0o644))
	file, err := openReport(path)
	must(t, err)
	before, _ := os.ReadFile(path)
	equal(t, "the file before the start", string(before), "")
	must(t, os.WriteFile(path, []byte(strings.Repeat("forged ", 10_000)), 0o644))
	must(t, newReport().writeTo(file))
	after, _ := os.ReadFile(path)
	equal(t, "the file at the end", string(after), string(newReport().encode()))
}
