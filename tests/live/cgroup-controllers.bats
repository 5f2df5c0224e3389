#!/usr/bin/env bats
# `virtdiag cgroup controllers`: what it says is mounted is; a controller taken away from libvirt is one that its guests
# have no group in, and giving it back leaves qemu.conf as it was.
load helpers

setup_file() {
	load helpers
	define "${P}web"
	cp /etc/libvirt/qemu.conf "$BATS_FILE_TMPDIR/qemu.conf"
}

teardown_file() {
	load helpers
	remove_all
}

restart() {
	v destroy "${P}web" 2>/dev/null || true
	libvirtd_kill
	libvirtd_start
	v start "${P}web"
}
# field CONTROLLER KEY: of the last JSON
field() {
	json ".controllers[] | select(.controller == \"$1\") | .$2"
}

@test "cgroup controllers: mounts and versions -> as the kernel's mount table says" {
	local name
	v start "${P}web"
	run -0 --separate-stderr vd cgroup controllers --json
	for name in cpu memory blkio; do
		if [ "$(field $name version)" = v1 ]; then
			same "$(awk -v n=$name '$3 == "cgroup" && $4 ~ "(^|,)" n "(,|$)" {d = $2} END {print d}' /proc/mounts)" \
				"$(field $name mount)"
		else
			same "$(awk '$3 == "cgroup2" {print $2}' /proc/mounts)" "$(field $name mount)"
		fi
		same "$name $(field $name guests) $(field $name used)" "$name 1 true"
	done
}

@test "cgroup controllers --disable --dry-run: shows the change, leaves the file" {
	run -0 --separate-stderr vd cgroup controllers --disable memory --dry-run
	has "$output" '+cgroup_controllers = [ "cpu", "devices", "blkio"'
	cmp /etc/libvirt/qemu.conf "$BATS_FILE_TMPDIR/qemu.conf"
}

@test "cgroup controllers --disable: the daemon accepts it, new guests have no group there" {
	local dir
	run -0 --separate-stderr vd cgroup controllers --disable memory --json
	same "$(json '.changes[0].old, (.changes[0].new | index("memory")), .changes[0].done')" "null
null
true"
	cmp "$(json '.changes[0].backup')" "$BATS_FILE_TMPDIR/qemu.conf"
	restart
	run -0 --separate-stderr vd cgroup controllers --json
	same "$(field memory used) $(field memory configured) $(field cpu configured)" "false no yes"
	if [ "$(field memory version)" = v1 ]; then same "$(field memory guests)" 0; fi
	dir=$(field memory mount)
	if [ "$(field memory version)" = v1 ]; then same "$(find "$dir" -name "qemu-*")" ""; fi
	run -0 --separate-stderr vd cgroup controllers --disable memory
	has "$output" "nothing was changed"
}

@test "cgroup controllers --disable: a guest with memtune is named, and the daemon does not start it" {
	define "${P}tuned" '' '<memtune><soft_limit>65536</soft_limit></memtune>'
	run -0 --separate-stderr vd cgroup controllers --enable memory
	run -0 --separate-stderr vd cgroup controllers --disable memory
	has "$output" "warning: ${P}tuned has <memtune> in its XML and will not start without memory"
	hasnt "$output" "warning: ${P}web"
	run --separate-stderr v start "${P}tuned"
	[ "$status" -ne 0 ]
	has "$stderr" "Memory cgroup is not available on this host"
}

# tried: what a process in the guest's group finds of /dev/kmsg
tried() {
	local dir
	run --separate-stderr vd cgroup tree "${P}web" --json
	dir=$(json '[.cgroups | .. | objects | select(.name == "emulator") | .path][0]')
	# shellcheck disable=SC2016 # expanded inside
	bash -c 'for d in "$1" "$(sed "s|/sys/fs/cgroup/[^/]*|/sys/fs/cgroup/unified|" <<<"$1")"; do
			echo $$ >"$d/cgroup.procs" || echo $$ >"$d/cgroup.threads"; done
		: </dev/kmsg && echo allowed || echo denied' - "$dir" 2>/dev/null
}

@test "cgroup controllers --disable devices: the daemon accepts it; devices tells what is really in force" {
	run -0 --separate-stderr vd cgroup controllers --disable devices
	restart
	run --separate-stderr vd cgroup devices "${P}web" /dev/kmsg --json
	same "$(json '.paths[0].verdict')" "$(tried)"
}

@test "cgroup controllers --enable: qemu.conf is as it was, byte for byte; the daemon uses it again" {
	run -0 --separate-stderr vd cgroup controllers --enable memory,devices
	cmp /etc/libvirt/qemu.conf "$BATS_FILE_TMPDIR/qemu.conf"
	restart
	run -0 --separate-stderr vd cgroup controllers --json
	same "$(field memory used) $(field memory guests) $(field devices used)" "true 1 true"
	run -1 --separate-stderr vd cgroup devices "${P}web" /dev/kmsg
}
