#!/usr/bin/env bats
# Protects how a command line is read, apart from any real command: options in every form, types, counts, order.

load helpers

# first TEXT: the first line of __sample, which shows the values it got
first() {
	same "${lines[0]}" "$1"
}

@test "options: long and short forms -> the same value" {
	for form in '--number 7' '--number=7' '-N 7' '-N7'; do
		# shellcheck disable=SC2086
		run -0 --separate-stderr vd __sample $form x
		first "number: 7 duration: -1 enum: ok string: -"
	done
}

@test "options: short ones combined, the last with a value -> all count" {
	run -0 --separate-stderr vd __sample -tnN5 x
	first "number: 5 duration: -1 enum: ok string: -"
	hasnt "$output" "EXTRA"
	hasnt "$output" "NAME"
	has "$output" "top"
	run -0 --separate-stderr vd __sample x -tnoname
	same "${lines[2]}" "top é"
}

@test "options: twice -> the last value counts; an empty value is one" {
	run -0 --separate-stderr vd __sample --number 1 --number 2 --string= x
	first "number: 2 duration: -1 enum: ok string: "
	run -0 --separate-stderr vd __sample x -s ''
	first "number: -1 duration: -1 enum: ok string: "
}

@test "options: before the command, between command and argument, behind -> global ones count everywhere" {
	for line in '--json __sample x' '__sample --json x' '__sample x --json'; do
		# shellcheck disable=SC2086
		run -0 --separate-stderr vd $line
		same "$(json .command)" __sample
	done
}

@test "options: -- -> ends them" {
	run -0 --separate-stderr vd __sample -N1 -- --json -- y
	first "number: 1 duration: -1 enum: ok string: -"
	same "${lines[*]:1}" "word 0: --json word 1: -- word 2: y"
	run -0 --separate-stderr vd __sample -
	same "${lines[1]}" "word 0: -"
}

@test "options: behind the first word of a command to run -> its words" {
	run -0 --separate-stderr vd __sample word -N3 cmd --json -N4
	first "number: 3 duration: -1 enum: ok string: -"
	same "${lines[*]:1}" "word 0: word word 1: cmd word 2: --json word 3: -N4"
}

@test "options: argument that looks like one -> the message says --" {
	run -2 --separate-stderr vd filters check -1:qemu
	has "$stderr" "'-1:qemu' looks like an option; put -- before it"
}

@test "options: missing, forbidden and unknown values -> status 2 and the reason" {
	while IFS='|' read -r line message; do
		# shellcheck disable=SC2086
		run -2 --separate-stderr vd __sample $line
		[[ $line == *--json* ]] || same "$output" ""
		same "${stderr_lines[0]}" "virtdiag: $message"
		same "${stderr_lines[1]}" "Try 'virtdiag __sample --help'."
	done <<-X
		x --number|option '-N/--number' needs a value: N
		x --status|option '--status' needs a value: STATUS
		x --tree=1|option '--tree' takes no value
		x -Z|unknown option '-Z' for '__sample'
		x --status bad|--status: 'bad' is not one of ok, problem, unknown, warning
		x --status problems|--status: 'problems' is not one of ok, problem, unknown, warning; did you mean 'problem'?
		x --file=|--file: the FILE is empty
		x --color=red|--color: 'red' is not one of auto, always, never
		x -o NAME,FOO|unknown column 'FOO'; columns are NAME, NUM, BYTES, CPU, PERCENT, SINCE, BOOL, FLAGS, EXTRA-TEXT, PATH
		x -o NAME,|unknown column ''; columns are NAME, NUM, BYTES, CPU, PERCENT, SINCE, BOOL, FLAGS, EXTRA-TEXT, PATH
		x -o VALUE|unknown column 'VALUE'; columns are NAME, NUM, BYTES, CPU, PERCENT, SINCE, BOOL, FLAGS, EXTRA-TEXT, PATH
		--json|missing argument WORD
		x --root /a --pid 1|--root and --pid exclude each other
	X
	run -2 --separate-stderr vd guests --pid 1 --root=
	has "$stderr" "--root: the DIR is empty"
}

@test "options: of a command before it -> status 2, and where they belong" {
	run -2 --separate-stderr vd -o GUEST guests
	has "$stderr" "option '-o' belongs behind the command it is for"
	run -2 --separate-stderr vd filters --libvirt 9.0.0 check 1:x
	has "$stderr" "option '--libvirt' belongs behind the command it is for"
	run -2 --separate-stderr vd filters --nosuch check 1:x
	has "$stderr" "unknown option '--nosuch'"
}

@test "numbers: within and outside the range, and no numbers -> value or status 2" {
	for n in -5 0 100; do
		run -0 --separate-stderr vd __sample x --number "$n"
		first "number: $n duration: -1 enum: ok string: -"
	done
	run -0 --separate-stderr vd __sample x --number 007
	first "number: 7 duration: -1 enum: ok string: -"
	for n in -6 101 99999999999999999999; do
		run -2 --separate-stderr vd __sample x --number "$n"
		has "$stderr" "--number: $n is not between -5 and 100"
	done
	for n in '' x 1x 0x1 1.5 ' 1' '1 ' +1; do
		run -2 --separate-stderr vd __sample x --number "$n"
		has "$stderr" "--number: '$n' is not a whole number"
	done
}

@test "durations: every unit and sums -> microseconds" {
	while IFS='|' read -r text usec; do
		run -0 --separate-stderr vd __sample x -d "$text"
		first "number: -1 duration: $usec enum: ok string: -"
	done <<-X
		0|0
		90|90000000
		5s|5000000
		5 s|5000000
		250ms|250000
		7us|7
		10min|600000000
		10m|600000000
		2h|7200000000
		1d 3h|97200000000
		1d3h|97200000000
		1w|604800000000
		2days 1hour 1minute 1second|176461000000
	X
}

@test "durations: no durations -> status 2" {
	for text in '' ' ' s 5x -5s 1.5h '5 5 x' 1H; do
		run -2 --separate-stderr vd __sample x --duration="$text"
		has "$stderr" "--duration: '$text' is not a duration"
	done
	for text in 99999999999999999999 9999999999999w; do
		run -2 --separate-stderr vd __sample x -d "$text"
		has "$stderr" "--duration: $text is too long"
	done
}

@test "arguments: too many, a command without its verb -> status 2" {
	run -2 --separate-stderr vd help a b c
	has "$stderr" "unexpected argument 'c'"
	run -2 --separate-stderr vd selinux
	has "$stderr" "'selinux' needs a command"
	run -2 --separate-stderr vd filters check
	has "$stderr" "missing argument STRING"
	run -2 --separate-stderr vd help --json
	has "$stderr" "'help' has no --json"
}

@test "messages: control characters in what was typed -> escaped, one line" {
	run -2 --separate-stderr vd $'bad\e[31m\nname'
	same "${stderr_lines[0]}" "virtdiag: unknown command 'bad\\e[31m\\nname'"
}

@test "messages: a word of any length that is no command -> its first 64 bytes, whole characters" {
	local word start
	printf -v word 'a%.0s' {1..5000}
	printf -v start 'a%.0s' {1..64}
	run -2 --separate-stderr vd "$word"
	same "${stderr_lines[0]}" "virtdiag: unknown command '$start...'"
	run -2 --separate-stderr vd selinux "$word"
	same "${stderr_lines[0]}" "virtdiag: 'selinux' has no command '$start...'"
	run -2 --separate-stderr vd help help a "$word"
	same "${stderr_lines[0]}" "virtdiag: unexpected argument '$start...'"
	run -2 --separate-stderr vd "$start"
	same "${stderr_lines[0]}" "virtdiag: unknown command '$start'"
	run -2 --separate-stderr vd "${start%aaa}ééé"
	same "${stderr_lines[0]}" "virtdiag: unknown command '${start%aaa}é...'"
}

@test "messages: permission denied on this machine -> the line with sudo, once and last" {
	local tree=$BATS_TEST_TMPDIR/tree
	mkdir -m 000 "$tree"
	[ "$(id -u)" -ne 0 ] || run -3 --separate-stderr vd source check "$tree"
	hasnt "${stderr-}" sudo
	run -3 --separate-stderr as_nobody source check "$tree"
	same "${stderr_lines[1]}" "virtdiag: root may do more: sudo $BATS_TEST_TMPDIR/nobody/virtdiag source check $tree"
	# what of these may be read depends on the machine
	for verb in "selinux denials" "logs list"; do
		# shellcheck disable=SC2086 # two words
		run --separate-stderr as_nobody $verb
		[ "$status" -le 3 ]
		[ "$(grep -c ': sudo ' <<<"$stderr")" -le 1 ]
		grep -q ': sudo ' <<<"$stderr" || continue
		has "${stderr_lines[-1]}" ": sudo $BATS_TEST_TMPDIR/nobody/virtdiag $verb"
	done
}

@test "log: --log-filters and environment -> virtdiag's own messages; a bad string is a usage error with a caret" {
	run -0 --separate-stderr vd --log-filters 1:virtdiag.command --log-outputs 1:stderr __sample x
	has "$stderr" "running '__sample'"
	run -0 --separate-stderr vd __sample x
	same "$stderr" ""
	run -2 --separate-stderr env VIRTDIAG_LOG_OUTPUTS=9:x "$VIRTDIAG" __sample x
	has "$stderr" "VIRTDIAG_LOG_OUTPUTS"
	run -2 --separate-stderr vd --log-filters '1:a 9:b' __sample x
	same "${stderr_lines[1]}" "  1:a 9:b"
	same "${stderr_lines[2]}" "      ^"
	same "${stderr_lines[3]}" "Try 'virtdiag __sample --help'."
}
