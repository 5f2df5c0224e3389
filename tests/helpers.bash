# Shared by all .bats files: load it with `load helpers`.
bats_require_minimum_version 1.5.0

: "${VIRTDIAG:=$BATS_TEST_DIRNAME/../build/virtdiag}"
HOSTS=$BATS_TEST_DIRNAME/hosts

# vd ARGS...: the program in a clean environment, without colour and pager. Use it with `run -STATUS --separate-stderr`:
#   run -1 --separate-stderr vd filters check 9:x
# The status is always asserted; a crash (sanitizer report: 99, signal: 128 or more) is never an accepted status.
vd() {
	env -i PATH="$PATH" HOME="$BATS_TEST_TMPDIR" TERM=dumb LC_ALL=C.UTF-8 COLUMNS=200 \
		ASAN_OPTIONS="${ASAN_OPTIONS-}" UBSAN_OPTIONS="${UBSAN_OPTIONS-}" "$VIRTDIAG" "$@"
}

# same ACTUAL EXPECTED: equal strings, with a diff when they are not
same() {
	[ "$1" = "$2" ] || {
		diff <(printf '%s\n' "$2") <(printf '%s\n' "$1") | sed 's/^/# /'
		return 1
	}
}

# has TEXT PART: PART is in TEXT
has() {
	[[ "$1" == *"$2"* ]] || {
		printf '# not found: %s\n# in: %s\n' "$2" "$1"
		return 1
	}
}

# hasnt TEXT PART
hasnt() {
	[[ "$1" != *"$2"* ]] || {
		printf '# found: %s\n# in: %s\n' "$2" "$1"
		return 1
	}
}

# start_fails GUEST COMMAND...: COMMAND, which starts the QEMU guest, fails; $output is what it printed and what QEMU wrote to
# the guest's log meanwhile. When QEMU is gone very soon libvirt only says that its monitor refuses the connection.
start_fails() {
	local log=/var/log/libvirt/qemu/$1.log size
	size=$(stat -c %s "$log" 2>/dev/null || echo 0)
	shift
	run -1 "$@"
	output+=$'\n'$(tail -c +$((size + 1)) "$log" 2>/dev/null || true)
}

# json EXPR: evaluates a jq expression on $output and prints the result
json() {
	jq -r "$1" <<<"$output"
}

# as_nobody ARGS...: as vd, by a user who may read only what all may; where the tests do not run as root, by their own user.
# He runs a copy, since the build may lie where he cannot go, and the folders of the test are opened for him.
as_nobody() {
	local dir=$BATS_TEST_TMPDIR become=()
	[ "$(id -u)" -ne 0 ] || become=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	install -D -m 755 "$VIRTDIAG" "$dir/nobody/virtdiag"
	while [ -n "$dir" ] && [ "$dir" != "${BATS_RUN_TMPDIR%/*}" ]; do
		chmod go+x "$dir"
		dir=${dir%/*}
	done
	env -i PATH="$PATH" HOME=/nonexistent TERM=dumb LC_ALL=C.UTF-8 COLUMNS=200 ASAN_OPTIONS="${ASAN_OPTIONS-}" \
		UBSAN_OPTIONS="${UBSAN_OPTIONS-}" "${become[@]}" "$BATS_TEST_TMPDIR/nobody/virtdiag" "$@"
}
