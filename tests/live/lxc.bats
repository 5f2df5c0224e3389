#!/usr/bin/env bats
# Containers: listing, cgroups, logs, and another emulator.
# live: cgroup v1
# shellcheck disable=SC2001,SC2016,SC2086,SC2154 # our paths have no blanks; names with $ in them
load helpers

setup_file() {
	load helpers
	define_container "${P}box"
	define_container "${P}off"
	lv start "${P}box"
}

teardown_file() {
	load helpers
	lv destroy "${P}box" 2>/dev/null || true
}

@test "guests: containers -> as virsh shows them" {
	run -0 --separate-stderr vd guests --json
	same "$(json '.guests[] | [.driver, .guest, .uuid, .state, (.id // "" | tostring)] | join("|")' | sort)" \
		"lxc|${P}box|$(lv domuuid "${P}box")|running|$(lv domid "${P}box")
lxc|${P}off|$(lv domuuid "${P}off")|shut off|"
}

@test "cgroup tree: container by name, with its processes and the memory limit of its XML" {
	run -0 --separate-stderr vd cgroup tree --json
	local row path
	row=$(jq -c "[.cgroups | .. | objects | select(.guest? == \"${P}box\")][0]" <<<"$output")
	same "$(jq -r .memory_max <<<"$row")" $((64 << 20))
	path=$(jq -r .path <<<"$row")
	grep -qx "$(lv domid "${P}box")" "$path/cgroup.procs" || {
		echo "# the controller is not in $path"
		return 1
	}
}

@test "guests: container killed -> stale until libvirtd has seen it, then shut off" {
	local pid daemon
	pid=$(lv domid "${P}box")
	daemon=$(cat /run/libvirtd.pid)
	kill -STOP "$daemon"
	kill -KILL "$pid"
	until_true 20 test ! -e "/proc/$pid"
	run -0 --separate-stderr vd guests "${P}box" --json
	kill -CONT "$daemon"
	same "$(json '.guests[0].state')" stale
	# libvirtd 9.0.0 now and then never notices, and goes on to call it running
	until_true 20 container_off || return 0
	run -0 --separate-stderr vd guests "${P}box" --json
	same "$(json '.guests[0].state')" "shut off"
}

container_off() {
	[ "$(lv domstate "${P}box")" = "shut off" ]
}

@test "logs boots: a container is destroyed, and one whose init is missing fails -> told" {
	define_container "${P}logs"
	lv start "${P}logs"
	run -0 --separate-stderr vd logs boots "${P}logs" --json
	same "$(json '.boots | map(.how + " " + .reason) | join(" ")')" "fresh running"
	lv destroy "${P}logs"
	run -0 --separate-stderr vd logs boots "${P}logs" --json
	same "$(json '.boots | map(.how + " " + .reason) | join(" ")')" "fresh not logged"
	lv dumpxml "${P}logs" | sed 's|/bin/sh|/nonexistent/init|' >"$BATS_TEST_TMPDIR/guest.xml"
	lv define "$BATS_TEST_TMPDIR/guest.xml"
	run lv start "${P}logs"
	[ "$status" -ne 0 ]
	run -0 --separate-stderr vd logs boots "${P}logs" --json
	same "$(json '.boots | map(.how + " " + .reason) | join(", ")')" "fresh not logged, fresh failed"
	run -0 --separate-stderr vd logs show --kind container "${P}logs"
	has "$output" "cannot find init path '/nonexistent/init'"
	lv undefine "${P}logs"
}

@test "source emulator: a container -> the other libvirt_lxc runs it, and after --restore its own" {
	local file=/etc/libvirt/lxc/${P}off.xml own=/usr/lib/libvirt/libvirt_lxc other=/usr/local/tree/src/libvirt_lxc
	mkdir -p "${other%/*}"
	cp $own $other
	cp "$file" "$BATS_TEST_TMPDIR/before"
	run -0 --separate-stderr vd source emulator "lxc:${P}off" $other
	lv define "$file"
	lv start "${P}off"
	same "$(readlink "/proc/$(lv domid "${P}off")/exe")" $other
	run -3 --separate-stderr vd source emulator "lxc:${P}off" --restore
	has "$stderr" "shut it down first"
	lv destroy "${P}off"
	run -0 --separate-stderr vd source emulator "lxc:${P}off" --restore
	cmp "$file" "$BATS_TEST_TMPDIR/before"
	lv define "$file"
	lv start "${P}off"
	same "$(readlink "/proc/$(lv domid "${P}off")/exe")" $own
	lv destroy "${P}off"
	rm -r /usr/local/tree
}
