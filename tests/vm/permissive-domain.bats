#!/usr/bin/env bats
# `virtdiag selinux permissive --domain`: rebuilding the policy twice takes minutes in the machine, so it has its own file.
# bats file_tags=long
load helpers

@test "selinux permissive --domain: only the guests' domain; taken back after the command" {
	run -3 --separate-stderr vd selinux permissive --domain nosuch_t
	has "$stderr" "no domain nosuch_t"
	run -3 --separate-stderr vd selinux enforcing --domain container_t
	has "$stderr" "by the policy itself"
	run -0 --separate-stderr vd selinux permissive --domain svirt_t -- sh -c 'getenforce; semodule -l | grep ^permissive'
	same "$output" "Enforcing
permissive_svirt_t"
	run -0 semodule -l
	hasnt "$output" permissive_svirt_t
}
