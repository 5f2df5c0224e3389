#!/usr/bin/env bats
# `virtdiag selinux permissive` and `enforcing` on a kernel that enforces: the kernel's word is the oracle.
load helpers

teardown() {
	setenforce 1
	setsebool secure_mode_policyload off 2>/dev/null || true
}

# until_mode MODE: waits until getenforce says it; fails after half a minute
until_mode() {
	local i
	for i in $(seq 300); do
		[ "$(getenforce)" != "$1" ] || return 0
		sleep 0.1
	done
	echo "# still $(getenforce), not $1"
	return 1
}

@test "selinux permissive, enforcing: the mode follows, the undo undoes" {
	run -0 --separate-stderr vd selinux permissive --dry-run --json
	same "$(json '.changes[] | [.target, .old, .new, .done, (.undo | join(" "))] | join(",")')" \
		"host,enforcing,permissive,not yet,setenforce 1"
	same "$(getenforce)" Enforcing
	run -0 --separate-stderr vd selinux permissive
	has "$output" "unprotected now: every program"
	same "$(getenforce)" Permissive
	run -0 --separate-stderr vd selinux permissive --json
	same "$(json '.changes[0].done')" already
	run -0 --separate-stderr vd selinux enforcing
	same "$(getenforce)" Enforcing
}

@test "selinux permissive --for: the mode comes back, and after kill -9 too" {
	run -0 --separate-stderr vd selinux permissive --for 1s --json
	same "$(json '.changes[0].done')" restored
	has "$stderr" "unprotected now"
	same "$(getenforce)" Enforcing
	"$VIRTDIAG" selinux permissive --for 5s >/dev/null 2>&1 3>&- &
	until_mode Permissive
	# everything that looks like it
	pkill -KILL -f 'build/virtdiag selinux permissive'
	wait || true
	until_mode Enforcing
	run -1 pgrep selinux-restore
}

@test "selinux permissive --for: virtdiag and its guard killed at once -> systemd's service restores the mode; that one killed too -> again" {
	"$VIRTDIAG" selinux permissive --for 1h >/dev/null 2>&1 3>&- &
	local us=$! unit guard
	until_mode Permissive
	unit=virtdiag-restore-$us.service
	for _ in {1..300}; do
		systemctl -q is-active $unit && break
		sleep 0.1
	done
	guard=$(systemctl show -P MainPID $unit)
	[ "$guard" -gt 0 ]
	kill -KILL "$guard"
	kill -KILL "$(pgrep selinux-restore)" $us
	wait $us || true
	until_mode Enforcing
	for _ in {1..100}; do
		systemctl -q is-active $unit || break
		sleep 0.1
	done
	run -0 systemctl list-units --all --plain --no-legend 'virtdiag-restore-*'
	same "$output" ""
}

@test "selinux permissive --for: SIGTERM -> restored at once" {
	"$VIRTDIAG" selinux permissive --for 1h >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	until_mode Permissive
	kill -TERM $!
	wait $!
	same "$(getenforce)" Enforcing
	has "$(cat "$BATS_TEST_TMPDIR/out")" restored
}

@test "selinux permissive -- COMMAND: permissive while it runs, its status, restored; and after kill -9 while it runs" {
	run -0 --separate-stderr vd selinux permissive -- getenforce
	same "$output" Permissive
	same "$(getenforce)" Enforcing
	run -7 --separate-stderr vd selinux permissive -- sh -c 'exit 7'
	run -127 --separate-stderr vd selinux permissive -- no-such-program
	same "$(getenforce)" Enforcing
	"$VIRTDIAG" selinux permissive -- sleep 60 >/dev/null 2>&1 3>&- &
	for _ in {1..300}; do
		pgrep -fx 'sleep 60' >/dev/null && break
		sleep 0.1
	done
	same "$(getenforce)" Permissive
	kill -KILL $!
	wait $! || true
	until_mode Enforcing
	pkill -fx 'sleep 60'
}

@test "selinux permissive: somebody else switches it meanwhile -> theirs is kept" {
	"$VIRTDIAG" selinux permissive --for 1h >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	until_mode Permissive
	setenforce 1
	setenforce 0
	kill -TERM $!
	wait $!
	same "$(getenforce)" Permissive
	has "$(cat "$BATS_TEST_TMPDIR/out")" "somebody else"
}

@test "selinux permissive: the policy locks its mode -> refused with the reason" {
	setsebool secure_mode_policyload on
	run -3 --separate-stderr vd selinux permissive
	has "$stderr" secure_mode_policyload
	same "$(getenforce)" Enforcing
	run -3 --separate-stderr vd selinux permissive --domain svirt_t
}
