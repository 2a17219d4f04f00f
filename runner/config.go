package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
	"time"
)

// configVariable is the environment variable with the configuration. The
// algorithm never sees it.
const configVariable = "C2D_RUNNER"

// defaultReport is where a kubelet expects a container's termination message.
const defaultReport = "/dev/termination-log"

const (
	gateRequired = "Required"
	gateOff      = "Off"
)

// Bounds that keep arithmetic safe and the report within its 4096 bytes.
const (
	maxLogLimit      = 1 << 40
	maxDeadline      = 10 * 365 * 24 * 3600
	maxGrace         = 3600
	maxGateTimeout   = 3600
	maxProbeTimeout  = 60_000
	minProbeTimeout  = 10
	maxProbes        = 32
	defaultLogLimit  = 100 << 20
	defaultGrace     = 10
	defaultGateWait  = 30
	defaultProbeWait = 1000
)

// Config says what to run and within which limits. Times are in seconds and
// sizes in bytes unless the name says otherwise; paths are absolute.
type Config struct {
	Entrypoint      string     `json:"entrypoint"`      // as in an Ocean container; empty: execute the algorithm file
	Algorithm       string     `json:"algorithm"`       // the value of $ALGO
	Log             string     `json:"log"`             // receives a copy of stdout and stderr
	LogLimitBytes   int64      `json:"logLimitBytes"`   // how much of the output is kept
	DeadlineSeconds int64      `json:"deadlineSeconds"` // from the algorithm's start; 0: none
	GraceSeconds    int64      `json:"graceSeconds"`    // from SIGTERM to SIGKILL
	Once            string     `json:"once"`            // a marker file: where it exists, the algorithm is not started; empty: none
	Gate            GateConfig `json:"gate"`
	Report          string     `json:"report"`
}

// GateConfig describes the isolation gate.
type GateConfig struct {
	Mode                     string   `json:"mode"`   // Required or Off
	Probes                   []string `json:"probes"` // tcp://IP:PORT or dns://IP:PORT
	TimeoutSeconds           int64    `json:"timeoutSeconds"`
	ProbeTimeoutMilliseconds int64    `json:"probeTimeoutMilliseconds"`
}

func (c Config) deadline() time.Duration { return time.Duration(c.DeadlineSeconds) * time.Second }
func (c Config) grace() time.Duration    { return time.Duration(c.GraceSeconds) * time.Second }

func (g GateConfig) timeout() time.Duration { return time.Duration(g.TimeoutSeconds) * time.Second }
func (g GateConfig) probeTimeout() time.Duration {
	return time.Duration(g.ProbeTimeoutMilliseconds) * time.Millisecond
}

// parseConfig reads and validates a configuration. Its error names every field
// that is wrong. Even then the returned Report can be used, because the error
// itself has to be reported somewhere.
func parseConfig(text string) (Config, error) {
	config := defaults()
	if err := decode(text, &config); err != nil {
		return Config{Report: salvageReport(text)}, err
	}
	if wrong := config.problems(); len(wrong) > 0 {
		return Config{Report: salvageReport(text)}, errors.New(strings.Join(wrong, "; "))
	}
	return config, nil
}

func defaults() Config {
	return Config{
		LogLimitBytes: defaultLogLimit,
		GraceSeconds:  defaultGrace,
		Gate:          GateConfig{TimeoutSeconds: defaultGateWait, ProbeTimeoutMilliseconds: defaultProbeWait},
		Report:        defaultReport,
	}
}

func decode(text string, config *Config) error {
	if text == "" {
		return fmt.Errorf("%s: is not set", configVariable)
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(config); err != nil {
		return explainJSON(err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return fmt.Errorf("%s: holds more than one JSON object", configVariable)
	}
	return nil
}

func explainJSON(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return fmt.Errorf("%s: must be %s, not a JSON %s", wrong.Field, kinds[wrong.Type.Kind().String()], wrong.Value)
	}
	return fmt.Errorf("%s: %s", configVariable, strings.TrimPrefix(err.Error(), "json: "))
}

var kinds = map[string]string{"string": "a string", "int64": "a whole number", "slice": "a list", "struct": "an object"}

// salvageReport finds the report's path in a configuration that is otherwise
// broken.
func salvageReport(text string) string {
	var partial struct {
		Report string `json:"report"`
	}
	if json.Unmarshal([]byte(text), &partial) == nil && isFilePath(partial.Report) {
		return partial.Report
	}
	return defaultReport
}

// problems collects one sentence for each wrong field.
type problems []string

func (p *problems) unless(ok bool, field, format string, args ...any) {
	if !ok {
		*p = append(*p, field+": "+fmt.Sprintf(format, args...))
	}
}

func (p *problems) path(field, value string) {
	p.unless(isFilePath(value), field, "must be the absolute path of a file, not %q", value)
}

func (p *problems) between(field string, value, low, high int64) {
	p.unless(value >= low && value <= high, field, "must be from %d to %d, not %d", low, high, value)
}

func (c Config) problems() []string {
	var p problems
	p.unless(!strings.Contains(c.Entrypoint, "\x00"), "entrypoint", "must not contain a NUL character")
	p.path("algorithm", c.Algorithm)
	p.path("log", c.Log)
	p.between("logLimitBytes", c.LogLimitBytes, 1, maxLogLimit)
	p.between("deadlineSeconds", c.DeadlineSeconds, 0, maxDeadline)
	p.between("graceSeconds", c.GraceSeconds, 0, maxGrace)
	if c.Once != "" {
		p.path("once", c.Once)
	}
	p.path("report", c.Report)
	p.unless(c.Report != c.Log, "report", "must not be the same file as log")
	c.Gate.problems(&p)
	return p
}

func (g GateConfig) problems(p *problems) {
	p.unless(g.Mode == gateRequired || g.Mode == gateOff, "gate.mode", "must be %q or %q, not %q", gateRequired, gateOff, g.Mode)
	p.unless(g.Mode == gateOff || len(g.Probes) > 0, "gate.probes", "must not be empty when gate.mode is %q", gateRequired)
	p.unless(len(g.Probes) <= maxProbes, "gate.probes", "must not be more than %d, but are %d", maxProbes, len(g.Probes))
	for index, text := range g.Probes {
		_, err := parseProbe(text)
		p.unless(err == nil, fmt.Sprintf("gate.probes[%d]", index), "%v", err)
	}
	p.between("gate.timeoutSeconds", g.TimeoutSeconds, 1, maxGateTimeout)
	p.between("gate.probeTimeoutMilliseconds", g.ProbeTimeoutMilliseconds, minProbeTimeout, maxProbeTimeout)
	needed := int64(math.Ceil(g.leastTime().Seconds()))
	p.unless(g.TimeoutSeconds >= needed, "gate.timeoutSeconds", "must be at least %d: two rounds of probes need that long", needed)
}

// leastTime is how long the gate takes when every probe runs into its timeout.
func (g GateConfig) leastTime() time.Duration {
	return roundsInARow*g.probeTimeout() + (roundsInARow-1)*roundPause
}

func isFilePath(path string) bool {
	return filepath.IsAbs(path) && filepath.Clean(path) == path && path != "/" && !strings.Contains(path, "\x00")
}
