package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// needsShell is the answer of split to an entrypoint that only a shell can run.
type needsShell struct{ why string }

func (n *needsShell) Error() string { return "needs a shell: " + n.why }

// errEmpty is the answer of split to an entrypoint that vanishes on expansion.
var errEmpty = errors.New("nothing is left of it after its variables were expanded")

// split turns an entrypoint into the words of one command, or says that it
// takes a shell (*needsShell), or that it is malformed.
//
// The promise: words that it returns are exactly the ones /bin/sh -c would have
// made. It understands blanks, single and double quotes, backslashes, and $NAME
// and ${NAME}, which lookup resolves; a variable that isn't set is empty, and
// the value of an unquoted one is split at blanks. $ALGO is the exception: its
// value always stays one word, so that it never takes a shell.
//
// Everything else that means something to a shell is left to one: | & ; < > ( )
// ` { } $( ) and other expansions, wildcards, ~, comments, several lines,
// assignments such as A=1 before the command, and commands that only exist
// inside a shell, such as exec, cd or if.
func split(entrypoint string, lookup func(name string) string) ([]string, error) {
	s := &splitter{text: entrypoint, lookup: lookup}
	for s.at < len(s.text) {
		if err := s.step(); err != nil {
			return nil, err
		}
	}
	s.endWord()
	if len(s.words) == 0 {
		return nil, errEmpty
	}
	if slices.Contains(shellOnly, s.words[0]) {
		return nil, &needsShell{fmt.Sprintf("%q is part of the shell", s.words[0])}
	}
	return s.words, nil
}

// splitter walks through an entrypoint from left to right.
type splitter struct {
	text   string
	at     int // index of the next byte
	lookup func(name string) string
	words  []string
	word   strings.Builder
	inWord bool // a word has begun; it may still be empty, as in ''
	line   bool // the command's first line has ended
}

const (
	// special characters always take a shell when they aren't quoted.
	special = "|&;<>()`{}*?["
	// wildcards take a shell also when they come from a variable.
	wildcards = "*?["
	blanks    = " \t\n"
)

// step consumes the next element outside quotes.
func (s *splitter) step() error {
	c := s.text[s.at]
	switch {
	case strings.IndexByte(blanks, c) >= 0:
		s.endWord()
		s.line = s.line || c == '\n' && len(s.words) > 0
		s.at++
		return nil
	case s.line:
		return &needsShell{"it has several lines"}
	case c == '\'':
		return s.singleQuotes()
	case c == '"':
		return s.doubleQuotes()
	case c == '\\':
		return s.backslash()
	case c == '$':
		return s.dollar(false)
	case s.isForShell(c):
		return s.shellAt(string(c))
	}
	s.literal(c)
	return nil
}

// isForShell says whether an unquoted character means something to a shell
// here.
func (s *splitter) isForShell(c byte) bool {
	switch c {
	case '#':
		return !s.inWord
	case '~':
		return !s.inWord || strings.HasSuffix(s.word.String(), "=") || strings.HasSuffix(s.word.String(), ":")
	case '=':
		return len(s.words) == 0 && isName(strings.TrimSuffix(s.word.String(), "+"))
	}
	return strings.IndexByte(special, c) >= 0
}

func (s *splitter) singleQuotes() error {
	length := strings.IndexByte(s.text[s.at+1:], '\'')
	if length < 0 {
		return fmt.Errorf("the quote at character %d is never closed", s.at+1)
	}
	s.add(s.text[s.at+1 : s.at+1+length])
	s.at += length + 2
	return nil
}

func (s *splitter) doubleQuotes() error {
	opened := s.at
	s.add("")
	for s.at++; s.at < len(s.text); {
		switch c := s.text[s.at]; c {
		case '"':
			s.at++
			return nil
		case '\\':
			if err := s.quotedBackslash(); err != nil {
				return err
			}
		case '$':
			if err := s.dollar(true); err != nil {
				return err
			}
		case '`':
			return s.shellAt("`")
		default:
			s.literal(c)
		}
	}
	return fmt.Errorf("the quote at character %d is never closed", opened+1)
}

// backslash takes the next character literally.
func (s *splitter) backslash() error {
	switch next := s.peek(); next {
	case 0:
		return errors.New("it ends in a backslash")
	case '\n':
		return &needsShell{"it has several lines"}
	default:
		s.at++
		s.literal(next)
		return nil
	}
}

// quotedBackslash escapes, within double quotes, only what is special there.
func (s *splitter) quotedBackslash() error {
	switch next := s.peek(); next {
	case '\n':
		return &needsShell{"it has several lines"}
	case '$', '`', '"', '\\':
		s.at++
		s.literal(next)
	default:
		s.literal('\\')
	}
	return nil
}

// dollar expands $NAME and ${NAME}. A dollar sign that begins no expansion
// stands for itself.
func (s *splitter) dollar(quoted bool) error {
	rest := s.text[s.at+1:]
	name := leadingName(strings.TrimPrefix(rest, "{"))
	switch braced := strings.HasPrefix(rest, "{"); {
	case braced && (name == "" || !strings.HasPrefix(rest[1+len(name):], "}")):
		return s.shellAt("${")
	case braced:
		s.at += len(name) + 3
		return s.expand(name, quoted)
	case name != "":
		s.at += len(name) + 1
		return s.expand(name, quoted)
	case s.beginsExpansion(quoted):
		return s.shellAt("$" + rest[:1])
	}
	s.literal('$')
	return nil
}

// beginsExpansion looks at what follows a dollar sign that names no variable.
func (s *splitter) beginsExpansion(quoted bool) bool {
	next := s.peek()
	if next == 0 {
		return false
	}
	// $'…' and $"…" are special to some shells, though not within quotes. A
	// backslash may continue the line, and the name with it.
	return strings.IndexByte("([`0123456789@*#?-!$\\", next) >= 0 || !quoted && (next == '\'' || next == '"')
}

func (s *splitter) expand(name string, quoted bool) error {
	if slices.Contains(shellVariables, name) {
		return &needsShell{"$" + name + " is a variable of the shell"}
	}
	// A line may continue within a name.
	if strings.HasPrefix(s.text[s.at:], "\\\n") {
		return &needsShell{"it has several lines"}
	}
	value := s.lookup(name)
	if quoted || name == algorithmVariable {
		s.add(value)
		return nil
	}
	if strings.ContainsAny(value, wildcards) {
		return &needsShell{"the value of $" + name + " has wildcards"}
	}
	s.addSplit(value)
	return nil
}

func (s *splitter) addSplit(value string) {
	for _, c := range []byte(value) {
		if strings.IndexByte(blanks, c) >= 0 {
			s.endWord()
		} else {
			s.add(string([]byte{c}))
		}
	}
}

// literal consumes the current byte and adds c to the word.
func (s *splitter) literal(c byte) {
	s.add(string([]byte{c}))
	s.at++
}

func (s *splitter) add(text string) {
	s.word.WriteString(text)
	s.inWord = true
}

func (s *splitter) endWord() {
	if s.inWord {
		s.words = append(s.words, s.word.String())
	}
	s.word.Reset()
	s.inWord = false
}

// peek returns the byte after the current one, 0 at the end.
func (s *splitter) peek() byte {
	if s.at+1 < len(s.text) {
		return s.text[s.at+1]
	}
	return 0
}

func (s *splitter) shellAt(what string) error {
	return &needsShell{fmt.Sprintf("%s at character %d", what, s.at+1)}
}

// leadingName returns the longest variable name that text begins with.
func leadingName(text string) string {
	end := 0
	for end < len(text) && isNameByte(text[end], end == 0) {
		end++
	}
	return text[:end]
}

func isName(text string) bool { return text != "" && leadingName(text) == text }

func isNameByte(c byte, first bool) bool {
	letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	return letter || !first && '0' <= c && c <= '9'
}

// shellOnly are the reserved words of a shell and those of its commands that
// exist nowhere else (POSIX.1-2017, XCU sections 2.4 and 2.14; some of bash's).
var shellOnly = []string{
	"!", "{", "}", "[[", "case", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in",
	"select", "then", "time", "until", "while",
	".", ":", "alias", "bg", "break", "cd", "command", "continue", "declare", "eval", "exec", "exit", "export",
	"fg", "getopts", "hash", "jobs", "let", "local", "read", "readonly", "return", "set", "shift", "source",
	"times", "trap", "type", "typeset", "ulimit", "umask", "unalias", "unset", "wait",
}

// shellVariables are set by a shell itself, whatever its environment says.
var shellVariables = []string{"_", "IFS", "LINENO", "OLDPWD", "OPTARG", "OPTIND", "PPID", "PS1", "PS2", "PS4", "PWD"}
