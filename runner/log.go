package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// logFile keeps a capped copy of the algorithm's output in a directory that the
// algorithm itself can write to. The file is therefore held open from before
// the algorithm's start, only ever found again through the directory that is
// held open too, and put back at the end if it was tampered with.
type logFile struct {
	directory *os.Root
	handle    *os.File // the directory again, to restore its permissions
	mode      fs.FileMode
	name      string
	file      *os.File
	console   io.Writer // the container's own log
	limit     int64

	mu       sync.Mutex
	produced int64 // bytes that the algorithm wrote
	size     int64 // bytes that we wrote to the file
	lastByte byte
	err      error // the first failure; nothing more of the output is written to the file
}

// openLog makes a new file, in place of whatever an earlier attempt left there.
func openLog(path string, limit int64, console io.Writer) (*logFile, error) {
	directory, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	l := &logFile{directory: directory, name: filepath.Base(path), console: console, limit: limit, lastByte: '\n'}
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	return l, nil
}

func (l *logFile) open() (err error) {
	if l.handle, err = l.directory.Open("."); err != nil {
		return err
	}
	info, err := l.handle.Stat()
	if err != nil {
		return err
	}
	l.mode = info.Mode().Perm()
	l.file, err = l.create()
	return err
}

// create replaces whatever has the log's name by a new file. Nothing on the way
// follows a symbolic link.
func (l *logFile) create() (*os.File, error) {
	if err := l.directory.RemoveAll(l.name); err != nil {
		return nil, err
	}
	return l.directory.OpenFile(l.name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
}

// Write takes output of the algorithm. It never fails: a full disk or a closed
// console must not disturb the algorithm.
func (l *logFile) Write(output []byte) (int, error) {
	// A console that blocks must not block notes and the end of the run as well,
	// so it is written to without the lock.
	l.console.Write(l.keep(output))
	return len(output), nil
}

// keep writes to the file what still fits under the limit, and returns what the
// console gets: the same.
func (l *logFile) keep(output []byte) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	room := l.limit - l.produced
	l.produced += int64(len(output))
	if int64(len(output)) <= room {
		return l.append(output)
	}
	if room < 0 {
		return nil // the end was marked before
	}
	kept := append([]byte{}, l.append(output[:room])...)
	return append(kept, l.note("the log ends here, after %d bytes, which is its limit; the algorithm goes on, and what it still writes is dropped", l.limit)...)
}

// append adds to the file, unless that has failed before.
func (l *logFile) append(text []byte) []byte {
	if len(text) == 0 {
		return text
	}
	l.lastByte = text[len(text)-1]
	if l.err == nil {
		l.err = l.write(text)
	}
	return text
}

// write puts text after what we wrote before, whatever the file's length is by
// now: the position belongs to our descriptor, which nobody else has.
func (l *logFile) write(text []byte) error {
	written, err := l.file.Write(text)
	l.size += int64(written)
	return err
}

// Note adds a line of the runner's own to the file, on top of the limit. The
// consumer reads it, so it must not tell anything about the cluster.
func (l *logFile) Note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note(format, args...)
}

func (l *logFile) note(format string, args ...any) []byte {
	line := "c2d-runner: " + fmt.Sprintf(format, args...) + "\n"
	if l.lastByte != '\n' {
		line = "\n" + line
	}
	return l.append([]byte(line))
}

// failed records that not everything could be written; nil is no failure.
func (l *logFile) failed(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
}

// finish leaves the log as a regular, readable file under its name, whatever
// the algorithm did to it, and reports on it. No process of the algorithm may
// be left by then.
func (l *logFile) finish() LogReport {
	l.mu.Lock()
	defer l.mu.Unlock()
	failure := errors.Join(l.err, l.markGap(), l.restore())
	report := LogReport{Bytes: l.produced, Truncated: l.produced > l.limit || failure != nil}
	if failure != nil {
		text := "log: " + strings.ReplaceAll(failure.Error(), "\n", "; ")
		report.Error = &text
	}
	l.err = fs.ErrClosed
	return report
}

// markGap says in the file that part of it could not be written, if there is
// room for that by now.
func (l *logFile) markGap() error {
	if l.err == nil {
		return nil
	}
	if err := l.write(fmt.Appendf(nil, "\nc2d-runner: the log is incomplete: %v\n", l.err)); err != nil {
		return fmt.Errorf("and the gap could not be marked: %w", err)
	}
	return nil
}

func (l *logFile) restore() error {
	l.handle.Chmod(l.mode) // fails only where the algorithm could not have changed it either
	if err := l.trim(); err != nil {
		return err
	}
	if l.inPlace() {
		return l.file.Close()
	}
	return l.rewrite()
}

// trim makes the file readable and takes off what the algorithm may have added
// on its own, past the limit.
func (l *logFile) trim() error {
	info, err := l.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() > l.size {
		err = l.file.Truncate(l.size)
	}
	return errors.Join(err, l.file.Chmod(0o644))
}

// inPlace says whether the log's name still leads to the file that we wrote.
func (l *logFile) inPlace() bool {
	ours, err := l.file.Stat()
	if err != nil {
		return false
	}
	there, err := l.directory.Lstat(l.name)
	return err == nil && os.SameFile(ours, there)
}

// rewrite copies the file that we hold to the log's name.
func (l *logFile) rewrite() error {
	defer l.file.Close()
	fresh, err := l.create()
	if err != nil {
		return fmt.Errorf("it was replaced by the algorithm and could not be put back: %w", err)
	}
	_, err = io.Copy(fresh, io.NewSectionReader(l.file, 0, l.size))
	return errors.Join(err, fresh.Close())
}
