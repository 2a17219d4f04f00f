package main

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
)

var variables = map[string]string{
	"ALGO": "/data/my algorithm*", "MODE": "fast", "TWO": " a b ", "GLOB": "*.py", "EMPTY": "", "A": "x", "AB": "y z",
}

func lookupVariable(name string) string { return variables[name] }

func TestSplitMakesTheWordsOfAShell(t *testing.T) {
	for name, c := range map[string]struct {
		entrypoint string
		words      []string
	}{
		"blanks separate words":                                  {" python3\t -u  a ", []string{"python3", "-u", "a"}},
		"$ALGO is one word, whatever is in it":                   {"python3 $ALGO", []string{"python3", "/data/my algorithm*"}},
		"${ALGO} is the same":                                    {"python3 ${ALGO}x", []string{"python3", "/data/my algorithm*x"}},
		"$ALGO in double quotes is the same":                     {`python3 "$ALGO"`, []string{"python3", "/data/my algorithm*"}},
		"single quotes keep everything":                          {`a '$ALGO | "x" \'`, []string{"a", `$ALGO | "x" \`}},
		"double quotes expand variables":                         {`a "m=$MODE;${MODE}"`, []string{"a", "m=fast;fast"}},
		"double quotes keep blanks of a value":                   {`a "$TWO"`, []string{"a", " a b "}},
		"backslash quotes one character":                         {`a\ b \$ALGO \|`, []string{"a b", "$ALGO", "|"}},
		"backslash in double quotes quotes only what is special": {`"\a\"\\\$\` + "`" + `"`, []string{`\a"\$` + "`"}},
		"quotes join with what is around them":                   {`a"b c"'d e'f`, []string{"ab cd ef"}},
		"empty quotes are an empty word":                         {`a '' ""`, []string{"a", "", ""}},
		"an unset variable leaves nothing":                       {"a $UNSET b", []string{"a", "b"}},
		"an unset variable in quotes leaves an empty word":       {`a "$UNSET"`, []string{"a", ""}},
		"an unquoted value is split at blanks":                   {"a p$TWO$MODE", []string{"a", "p", "a", "b", "fast"}},
		"a dollar sign alone stands for itself":                  {`a $ $. "$" "b$"`, []string{"a", "$", "$.", "$", "b$"}},
		"# inside a word is no comment":                          {"a b#c", []string{"a", "b#c"}},
		"= after the command is no assignment":                   {"a --x=1 y=2", []string{"a", "--x=1", "y=2"}},
		"~ inside a word is no home":                             {"a b~", []string{"a", "b~"}},
		"line ends around the command don't count":               {"\n a b\n \n", []string{"a", "b"}},
		"line ends in quotes are characters":                     {"a 'b\nc' \"d\ne\"", []string{"a", "b\nc", "d\ne"}},
		"other alphabets pass":                                   {"a übung 'データ'", []string{"a", "übung", "データ"}},
	} {
		t.Run(name, func(t *testing.T) {
			words, err := split(c.entrypoint, lookupVariable)
			if err != nil || !slices.Equal(words, c.words) {
				t.Errorf("%q becomes %q, %v; want %q", c.entrypoint, words, err, c.words)
			}
		})
	}
}

func TestSplitLeavesToAShellWhatOnlyAShellCanDo(t *testing.T) {
	for name, entrypoint := range map[string]string{
		"a pipe":                              "a | b",
		"a background job":                    "a &",
		"two commands":                        "a; b",
		"a conjunction":                       "a && b",
		"a redirection to a file":             "a > b",
		"a redirection of an error":           "a 2>&1",
		"a redirection from a file":           "a <b",
		"a subshell":                          "(a)",
		"a command substitution":              "a $(b)",
		"a quoted command substitution":       `a "$(b)"`,
		"backquotes":                          "a `b`",
		"quoted backquotes":                   "a \"`b`\"",
		"arithmetic":                          "a $((1+1))",
		"a default value":                     "a ${B:-c}",
		"a length":                            "a ${#B}",
		"a positional parameter":              "a $1",
		"the exit code":                       "a $?",
		"the process number":                  `a "$$"`,
		"a wildcard":                          "a *.py",
		"a question mark":                     "a ?.py",
		"a character class":                   "a [ab].py",
		"a wildcard in a value":               "a $GLOB",
		"braces":                              "a {b,c}",
		"a home":                              "a ~/b",
		"a home in an option":                 "a --b=~/c",
		"a comment":                           "a #b",
		"an assignment":                       "A=1 b",
		"an appending assignment":             "A+=1 b",
		"several lines":                       "a\nb",
		"a line continued":                    "a \\\n b",
		"a line continued in quotes":          "a \"b\\\nc\"",
		"a name that continues on a line":     "a $A\\\nB",
		"a dollar before a line's end":        "a $\\\nA",
		"a string of bash":                    `a $'b\n'`,
		"a translated string of bash":         `a $"b"`,
		"exec":                                "exec python3 $ALGO",
		"cd":                                  "cd /tmp",
		"a quoted builtin":                    `"export" A`,
		"a reserved word":                     "if true",
		"a negation":                          "! a",
		"a variable that the shell sets":      "a $PWD",
		"a variable that the shell overrides": "a ${IFS}",
	} {
		t.Run(name, func(t *testing.T) {
			words, err := split(entrypoint, lookupVariable)
			var shell *needsShell
			if !errors.As(err, &shell) {
				t.Errorf("%q becomes %q, %v", entrypoint, words, err)
			}
		})
	}
}

func TestSplitRefusesWhatNoShellWouldAccept(t *testing.T) {
	for name, c := range map[string]struct{ entrypoint, message string }{
		"an open single quote":          {"a 'b", "the quote at character 3 is never closed"},
		"an open double quote":          {`a "b\"`, "the quote at character 3 is never closed"},
		"a backslash at the end":        {`a \`, "it ends in a backslash"},
		"nothing but an unset variable": {"$UNSET ${EMPTY}", errEmpty.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			words, err := split(c.entrypoint, lookupVariable)
			if err == nil || err.Error() != c.message {
				t.Errorf("%q becomes %q, %v", c.entrypoint, words, err)
			}
		})
	}
}

func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"python3 $ALGO", `a 'b' "c$MODE" \d`, "a ${MODE", "$", `\`, "a\n", "a=b", "$TWO$TWO", "\x80$\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entrypoint string) {
		words, err := split(entrypoint, lookupVariable)
		if err == nil && len(words) == 0 {
			t.Errorf("%q is a command without words", entrypoint)
		}
		if err != nil && words != nil {
			t.Errorf("%q is words and an error", entrypoint)
		}
	})
}

// FuzzSplitAgainstShell compares with the real thing. Inputs are mapped to an
// alphabet in which nothing can be executed or written, should split be wrong
// about a shell not being needed.
func FuzzSplitAgainstShell(f *testing.F) {
	const alphabet = "aA_B =~#'\"\\$$${}\t\n0-,:.*?[]!%^@+"
	for _, seed := range []string{"", "a", "q8Fm2", "zz9'l-3", "\x01\x0c\x0d\x0a", "ktv0x9cTr\x11\x12\x13", "\x0a\x01\x0a\x0b\x0a\x01"} {
		f.Add([]byte(seed))
	}
	for begin := range len(alphabet) {
		for step := 1; step < len(alphabet); step += 3 {
			var seed []byte
			for index := range 9 {
				seed = append(seed, byte(begin+index*step))
			}
			f.Add(seed)
		}
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		var text strings.Builder
		for _, b := range input {
			text.WriteByte(alphabet[int(b)%len(alphabet)])
		}
		words, err := split("printf "+text.String(), lookupVariable)
		if err != nil || len(input) > 200 {
			return
		}
		if want := shellWords(t, text.String()); !slices.Equal(words[1:], want) {
			t.Errorf("%q becomes %q, a shell makes %q", text.String(), words[1:], want)
		}
	})
}

// shellWords lets a shell without any commands or rights split an argument
// list.
func shellWords(t *testing.T, arguments string) []string {
	t.Helper()
	command := exec.Command("/bin/sh", "-c", `show() { for word do printf '%s\0' "$word"; done; }; show `+arguments)
	command.Dir = t.TempDir()
	command.Env = []string{"PATH=/nonexistent"}
	for name, value := range variables {
		command.Env = append(command.Env, name+"="+value)
	}
	if os.Getuid() == 0 {
		command.Dir = "/"
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	output, err := command.Output()
	if err != nil {
		t.Fatalf("the shell refuses %q: %v", arguments, err)
	}
	words := strings.Split(string(output), "\x00")
	return words[:len(words)-1]
}
