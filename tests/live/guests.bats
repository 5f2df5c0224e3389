#!/usr/bin/env bats
# `virtdiag guests` against libvirt itself: names, ids, UUIDs and states must be those that virsh shows, and without the
# daemon what /proc shows.
# shellcheck disable=SC2001,SC2016,SC2086 # our paths have no blanks; names with $ in them
load helpers

teardown() {
	v uri >/dev/null 2>&1 || libvirtd_start
	remove_all
}

agree() {
	run -0 --separate-stderr vd guests --json
	same "$(by_virtdiag)" "$(by_virsh)"
}

@test "guests: awkward names, running, paused and shut off -> as virsh shows them" {
	local long name n=0
	long=$(printf 'n%.0s' {1..240}) # with its suffixes just what a file name may have
	long=${long:${#P}}
	for name in plain 'two words' 'dots..and.more.' '日本語 é' "$long" $'tab\there' 'quo"te'\''s' '$(sub)`x`' 'back\slash' \
		'a&b<c>d' '%s%n' 'colon:x' '@,;' 'trailing '; do
		define "$P$name"
		case $((n++ % 3)) in
		0) v start "$P$name" ;;
		1) v start --paused "$P$name" ;;
		esac
	done
	# what a prefix would hide
	for name in -dash -- .hidden ' leading' 7 "qemu:$P" "${long:0:200}"; do
		define "$name"
		v start --paused --domain "$name"
	done
	agree
	same "$(json '.guests | length')" 21
}

@test "guests: a guest is found by name, id and UUID, whatever its name looks like" {
	local uuid
	define "${P}a b"
	define -dash
	define 7
	v start --paused "${P}a b"
	for uuid in $(v list --all --uuid); do
		run -0 --separate-stderr vd guests "$uuid" --json
		same "$(json '[.guests[].uuid] | join(" ")')" "$uuid"
	done
	run -0 --separate-stderr vd guests --json "${P}a b"
	same "$(json '[.guests[].guest] | join(" ")')" "${P}a b"
	run -0 --separate-stderr vd guests --json "$(v domid "${P}a b")"
	same "$(json '[.guests[].guest] | join(" ")')" "${P}a b"
	run -0 --separate-stderr vd guests --json -- -dash
	same "$(json '[.guests[].guest] | join(" ")')" -dash
	run -0 --separate-stderr vd guests --json 7
	same "$(json '[.guests[].guest] | join(" ")')" 7
}

@test "guests: start, suspend, resume, shut off -> state follows" {
	define "${P}one"
	agree
	v start "${P}one"
	agree
	same "$(json '.guests[0] | .state + " " + (.pid | tostring)')" "running $(pid "${P}one")"
	v suspend "${P}one"
	agree
	same "$(json '.guests[0].state')" paused
	v resume "${P}one"
	agree
	v destroy "${P}one"
	agree
	same "$(json '.guests[0] | [.state, .pid] | map(tostring) | join(" ")')" "shut off null"
}

@test "guests: a transient guest is there while it runs" {
	define "${P}transient"
	v start --paused "${P}transient"
	v undefine "${P}transient"
	agree
	same "$(json '.guests | length')" 1
	v destroy "${P}transient"
	agree
	same "$(json '.guests | length')" 0
}

@test "guests: QEMU killed while the daemon watches -> shut off" {
	define "${P}killed"
	v start "${P}killed"
	kill -KILL "$(pid "${P}killed")"
	until_true 30 is_state "${P}killed" "shut off"
	agree
	same "$(json '.guests[0].state')" "shut off"
}

is_state() {
	[ "$(v domstate "$1")" = "$2" ]
}

@test "guests: daemon killed, guests go on -> the same guests without it" {
	local before
	define "${P}on"
	define "${P}off"
	define "${P}held"
	v start "${P}on"
	v start --paused "${P}held"
	before=$(by_virsh)
	libvirtd_kill
	run -0 --separate-stderr vd guests --json
	same "$(by_virtdiag)" "$before"
}

@test "guests: daemon killed, then QEMU killed -> stale, not running; the daemon agrees when it is back" {
	local pid
	define "${P}lost"
	v start "${P}lost"
	pid=$(pid "${P}lost")
	libvirtd_kill
	kill -KILL "$pid"
	until_true 20 gone "$pid"
	run -0 --separate-stderr vd guests --json
	same "$(json '.guests[0] | [.guest, .state, .pid] | map(tostring) | join(" ")')" "${P}lost stale null"
	libvirtd_start
	until_true 30 is_state "${P}lost" "shut off"
	agree
}

@test "guests: 50 at once -> all of them, as virsh shows them" {
	local n
	for n in {1..50}; do
		define "${P}many-$n"
		v start --paused "${P}many-$n"
	done
	agree
	same "$(json '[.guests[] | select(.state == "paused")] | length')" 50
	run -0 --separate-stderr vd cgroup tree --json
	same "$(json '[.cgroups | .. | objects | .guest? | values] | unique | length')" 50
}
