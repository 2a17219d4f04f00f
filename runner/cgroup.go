package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// cgroupRoot is where a container sees its own cgroup.
const cgroupRoot = "/sys/fs/cgroup"

// memoryWatch reads the memory accounting of the container's cgroup. Its files
// are opened before the algorithm starts, which could otherwise keep us from
// opening them later, by lowering our limit of open files.
type memoryWatch struct {
	kills  *os.File // nil where the kernel or the sandbox doesn't offer it
	peak   *os.File
	before int64 // kills counted before the algorithm's start
}

func watchMemory(root string) *memoryWatch {
	m := &memoryWatch{
		// Version 2 first, then version 1.
		kills: openFirst(root, "memory.events", "memory/memory.oom_control"),
		peak:  openFirst(root, "memory.peak", "memory/memory.max_usage_in_bytes"),
	}
	m.before = m.countKills()
	return m
}

// oomKills returns how many processes of the container the kernel has killed
// for lack of memory since the watch began. There may be some although the
// algorithm's first process ended well: the kernel chooses which one it kills.
func (m *memoryWatch) oomKills() int64 { return max(m.countKills()-m.before, 0) }

func (m *memoryWatch) countKills() int64 {
	for line := range strings.Lines(contents(m.kills)) {
		if count, ok := strings.CutPrefix(line, "oom_kill "); ok {
			return number(count)
		}
	}
	return 0
}

// peakBytes returns the most memory that the container ever used, page cache
// included. Without a cgroup it is that of the biggest single process.
func (m *memoryWatch) peakBytes() int64 {
	if peak := number(contents(m.peak)); peak > 0 {
		return peak
	}
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage) != nil {
		return 0
	}
	return int64(usage.Maxrss) * 1024 // in kibibytes, see getrusage(2)
}

func openFirst(root string, names ...string) *os.File {
	for _, name := range names {
		if file, err := os.Open(filepath.Join(root, name)); err == nil {
			return file
		}
	}
	return nil
}

// contents reads a file from its beginning again, "" when there is none.
func contents(file *os.File) string {
	if file == nil {
		return ""
	}
	text := make([]byte, 4096)
	length, _ := file.ReadAt(text, 0)
	return string(text[:length])
}

// number returns 0 for what isn't one.
func number(text string) int64 {
	value, _ := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	return value
}
