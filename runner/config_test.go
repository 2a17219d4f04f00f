package main

import (
	"encoding/json"
	"strings"
	"testing"
)

const completeConfig = `{"entrypoint": "python3 $ALGO", "algorithm": "/data/transformations/algorithm",
	"log": "/data/logs/algorithm.log", "logLimitBytes": 104857600, "deadlineSeconds": 3600, "graceSeconds": 10,
	"gate": {"mode": "Required", "probes": ["tcp://10.96.0.1:443", "dns://[fd00::a]:53"],
		"timeoutSeconds": 30, "probeTimeoutMilliseconds": 1000},
	"report": "/dev/termination-log"}`

func TestACompleteConfigurationIsAccepted(t *testing.T) {
	config, err := parseConfig(completeConfig)
	must(t, err)
	equal(t, "the entrypoint", config.Entrypoint, "python3 $ALGO")
	equal(t, "the deadline", config.deadline().String(), "1h0m0s")
	equal(t, "the probe's time", config.Gate.probeTimeout().String(), "1s")
}

func TestWhatIsLeftOutHasADefault(t *testing.T) {
	config, err := parseConfig(`{"algorithm": "/a", "log": "/l", "gate": {"mode": "Off"}}`)
	must(t, err)
	want := defaults()
	want.Algorithm, want.Log, want.Gate.Mode = "/a", "/l", gateOff
	got, _ := json.Marshal(config)
	expected, _ := json.Marshal(want)
	equal(t, "the configuration", string(got), string(expected))
}

func TestAWrongConfigurationIsRefusedWithTheFieldsName(t *testing.T) {
	for name, c := range map[string]struct{ old, new, message string }{
		"unknown field":                   {`"log":`, `"colour": 1, "log":`, `C2D_RUNNER: unknown field "colour"`},
		"unknown field of the gate":       {`"mode":`, `"modes": [], "mode":`, `unknown field "modes"`},
		"a string for a number":           {`3600`, `"3600"`, "deadlineSeconds: must be a whole number, not a JSON string"},
		"a fraction":                      {`3600`, `1.5`, "deadlineSeconds: must be a whole number"},
		"a number for a string":           {`"python3 $ALGO"`, `7`, "entrypoint: must be a string"},
		"a string for a list":             {`["tcp://10.96.0.1:443", "dns://[fd00::a]:53"]`, `"x"`, "gate.probes: must be a list"},
		"a string for the gate":           {`"gate": {`, `"gate": "Off", "gate": {`, "gate: must be an object"},
		"broken JSON":                     {`}`, `]`, "C2D_RUNNER: invalid character"},
		"two objects":                     {`"/dev/termination-log"}`, `"/dev/termination-log"} {}`, "C2D_RUNNER: holds more than one"},
		"a NUL in the entrypoint":         {`python3 `, `python3\u0000`, "entrypoint: must not contain a NUL"},
		"no algorithm":                    {`/data/transformations/algorithm`, ``, "algorithm: must be the absolute path"},
		"a relative algorithm":            {`/data/transformations/algorithm`, `algorithm`, "algorithm: must be the absolute path"},
		"a log that is a folder":          {`/data/logs/algorithm.log`, `/data/logs/`, "log: must be the absolute path"},
		"a log through the parent folder": {`/data/logs/algorithm.log`, `/data/../x`, "log: must be the absolute path"},
		"no room for the log":             {`104857600`, `0`, "logLimitBytes: must be from 1 to"},
		"a negative deadline":             {`3600`, `-1`, "deadlineSeconds: must be from 0 to"},
		"a deadline beyond reason":        {`3600`, `9000000000`, "deadlineSeconds: must be from 0 to"},
		"a grace period beyond reason":    {`"graceSeconds": 10`, `"graceSeconds": 3601`, "graceSeconds: must be from 0 to 3600"},
		"a report that is the log":        {`/dev/termination-log`, `/data/logs/algorithm.log`, "report: must not be the same file as log"},
		"a relative report":               {`/dev/termination-log`, `report`, "report: must be the absolute path"},
		"no mode":                         {`"mode": "Required", `, ``, `gate.mode: must be "Required" or "Off", not ""`},
		"another mode":                    {`"Required"`, `"required"`, "gate.mode: must be"},
		"a required gate without probes":  {`["tcp://10.96.0.1:443", "dns://[fd00::a]:53"]`, `[]`, "gate.probes: must not be empty"},
		"too many probes":                 {`"dns://`, strings.Repeat(`"tcp://10.0.0.1:1", `, 31) + `"dns://`, "gate.probes: must not be more than 32"},
		"a probe with a name":             {`10.96.0.1`, `kubernetes.default`, "gate.probes[0]: must be tcp://IP:PORT"},
		"a probe without a port":          {`10.96.0.1:443`, `10.96.0.1`, "gate.probes[0]: must be tcp://IP:PORT"},
		"a probe with port 0":             {`10.96.0.1:443`, `10.96.0.1:0`, "gate.probes[0]: must name one host and a port"},
		"a probe of any host":             {`10.96.0.1:443`, `0.0.0.0:443`, "gate.probes[0]: must name one host and a port"},
		"a probe with a zone":             {`[fd00::a]`, `[fe80::a%eth0]`, "gate.probes[1]: must be dns://IP:PORT"},
		"a probe of another kind":         {`tcp://`, `http://`, "gate.probes[0]: must begin with tcp:// or dns://"},
		"no time for the gate":            {`"timeoutSeconds": 30`, `"timeoutSeconds": 0`, "gate.timeoutSeconds: must be from 1"},
		"too little time for two rounds":  {`"timeoutSeconds": 30`, `"timeoutSeconds": 2`, "gate.timeoutSeconds: must be at least 3"},
		"no time for a probe":             {`"probeTimeoutMilliseconds": 1000`, `"probeTimeoutMilliseconds": 0`, "gate.probeTimeoutMilliseconds: must be from 10"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(completeConfig, c.old) {
				t.Fatalf("the complete configuration has no %s", c.old)
			}
			_, err := parseConfig(strings.Replace(completeConfig, c.old, c.new, 1))
			if err == nil {
				t.Fatal("it was accepted")
			}
			contains(t, "the error", err.Error(), c.message)
		})
	}
}

func TestEveryWrongFieldIsNamedAtOnce(t *testing.T) {
	_, err := parseConfig(`{"log": "l", "graceSeconds": -1}`)
	for _, field := range []string{"algorithm:", "log:", "graceSeconds:", "gate.mode:"} {
		contains(t, "the error", err.Error(), field)
	}
}

func TestABrokenConfigurationStillSaysWhereToReport(t *testing.T) {
	for name, c := range map[string]struct{ text, report string }{
		"its path is good":        {`{"report": "/tmp/r", "colour": 1}`, "/tmp/r"},
		"its path is relative":    {`{"report": "r"}`, defaultReport},
		"its path is a number":    {`{"report": 1}`, defaultReport},
		"there is no JSON":        {`{`, defaultReport},
		"there is nothing at all": {``, defaultReport},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := parseConfig(c.text)
			if err == nil {
				t.Fatal("it was accepted")
			}
			equal(t, "the report's path", config.Report, c.report)
		})
	}
}
