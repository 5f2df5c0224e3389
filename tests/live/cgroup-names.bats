#!/usr/bin/env bats
# The names that libvirt gives to the groups of guests: when no process is left in a group, its name alone tells whose it
# is. The groups that the real daemon made are the oracle.
# shellcheck disable=SC2001,SC2016,SC2086 # our paths have no blanks; names with $ in them
load helpers

teardown() {
	remove_all
}

# orphan NAME: the group of a guest whose daemon and emulator were killed; sets $group to its path below the mount
orphan() {
	local pid
	define "$1"
	v start --paused "$1"
	pid=$(pid "$1")
	group=$(sed -n 's|^[0-9]*:[^:]*:\(.*\.libvirt-qemu\)\(/.*\)\{0,1\}$|\1|p' "/proc/$pid/cgroup" | head -n 1)
	[ -n "$group" ]
	libvirtd_kill
	kill -KILL "$pid"
	until_true 20 gone "$pid"
}
# told NAME: the tree shows the orphaned group under the name of its guest, as stale
told() {
	run --separate-stderr vd cgroup tree --json
	[ "$status" -le 1 ]
	same "$(json '[.cgroups[] | .. | objects | select(.path? // "" | endswith($group)) | [.guest, (.flags | index("stale") != null)]] | unique[] | join(" ")' --arg group "$group")" \
		"$1 true"
}
json() { # json FILTER [JQ OPTION...]
	jq -r "${@:2}" "$1" <<<"$output"
}

@test "cgroup tree: group of a guest with a long name, nobody in it -> the guest's, stale" {
	local name
	name=${P}$(printf 'a%.0s' {1..200})
	orphan "$name"
	told "$name"
	libvirtd_start
}

@test "cgroup tree: group of a guest with odd characters in its name, nobody in it -> the guest's, stale" {
	orphan "${P}..a_b  é--c.-d.-"
	told "${P}..a_b  é--c.-d.-"
	libvirtd_start
}
