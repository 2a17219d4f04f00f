package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestAnEntrypointBecomesACommand(t *testing.T) {
	folder := t.TempDir()
	tool, plain := filepath.Join(folder, "tool"), filepath.Join(folder, "plain")
	must(t, os.WriteFile(tool, []byte("#!/bin/sh\n"), 0o755))
	must(t, os.WriteFile(plain, nil, 0o644))
	must(t, os.Mkdir(filepath.Join(folder, "directory"), 0o755))
	environment := []string{"PATH=/nonexistent:" + plain + ":" + folder, "TOOL=tool", "C2D_RUNNER={}", "ALGO=theirs"}
	for name, c := range map[string]struct {
		entrypoint, algorithm string
		code                  int
		arguments             string // or the error
	}{
		"a name is searched in PATH":                 {"tool $ALGO", "/a b", 0, tool + " tool|/a b"},
		"a path is taken as it is":                   {tool + " x", "/a", 0, tool + " " + tool + "|x"},
		"a path from the root of the working folder": {tool[1:], "/a", 0, tool + " " + tool[1:]},
		"a command from a variable":                  {"$TOOL", "/a", 0, tool + " tool"},
		"the algorithm as the command":               {"$ALGO -v", tool, 0, tool + " " + tool + "|-v"},
		"an empty entrypoint executes the algorithm": {"", tool, 0, tool + " " + tool},
		"a blank entrypoint executes the algorithm":  {" \n", tool, 0, tool + " " + tool},
		"a shell where one is needed":                {"tool | tool", "/a", 0, "/bin/sh /bin/sh|-c|tool | tool"},
		"an algorithm that isn't executable":         {"", plain, 126, "such as \"python3 $ALGO\" names an interpreter"},
		"an algorithm that isn't there":              {"", folder + "/no", 127, folder + "/no does not exist"},
		"a path that isn't executable":               {plain, "/a", 126, plain + " is not an executable file"},
		"a name that isn't executable":               {"plain", "/a", 126, plain + " is not an executable file"},
		"a folder":                                   {"directory", "/a", 126, folder + "/directory is not an executable file"},
		"a path that isn't there":                    {folder + "/no", "/a", 127, folder + "/no does not exist"},
		"a path through a file":                      {plain + "/no", "/a", 127, plain + "/no does not exist"},
		"a name that isn't there":                    {"no", "/a", 127, `the image has no command "no" in /nonexistent:`},
		"a quote that is never closed":               {"tool 'x", "/a", 126, "entrypoint: the quote at character 6 is never closed"},
		"an entrypoint that vanishes":                {"$NOTHING", "/a", 126, "entrypoint: nothing is left of it"},
	} {
		t.Run(name, func(t *testing.T) {
			command, err := resolve(c.entrypoint, c.algorithm, environment)
			var refused *refusal
			if errors.As(err, &refused) {
				equal(t, "the exit code", refused.code, c.code)
				contains(t, "the reason", refused.reason, c.arguments)
				return
			}
			must(t, err)
			equal(t, "the command", command.path+" "+strings.Join(command.arguments, "|"), c.arguments)
			equal(t, "refusal", 0, c.code)
		})
	}
}

func TestTheAlgorithmsEnvironmentIsOursWithoutTheConfiguration(t *testing.T) {
	got := childEnvironment([]string{"A=1", "C2D_RUNNER={}", "ALGO=theirs", "C2D_RUNNER_X=2"}, "/algorithm")
	if want := []string{"A=1", "C2D_RUNNER_X=2", "ALGO=/algorithm"}; !slices.Equal(got, want) {
		t.Errorf("it is %q", got)
	}
}

func TestWithoutPathTheUsualFoldersAreSearched(t *testing.T) {
	for _, environment := range [][]string{nil, {"PATH="}} {
		equal(t, "the search path", searchPath(environment), defaultPath)
	}
}

func TestAKernelsRefusalIsExplained(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		message string
	}{
		"no interpreter": {syscall.ENOENT, "lacks the interpreter of its #! line or its dynamic loader"},
		"unknown format": {syscall.ENOEXEC, "neither a program for this machine nor a script"},
		"anything else":  {syscall.E2BIG, "can't be started: argument list too long"},
	} {
		t.Run(name, func(t *testing.T) {
			contains(t, "the reason", explainStart("/x", c.err).Error(), c.message)
		})
	}
}
