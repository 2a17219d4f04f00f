package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestMemoryIsReadFromEitherVersionOfCgroups(t *testing.T) {
	for name, c := range map[string]struct {
		before, after map[string]string
		kills, peak   int64
	}{
		"version 2": {
			map[string]string{"memory.events": "low 0\noom 3\noom_kill 1\noom_group_kill 0\n", "memory.peak": "1\n"},
			map[string]string{"memory.events": "low 0\noom 5\noom_kill 3\noom_group_kill 0\n", "memory.peak": "4096\n"},
			2, 4096,
		},
		"version 1": {
			map[string]string{"memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n", "memory/memory.max_usage_in_bytes": "1\n"},
			map[string]string{"memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n", "memory/memory.max_usage_in_bytes": "8192\n"},
			1, 8192,
		},
		"an old kernel without the count": {
			map[string]string{"memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n", "memory/memory.max_usage_in_bytes": "5\n"},
			nil,
			0, 5,
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			write := func(files map[string]string) {
				for file, text := range files {
					must(t, os.MkdirAll(filepath.Dir(filepath.Join(root, file)), 0o755))
					must(t, os.WriteFile(filepath.Join(root, file), []byte(text), 0o644))
				}
			}
			write(c.before)
			memory := watchMemory(root)
			write(c.after)
			equal(t, "kills", memory.oomKills(), c.kills)
			equal(t, "peak", memory.peakBytes(), c.peak)
		})
	}
}

func TestWithoutCgroupsThereAreNoKills(t *testing.T) {
	memory := watchMemory(t.TempDir())
	equal(t, "kills", memory.oomKills(), 0)
	if memory.peakBytes() < 0 {
		t.Error("the peak is negative")
	}
}
