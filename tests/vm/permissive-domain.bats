#!/usr/bin/env bats
# `virtdiag selinux permissive --domain`, and what `selinux check` says of a guest whose domain alone is permissive.
# Rebuilding the policy twice takes more than a minute in the machine, so this has its own file.
# bats file_tags=long
load helpers

@test "selinux permissive --domain: only the guests' domain; its guest's problem is none meanwhile; taken back after the command" {
	run -3 --separate-stderr vd selinux permissive --domain nosuch_t
	has "$stderr" "no domain nosuch_t"
	run -3 --separate-stderr vd selinux enforcing --domain container_t
	has "$stderr" "by the policy itself"
	truncate -s 1M "$IMAGES/a.img"
	define one "$(disk "$IMAGES/a.img" raw vda)"
	start one
	chcon -t user_home_t "$IMAGES/a.img"
	run -1 --separate-stderr vd selinux check one --json
	same "$(status "$IMAGES/a.img")" wrong
	# shellcheck disable=SC2016
	run -0 --separate-stderr vd selinux permissive --domain svirt_t -- sh -c '
		getenforce
		semodule -l | grep ^permissive
		"$0" selinux check one --json >"$1"' "$VIRTDIAG" "$BATS_TEST_TMPDIR/meanwhile"
	same "$output" "Enforcing
permissive_svirt_t"
	output=$(cat "$BATS_TEST_TMPDIR/meanwhile")
	same "$(status "$IMAGES/a.img")" differs
	has "$output" '"reason_id": "permissive"'
	run -1 --separate-stderr vd selinux check one
	run -0 semodule -l
	hasnt "$output" permissive_svirt_t
}

@test "selinux permissive --domain: virtdiag and its guard killed at once -> systemd's service takes it back" {
	"$VIRTDIAG" selinux permissive --domain svirt_t --for 1h >/dev/null 2>&1 3>&- &
	local us=$! i
	until_module -0
	kill -KILL "$(pgrep selinux-restore)" $us
	wait $us || true
	until_module -1
	for i in {1..300}; do
		systemctl -q is-active "virtdiag-restore-$us.service" || break
		sleep 0.1
	done
	run -0 systemctl list-units --all --plain --no-legend 'virtdiag-restore-*'
	same "$output" ""
}
# until_module STATUS: waits until looking for the module among those of the policy ends with it; three minutes at most
until_module() {
	for i in {1..60}; do
		run "$1" sh -c 'semodule -l | grep -qx permissive_svirt_t' && return
		sleep 3
	done
	semodule -l | grep permissive
	return 1
}
