package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const (
	algorithmVariable = "ALGO"
	shellPath         = "/bin/sh"
	// defaultPath is used when the image sets no PATH; the same as Docker's.
	defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	// workingDirectory is where every algorithm starts.
	workingDirectory = "/"
)

// command is what will be executed: nothing in it depends on a shell any more,
// unless path is the shell.
type command struct {
	path        string
	arguments   []string
	environment []string
}

// resolve finds out what an entrypoint executes, or why that is impossible.
func resolve(entrypoint, algorithm string, environment []string) (command, error) {
	environment = childEnvironment(environment, algorithm)
	if strings.Trim(entrypoint, blanks) == "" {
		return resolveAlgorithm(algorithm, environment)
	}
	lookup := func(name string) string { return valueOf(environment, name) }
	words, err := split(entrypoint, lookup)
	if shell := (*needsShell)(nil); errors.As(err, &shell) {
		return resolveShell(entrypoint, shell.why, environment)
	}
	if err != nil {
		return command{}, refuse(exitNotExecutable, "entrypoint: %v", err)
	}
	path, err := find(words[0], environment)
	return command{path, words, environment}, err
}

func resolveAlgorithm(algorithm string, environment []string) (command, error) {
	if code := executable(algorithm); code != 0 {
		return command{}, refuse(code, "the entrypoint is empty, so the algorithm file itself is the command, but %s; an entrypoint such as \"python3 $ALGO\" names an interpreter",
			explainExecutable(algorithm, code))
	}
	return command{algorithm, []string{algorithm}, environment}, nil
}

func resolveShell(entrypoint, why string, environment []string) (command, error) {
	if executable(shellPath) != 0 {
		return command{}, refuse(exitNotFound, "the entrypoint needs a shell (%s), and the image has no %s", why, shellPath)
	}
	return command{shellPath, []string{shellPath, "-c", entrypoint}, environment}, nil
}

// find returns the path of the file that a command's name stands for. As in a
// shell, a name with a slash is a path already, and others are searched in
// PATH.
func find(name string, environment []string) (string, error) {
	if strings.Contains(name, "/") {
		path := rooted(name)
		if code := executable(path); code != 0 {
			return "", refuse(code, "entrypoint: %s", explainExecutable(path, code))
		}
		return path, nil
	}
	found := ""
	for _, directory := range filepath.SplitList(searchPath(environment)) {
		path := filepath.Join(rooted(directory), name)
		switch executable(path) {
		case 0:
			return path, nil
		case exitNotExecutable:
			found = path
		}
	}
	if found != "" {
		return "", refuse(exitNotExecutable, "entrypoint: %s", explainExecutable(found, exitNotExecutable))
	}
	return "", refuse(exitNotFound, "entrypoint: the image has no command %q in %s", name, searchPath(environment))
}

func searchPath(environment []string) string {
	if path := valueOf(environment, "PATH"); path != "" {
		return path
	}
	return defaultPath
}

// executable returns 0 for a file that may be executed, otherwise the exit code
// that says why not.
func executable(path string) int {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return exitNotFound
	case err != nil, !info.Mode().IsRegular(), syscall.Access(path, 1) != nil:
		return exitNotExecutable
	}
	return 0
}

func explainExecutable(path string, code int) string {
	if code == exitNotFound {
		return path + " does not exist"
	}
	return path + " is not an executable file"
}

// explainStart says in the words of an algorithm's author why the kernel
// refused to execute a file that looked executable.
func explainStart(path string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOENT):
		return refuse(exitNotExecutable, "%s exists, but the image lacks the interpreter of its #! line or its dynamic loader", path)
	case errors.Is(err, syscall.ENOEXEC):
		return refuse(exitNotExecutable, "%s is neither a program for this machine nor a script with a #! line", path)
	}
	return refuse(exitNotExecutable, "%s can't be started: %v", path, err)
}

// childEnvironment is ours without our configuration and with $ALGO.
func childEnvironment(environment []string, algorithm string) []string {
	ours := func(entry string) bool {
		return strings.HasPrefix(entry, configVariable+"=") || strings.HasPrefix(entry, algorithmVariable+"=")
	}
	theirs := slices.DeleteFunc(slices.Clone(environment), ours)
	return append(theirs, algorithmVariable+"="+algorithm)
}

// valueOf returns the value of a variable, "" when it isn't set.
func valueOf(environment []string, name string) string {
	for _, entry := range environment {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// rooted makes a path absolute, seen from the algorithm's working directory.
func rooted(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(workingDirectory, path)
}
