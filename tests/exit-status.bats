#!/usr/bin/env bats
# Protects the exit status when output cannot be written, and what the shell sees of a pipe that closes.
# shellcheck disable=SC2030,SC2031 # variables of one test are meant for it alone

load helpers

# to TARGET ARGS...: virtdiag with stdout sent to TARGET ("-": closed)
to() {
	local target=$1
	shift
	if [ "$target" = - ]; then vd "$@" >&-; else vd "$@" >"$target"; fi
}

@test "exit status: full disk -> message and 3, whatever was found" {
	[ -c /dev/full ] || skip "no /dev/full"
	for line in '--help' '--version' 'help' '__dump' '__sample x' '__sample x --json' '__sample x --rows 20000' \
		'__sample x --status problem'; do
		# shellcheck disable=SC2086
		run -3 --separate-stderr to /dev/full $line
		same "$stderr" "virtdiag: cannot write the output: No space left on device"
	done
}

@test "exit status: closed stdout -> message and 3; nothing to print -> the command's own" {
	run -3 --separate-stderr to - --help
	same "$stderr" "virtdiag: cannot write the output: Bad file descriptor"
	run -3 --separate-stderr to - __sample x --json
	run -2 --separate-stderr to - --no-such-option
	hasnt "$stderr" "cannot write"
}

@test "exit status: closed stdin and stderr -> files that are opened do not take their place" {
	run -0 bash -c '"$1" guests --root "$2" <&- 2>&-' - "$VIRTDIAG" "$BATS_TEST_DIRNAME/hosts/v2-only-qemu"
	[ -n "$output" ]
}

@test "exit status: a reader that leaves -> no message, ended by SIGPIPE" {
	# The pipe of a function must not hide a crash: each status is looked at.
	run -0 bash -c '"$1" __sample x --rows 100000 2>"$2" | head -1 >/dev/null; echo "${PIPESTATUS[@]}"' - \
		"$VIRTDIAG" "$BATS_TEST_TMPDIR/err"
	same "$output" "141 0"
	same "$(<"$BATS_TEST_TMPDIR/err")" ""
}

@test "exit status: a reader that leaves while SIGPIPE is ignored by the parent -> the same" {
	run -0 bash -c 'trap "" PIPE; "$1" __sample x --rows 100000 2>"$2" | head -1 >/dev/null; echo "${PIPESTATUS[@]}"' - \
		"$VIRTDIAG" "$BATS_TEST_TMPDIR/err"
	same "$output" "141 0"
	same "$(<"$BATS_TEST_TMPDIR/err")" ""
}

@test "exit status: usage errors -> 2, nothing on stdout" {
	for line in '' nosuch '--nosuch' 'selinux' 'selinux nosuch' 'filters check' 'guests --root' 'guests -o NOSUCH' \
		'guests --root /a --pid 1'; do
		# shellcheck disable=SC2086
		run -2 --separate-stderr vd $line
		same "$output" ""
		[ -n "$stderr" ]
	done
}

@test "exit status: a root that is not there, a guest that is not there -> 3" {
	run -3 --separate-stderr vd --root "$BATS_TEST_TMPDIR/none" guests
	same "$output" ""
	has "$stderr" "$BATS_TEST_TMPDIR/none"
	run -3 --separate-stderr vd --root "$BATS_TEST_DIRNAME/hosts/v2-only-qemu" guests nosuchguest
	has "$stderr" "no guest 'nosuchguest'"
}

@test "exit status: an ambiguous guest -> 2 with the candidates" {
	run -2 --separate-stderr vd --root "$BATS_TEST_DIRNAME/hosts/guests-zoo" guests both
	same "$output" ""
	has "$stderr" "'both' is ambiguous; write one of qemu:both, lxc:both"
}

# failed STATUS ARGS...: that status, one document on stdout, and in it what stderr says
failed() {
	local status=$1 first
	shift
	run "-$status" --separate-stderr vd --json "$@"
	same "$(json '.schema, .status')" "virtdiag/1
unknown"
	first=${stderr%%$'\n'*}
	has "$(json '.missing[].why')" "${first#virtdiag: }"
}

@test "json: a command that fails before it has a result -> the document, with what stderr says in missing" {
	root=$BATS_TEST_DIRNAME/hosts/v2-only-qemu
	for line in guests 'cgroup tree' 'cgroup show' 'cgroup devices' 'cgroup check' 'selinux check' 'logs show' \
		'logs boots' 'logs list' 'logs tail'; do
		# shellcheck disable=SC2086
		failed 3 --root "$root" $line nosuchguest
		same "$(json '.command, .host.root')" "$line
$root"
	done
	for line in "check $BATS_TEST_TMPDIR" "env $BATS_TEST_TMPDIR" "env $BATS_TEST_TMPDIR/none" "emulator nosuch --restore"; do
		# shellcheck disable=SC2086
		failed 3 source $line
	done
	failed 3 --root "$BATS_TEST_TMPDIR/none" guests
	same "$(json '.host.root')" "$BATS_TEST_TMPDIR/none"
	failed 2 --root "$BATS_TEST_DIRNAME/hosts/guests-zoo" guests both
	same "$(json '.guests | length')" 0
}

@test "json: a command line that is wrong -> the document too, wherever --json stands" {
	for line in nosuch --nosuch selinux 'filters check' 'guests -o NOSUCH' 'shell'; do
		# shellcheck disable=SC2086
		failed 2 $line
		# shellcheck disable=SC2086
		run -2 --separate-stderr vd $line --json
		same "$(json .status)" unknown
	done
	same "$(json '.command')" shell
	failed 2
	run -2 --separate-stderr vd
	same "$output" ""
	has "$stderr" Commands
	run -2 --separate-stderr vd --nosuch
	same "$output" ""
}

@test "json: every command names the array of its rows -> it is there when the command fails" {
	run -0 --separate-stderr vd __dump
	same "$(json '[.commands[] | (., .verbs[]) | select((.flags | index("table")) and .rows == null) | .full_name] | tojson')" \
		'[]'
	mapfile -t commands <<<"$(json '.commands[] | (., .verbs[]) | select(.rows and (.flags | index("hidden") | not))
		| select(.flags | index("live-only") or index("no-host") | not) | .full_name + "=" + .rows')"
	[ "${#commands[@]}" -gt 20 ]
	for line in "${commands[@]}"; do
		# shellcheck disable=SC2086
		run --separate-stderr vd --json --root "$BATS_TEST_TMPDIR/none" ${line%=*} a
		[ "$status" = 3 ] || [ "$status" = 2 ]
		same "$(json ".${line#*=} | tojson")" '[]'
	done
}
