#!/usr/bin/env bats
# virtdiag's own messages with a real journald: what arrives is read back with journalctl, field by field. SELinux
# enforces here, so this also shows that the journal's socket may be used.
# shellcheck disable=SC2086 # our paths have no blanks
load helpers

# mark: sets $cursor to the end of the journal
mark() {
	journalctl --sync
	cursor=$(journalctl -q -n 1 --show-cursor -o cat | sed -n 's/^-- cursor: //p')
	[ -n "$cursor" ]
}
# since: our messages since the mark. Told apart here: given a match beside a cursor that does not fit it, journalctl
# leaves out the first entry.
since() {
	journalctl -q -o json --all --after-cursor "$cursor" | jq -c 'select(._COMM == "virtdiag")'
}
# logged COMMAND...: runs it with our messages in the journal; sets $entries to those of this run, an object a line
logged() {
	mark
	run -0 --separate-stderr vd --log-filters 1:virtdiag --log-outputs 1:journald "$@"
	same "$stderr" ""
	journalctl --sync
	entries=$(since)
	[ -n "$entries" ]
}

setup_file() {
	load helpers
	truncate -s 1M $IMAGES/logged.img
	define logged "$(disk $IMAGES/logged.img raw vda)"
}

teardown_file() {
	remove logged
}

@test "log outputs: journald -> as many messages as standard error gets, the same words in the same order" {
	local theirs
	run -0 --separate-stderr vd --log-filters 1:virtdiag --log-outputs 1:stderr guests
	# 2026-01-01 00:00:00.000+0000: 1: debug : function:12 : words
	# files of /proc are not as long every time
	theirs=$(sed -nE 's/^[^ ]+ [^ ]+ [0-9]+: [a-z]+ : //p' <<<"$stderr" | sed -E 's|read [0-9]+ bytes of /proc|read /proc|')
	[ "$(wc -l <<<"$theirs")" -gt 3 ]
	logged guests
	same "$(jq -r '"\(.CODE_FUNC):\(.CODE_LINE) : \(.MESSAGE)"' <<<"$entries" |
		sed -E 's|read [0-9]+ bytes of /proc|read /proc|')" "$theirs"
}

@test "log outputs: journald -> the fields of every message" {
	logged guests
	same "$(jq -r 'select([.MESSAGE, .CODE_FILE, .CODE_LINE, .CODE_FUNC, .VLOG_CATEGORY, .PRIORITY] | all(type == "string")
		| not)' <<<"$entries")" ""
	same "$(jq -r .VLOG_CATEGORY <<<"$entries" | grep -v '^virtdiag\.[a-z.-]*$')" ""
	same "$(jq -r .CODE_FILE <<<"$entries" | grep -v '^[a-z/.-]*\.c$')" ""
	same "$(jq -r .CODE_LINE <<<"$entries" | grep -v '^[1-9][0-9]*$')" ""
	same "$(jq -r .CODE_FUNC <<<"$entries" | grep -v '^[a-z_0-9]*$')" ""
	same "$(jq -r '.SYSLOG_FACILITY + " " + ._TRANSPORT' <<<"$entries" | sort -u)" "3 journal"
	# severities as syslog has them: debug, info, warning, error
	same "$(jq -r .PRIORITY <<<"$entries" | sort -u | grep -v '^[7643]$')" ""
	has "$(jq -r '.PRIORITY + " " + .VLOG_CATEGORY' <<<"$entries")" "7 virtdiag.guests"
}

@test "log outputs: 4:journald -> nothing of a run without errors arrives" {
	mark
	run -0 --separate-stderr vd --log-filters 1:virtdiag --log-outputs 4:journald guests
	journalctl --sync
	same "$(since)" ""
}
