#!/usr/bin/env bats
# Protects `virtdiag shell`: scripts, the guest in use, and the prompt on a real terminal: completion, history, signals.

load helpers
load terminal

ZOO=$BATS_TEST_DIRNAME/hosts/guests-zoo
HEALTHY=$BATS_TEST_DIRNAME/hosts/selinux-healthy

teardown() {
	end_terminal
}

# script STATUS LINE...: the lines as a script, on the captured host $ROOT (or none)
script() {
	local status=$1
	shift
	printf '%s\n' "$@" >"$BATS_TEST_TMPDIR/script"
	run "-$status" --separate-stderr vd ${ROOT:+--root "$ROOT"} shell <"$BATS_TEST_TMPDIR/script"
}

@test "shell: a script -> each line is a command; the status is that of the last one" {
	ROOT=$ZOO script 0 'guests -q -n -o UUID "web 01"' '' '  # a comment' "guests -n -o UUID 'web 01' # another"
	same "$output" "00000000-0000-4000-8000-000000000001
00000000-0000-4000-8000-000000000001"
	script 1 'filters check 1:qemu' 'filters check 9:x'
	script 0 'filters check 9:x' 'filters check 1:qemu'
	script 2 'filters check 9:x' 'nosuch'
	has "$stderr" "unknown command 'nosuch'"
	script 0 ''
	same "$output$stderr" ""
}

@test "shell: several commands on a line, a line that goes on, the last one without a newline -> all run" {
	printf 'guests -n -o UUID db1; guests \\\n-n -o UUID \\\n"web 01"\nguests -n -o GUEST twin' >"$BATS_TEST_TMPDIR/script"
	run -3 --separate-stderr vd --root "$ZOO" shell <"$BATS_TEST_TMPDIR/script"
	same "$output" "$(vd --root "$ZOO" guests -n -o UUID db1 2>/dev/null)
00000000-0000-4000-8000-000000000001
twin"
}

@test "shell: exit -> nothing behind it runs, the status before it counts" {
	script 1 'filters check 9:x' 'exit' 'filters check 1:qemu'
	same "$output" "$(vd filters check 9:x 2>/dev/null)"
	script 0 'quit'
	script 2 'exit 1' 'exit'
	has "$stderr" "exit takes no argument"
}

@test "shell: lines that only another shell understands -> refused with the number of the line, the rest runs" {
	script 0 'guests' 'guests | grep web' "guests 'a" 'filters check 1:qemu'
	has "$stderr" "line 2: '|' is not possible here"
	has "$stderr" "line 3: the quote ' is not closed"
	has "$output" "1:qemu"
	script 2 'guests > /tmp/x'
	printf 'guests\0\n' >"$BATS_TEST_TMPDIR/script"
	run -2 --separate-stderr vd shell <"$BATS_TEST_TMPDIR/script"
	has "$stderr" "line 1: holds a NUL byte"
}

@test "shell: a copied line with the program's name -> the same; a shell in the shell -> refused" {
	ROOT=$ZOO script 3 'virtdiag guests -n -o GUEST twin'
	same "$output" twin
	script 2 shell
	has "$stderr" "this is the shell already"
}

@test "shell: global options -> hold for every command, and each line may have its own" {
	run -3 --separate-stderr vd -q --root "$ZOO" shell <<<'guests -n -o GUEST twin'
	same "$output" twin
	run -0 --separate-stderr vd --root "$ZOO" -q shell <<<"--root '$HEALTHY' guests -n -o GUEST web01"
	same "$output" web01
	run -3 --separate-stderr vd --root /nonexistent shell <<<guests
	has "$stderr" "/nonexistent"
	run -1 --separate-stderr vd --strict shell <<<'filters check 1:nosuchcategory'
	run -2 --separate-stderr vd --json shell <<<guests
	has "$stderr" "no --json"
	run -0 --separate-stderr vd --log-filters 1:virtdiag.command --log-outputs "1:file:$BATS_TEST_TMPDIR/own.log" \
		shell <<<'filters check 1:qemu'
	has "$(<"$BATS_TEST_TMPDIR/own.log")" "running 'filters check'"
}

@test "shell: use -> commands without GUEST are about that guest; guests lists all; alone it ends" {
	all=$(vd -q --root "$HEALTHY" guests -n -o GUEST)
	[ "$(wc -l <<<"$all")" -gt 1 ]
	ROOT=$HEALTHY script 0 'use web01' 'selinux check' 'guests -n -o GUEST'
	same "$output" "$(vd --root "$HEALTHY" selinux check web01)
$all"
	ROOT=$HEALTHY script 0 'use web01' use 'selinux check'
	same "$output" "$(vd --root "$HEALTHY" selinux check)"
	ROOT=$HEALTHY script 0 'use web01' 'selinux check --all'
	same "$output" "$(vd --root "$HEALTHY" selinux check)"
	ROOT=$HEALTHY script 0 'use web01' 'selinux check --help'
	has "$output" "Usage: virtdiag selinux check"
}

@test "shell: use of a name that is none, of two names, of an ambiguous one -> told, the guest in use stays" {
	ROOT=$HEALTHY script 0 'use web01' 'use nosuch' 'use web01 x' 'selinux check'
	has "$stderr" "no guest 'nosuch'"
	has "$stderr" "line 3: use: one guest"
	same "$output" "$(vd --root "$HEALTHY" selinux check web01)"
	ROOT=$ZOO script 2 'use both'
	has "$stderr" "qemu:both, lxc:both"
	ROOT=$ZOO script 0 'use lxc:both'
}

@test "shell: a command of a script -> does not read the script as its input" {
	script 0 'filters check 1:qemu' 'filters check 2:lxc'
	has "$output" "qemu"
	has "$output" "lxc"
}

@test "shell: help -> the commands, and what only the shell knows" {
	script 0 help
	has "$output" "selinux "
	has "$output" "Only in the shell:"
	has "$output" "  use "
	script 0 'help use'
	has "$output" "Usage: use [GUEST]"
	script 0 'help quit'
	has "$output" "Usage: exit"
	script 0 'help guests'
	hasnt "$output" "Only in the shell:"
}

@test "shell: a command that crashes or cannot write -> its status, and the shell goes on" {
	script 0 '__sample --raise 9 x' 'filters check 1:qemu'
	has "$stderr" "line 1: the command was ended by signal 9 (Killed)"
	has "$output" "1:qemu"
	script 137 '__sample --raise 9 x'
	run -3 --separate-stderr bash -c 'echo "guests -q" | "$0" --root "$1" shell >/dev/full' "$VIRTDIAG" "$ZOO"
	has "$stderr" "cannot write the output"
}

@test "shell on a terminal: Tab -> commands, options, guests, categories, files, in the quoting of the line" {
	terminal "$VIRTDIAG" --root "$ZOO" shell
	sees "virtdiag> "
	keys gue Tab
	sees "virtdiag> guests "
	keys 'we' Tab
	sees 'virtdiag> guests web\ 01 '
	keys C-u
	typed 'guests "we'
	keys Tab
	sees 'virtdiag> guests "web 01" '
	keys C-u
	typed "filters check '1:qemu 3:security.security_se"
	keys Tab
	sees "filters check '1:qemu 3:security.security_selinux"
	keys C-u
	mkdir -p "$BATS_TEST_TMPDIR/some dir" && touch "$BATS_TEST_TMPDIR/some dir/x.xml"
	typed "selinux check --xml=$BATS_TEST_TMPDIR/so"
	keys Tab
	sees 'some\ dir/'
	keys Tab
	sees 'some\ dir/x.xml '
	keys C-u
	typed 'guests -o uu'
	keys Tab
	sees 'guests -o UUID'
	keys C-u
	typed 'use lxc:bo'
	keys Tab
	sees 'use lxc:both '
	keys C-u
	typed 'guests -n -o GUEST; use tra'
	keys Tab Enter
	sees 'virtdiag qemu:transient one> '
}

@test "shell on a terminal: Tab twice -> candidates with what they are" {
	terminal "$VIRTDIAG" --root "$ZOO" shell
	sees "virtdiag> "
	keys Tab Tab
	sees "selinux  audit the SELinux labels"
	sees "use      the guest that commands"
	typed 'guests d'
	keys Tab
	sees 'guests db1 '
	keys C-u
	typed 'selinux check --all x'
	keys C-a
	typed 'guests '
	keys Tab Tab
	sees "db1            qemu, running"
	sees "qemu:both      shut off"
}

@test "shell on a terminal: history -> kept between sessions, private, without doubles and lines with a blank in front" {
	terminal "$VIRTDIAG" --root "$ZOO" -q shell
	sees "virtdiag> "
	typed 'guests -n -o UUID db1'
	keys Enter
	sees "virtdiag> " 2
	typed 'guests -n -o UUID db1'
	keys Enter
	sees "virtdiag> " 3
	typed ' guests -n -o STATE db1'
	keys Enter
	sees "virtdiag> " 4
	keys C-d
	sees "ended with 0"
	file=$BATS_TEST_TMPDIR/.local/state/virtdiag/history
	same "$(<"$file")" 'guests -n -o UUID db1'
	same "$(stat -c '%a' "$file" "${file%/*}")" "600
700"
	end_terminal
	terminal "$VIRTDIAG" --root "$ZOO" -q shell
	sees "virtdiag> "
	keys Up
	sees "virtdiag> guests -n -o UUID db1"
}

@test "shell on a terminal: a history file that is none of ours -> not touched" {
	mkdir -p "$BATS_TEST_TMPDIR/.local/state/virtdiag"
	mkfifo "$BATS_TEST_TMPDIR/.local/state/virtdiag/history"
	terminal "$VIRTDIAG" -q shell
	sees "virtdiag> "
	typed 'filters check 1:qemu'
	keys Enter
	sees "virtdiag> " 2
	keys C-d
	sees "ended with 0"
	[ -p "$BATS_TEST_TMPDIR/.local/state/virtdiag/history" ]
}

@test "shell on a terminal: Ctrl-C -> ends the line or the command, never the shell" {
	terminal "$VIRTDIAG" --root "$ZOO" -q shell
	sees "virtdiag> "
	typed 'guests web'
	sees "virtdiag> guests web"
	keys C-c
	sees "^C"
	sees "virtdiag> " 2
	typed '__sample --sleep 100 x; filters check 1:qemu'
	keys Enter
	sees "sleeping"
	keys C-c
	sees "virtdiag> " 3
	hasnt "$(screen)" "1:qemu  "
	keys C-d
	sees "ended with 130"
}

@test "shell on a terminal: Ctrl-Z -> the outer shell, and back" {
	terminal bash --norc --noprofile -i
	typed "'$VIRTDIAG' --root '$ZOO' -q shell"
	keys Enter
	sees "virtdiag> "
	typed 'guests -n '
	sees "virtdiag> guests -n"
	keys C-z
	sees "Stopped"
	typed 'echo in the $((1 + 1))nd'
	keys Enter
	sees "in the 2nd"
	typed fg
	keys Enter
	sees "virtdiag> guests -n" 2
	typed '-o UUID "web 01"'
	keys Enter
	sees "00000000-0000-4000-8000-000000000001"
}

@test "shell on a terminal: the terminal goes away -> the shell too, and what it runs" {
	terminal bash -c "'$VIRTDIAG' --root '$ZOO' -q shell"
	sees "virtdiag> "
	typed '__sample --sleep 100 x'
	keys Enter
	sees "sleeping"
	pid=$(screen | sed -n 's/^sleeping as process \([0-9]*\)$/\1/p')
	[ -e "/proc/$pid/stat" ]
	end_terminal
	for ((i = 0; i < 300; i++)); do
		[ -e "/proc/$pid/stat" ] || return 0
		sleep 0.1
	done
	return 1
}
