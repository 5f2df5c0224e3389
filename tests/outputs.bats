#!/usr/bin/env bats
# Protects `virtdiag outputs check`: verdicts as a real libvirtd 9.0.0 gave them, file system included, and warnings.
# shellcheck disable=SC2154

load helpers

setup() {
	# The directories that were there when the verdicts were taken; /nonexistent-dir and /tp were not.
	ROOT=$BATS_TEST_TMPDIR/root
	mkdir -p "$ROOT"/{etc,dev,proc,tmp/vd-oracle,srv/vd/ns/tmp}
	CASES=$BATS_TEST_DIRNAME/data/filters
}

o() {
	vd --root "$ROOT" outputs check --libvirt 9.0.0 "$@"
}

@test "check: all cases -> the verdicts of libvirtd 9.0.0" {
	local kind string verdict rest s expected='' n=0 args=()
	while IFS=$'\t' read -r kind string verdict rest; do
		[ "$kind" = O ] || continue
		printf -v s '%b' "$string"
		args+=("$s")
		expected+="$verdict"$'\n'
		n=$((n + 1))
	done < <(sed 's/^\([FO]\)\t\t/\1\t\\c\t/' "$CASES/filter-cases.tsv")
	[ "$n" -gt 110 ]
	run -1 --separate-stderr o --json -- "${args[@]}"
	same "$(json '.strings[] | if .valid and (any(.warnings[]; .id == "directory-missing" or .id == "is-directory") | not)
		then "accept" else "reject" end')" "${expected%$'\n'}"
}

@test "check: valid string -> a row an item" {
	run -0 --separate-stderr o '1:file:/tmp/vd-oracle/a.log 3:journald 4:syslog:virt'
	same "$output" "$(
		cat <<-'X'
			VALID  ITEM                         LEVEL    DESTINATION
			yes    1:file:/tmp/vd-oracle/a.log  debug    file:/tmp/vd-oracle/a.log
			yes    3:journald                   warning  journald
			yes    4:syslog:virt                error    syslog:virt
		X
	)"
}

@test "check: invalid string -> error, caret, advice, exit 1" {
	run -1 --separate-stderr o '3:journald 1:/tmp/x'
	same "$output" "$(
		cat <<-'X'
			VALID  ITEM        LEVEL    DESTINATION
			yes    3:journald  warning  journald
			no     1:/tmp/x    -        -

			error: Invalid log destination '/tmp/x' for log output '1:/tmp/x'
			  3:journald 1:/tmp/x
			               ^~~~~~
			  for a file write 1:file:/tmp/x
			libvirt 9.0.0 refuses the whole string: 1 of 2 items is invalid.
		X
	)"
}

@test "check: JSON -> destination and argument" {
	run -0 --separate-stderr o --json '1:file:/tmp/a 2:stderr'
	same "$(json '.strings[0].items | @json')" \
		'[{"index":0,"column":1,"text":"1:file:/tmp/a","level":1,"destination":"file","argument":"/tmp/a","valid":true,"error":null,"hint":null,"applied":true,"note":null},{"index":1,"column":15,"text":"2:stderr","level":2,"destination":"stderr","argument":null,"valid":true,"error":null,"hint":null,"applied":true,"note":null}]'
}

@test "check: warnings -> ids, exit 0, with --strict 1" {
	local args=('1:file:/nonexistent-dir/x' '1:file:/tmp/vd-oracle' '1:file:x.log' '1:stderr 2:stderr' 1:journald '  ')
	run -0 --separate-stderr o --json "${args[@]}"
	same "$(json '.strings[].warnings[] | "\(.item) \(.id)"')" "$(
		cat <<-'X'
			0 directory-missing
			0 is-directory
			0 relative-path
			0 duplicate
			0 journald-debug
			null no-outputs
		X
	)"
	run -1 --separate-stderr o --strict "${args[0]}"
	has "$output" 'libvirt would refuse the string: there is no directory /nonexistent-dir'
	run -1 --separate-stderr o --json '1:file:/tmp/my log'
	same "$(json '.strings[0].warnings[].id')" space-or-colon-in-path
}

@test "check: an empty path can never work -> invalid" {
	run -1 --separate-stderr o 1:file:
	has "$output" 'error: failed to open the working directory of the daemon: Is a directory'
}

# e VERSION STRING...: for another version
e() {
	local version=$1
	shift
	vd --root "$ROOT" outputs check --libvirt "$version" "$@"
}

@test "check: before 1.3.3 -> colons in paths, white space separates, no separator needed after stderr" {
	run -0 --separate-stderr e 1.3.2 $'1:stderr3:file:/tmp/a:b\n4:syslog:v'
	same "$output" "$(
		cat <<-'X'
			VALID  ITEM             LEVEL    DESTINATION
			yes    1:stderr         debug    stderr
			yes    3:file:/tmp/a:b  warning  file:/tmp/a:b
			yes    4:syslog:v       error    syslog:v
		X
	)"
	has "$stderr" 'libvirt 1.3.2 is judged by what its sources say'
	run -1 --separate-stderr e 1.3.3 '1:file:/tmp/a:b'
	run -1 --separate-stderr e 1.3.2 '1:stderrX 2:stderr'
	has "$output" 'libvirt 1.3.2 stops at the first bad item: 1 of 3 items is in force.'
	run -1 --separate-stderr e 0.10.2 1:journald
	has "$output" 'the journal came with libvirt 1.0.0; use syslog:NAME'
}

@test "check: a file that cannot be opened -> what the version does" {
	run -0 --separate-stderr e 1.3.2 '1:file:/nonexistent-dir/x'
	has "$output" 'directory-missing: libvirt would leave out this output without a word: there is no directory'
	run -0 --separate-stderr e 1.3.3 '1:file:/nonexistent-dir/x'
	has "$output" 'what it then does is not known for this version'
	run -0 --separate-stderr e 2.4.0 '1:file:/nonexistent-dir/x'
	has "$output" 'libvirt would refuse the string'
	run -0 --separate-stderr e 1.3.2 '1:file:/tmp'
	has "$output" 'is-directory: libvirt would leave out this output'
}

@test "check: duplicates -> both stay before 2.4.0" {
	run -0 --separate-stderr e 2.3.0 '1:stderr 3:stderr'
	has "$output" 'both stay, and lines come twice'
	run -0 --separate-stderr e 2.4.0 '1:stderr 3:stderr'
	has "$output" 'the last one stays'
}

@test "check: what is not known of a version -> unknown, exit 3" {
	run -3 --separate-stderr e 2.3.0 1:stderr:x
	has "$output" 'unknown: whether something may follow this destination between 1.3.3 and 2.4.0 is not known'
	run -0 --separate-stderr e 2.3.0 ''
	same "$output" 'An empty string sets nothing.'
}

@test "check: a version without outputs -> exit 3" {
	run -3 --separate-stderr e 0.5.1 1:stderr
	has "$stderr" 'it has none, they came with 0.6.0'
}

@test "options: usage errors" {
	run -2 --separate-stderr vd outputs
	run -2 --separate-stderr vd outputs check
	run -2 --separate-stderr vd outputs check --libvirt
}
