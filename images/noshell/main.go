// Noshell is an algorithm for images that hold nothing but it: no shell, no libc, no /tmp.
//
//	noshell ok        write $OUTPUTS/result.txt and end with 0
//	noshell exit N    the same, but end with N
//	noshell sleep N   write it after N seconds
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const usage = "usage: noshell ok | exit N | sleep SECONDS"

// shown are the variables of the container contract that the result repeats; a secret is not among them.
var shown = []string{"DIDS", "TRANSFORMATION_DID", "VOLUME", "INPUTS", "OUTPUTS", "LOGS"}

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "noshell:", err)
		os.Exit(64)
	}
	os.Exit(code)
}

func run(arguments []string) (int, error) {
	mode, number, err := parse(arguments)
	if err != nil {
		return 0, err
	}
	if mode == "sleep" {
		time.Sleep(time.Duration(number) * time.Second)
		number = 0
	}
	fmt.Println("noshell:", strings.Join(arguments, " "))
	return number, write()
}

// parse returns the mode and its number; nothing at all means ok.
func parse(arguments []string) (string, int, error) {
	switch {
	case len(arguments) == 0, len(arguments) == 1 && arguments[0] == "ok":
		return "ok", 0, nil
	case len(arguments) == 2 && (arguments[0] == "exit" || arguments[0] == "sleep"):
		number, err := strconv.Atoi(arguments[1])
		return arguments[0], number, err
	}
	return "", 0, errors.New(usage)
}

func write() error {
	outputs := os.Getenv("OUTPUTS")
	if outputs == "" {
		outputs = "/data/outputs"
	}
	var text strings.Builder
	for _, name := range shown {
		fmt.Fprintf(&text, "%s=%s\n", name, os.Getenv(name))
	}
	return os.WriteFile(filepath.Join(outputs, "result.txt"), []byte(text.String()), 0o644)
}
