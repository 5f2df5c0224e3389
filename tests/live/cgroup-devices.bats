#!/usr/bin/env bats
# `virtdiag cgroup devices` on a real guest: the rules are those that libvirt set, and each verdict is what a process in
# the guest's group finds when it tries.
load helpers

setup_file() {
	load helpers
	define "${P}web" "<disk type='block' device='disk'><driver name='qemu' type='raw'/><source dev='$(loop)'/>\
<target dev='vda' bus='virtio'/><readonly/></disk>"
	v start "${P}web"
}

teardown_file() {
	load helpers
	remove_all
	losetup -d "$(cat "$BATS_FILE_TMPDIR/loop")"
}

# loop: a block device for the guest
loop() {
	truncate -s 1M "$BATS_FILE_TMPDIR/image"
	losetup -f --show "$BATS_FILE_TMPDIR/image" | tee "$BATS_FILE_TMPDIR/loop"
}

# group: the directory of the guest's group that has the filter
group() {
	run -0 --separate-stderr vd cgroup devices "${P}web"
	awk 'NR == 1 {sub(/\/devices\.list$/, "", $2); print $2}' <<<"$output"
}
# tries PATH: "r", "w" or both, of what a process in the guest's group may open; on v2 in the emulator's group, since the
# guest's own holds no process where threads have groups
tries() {
	local dir
	dir=$(group)
	if [ -d "$dir/emulator" ]; then dir=$dir/emulator; fi
	# shellcheck disable=SC2016 # expanded inside
	bash -c 'echo $$ >"$1/cgroup.procs" 2>/dev/null || echo $$ >"$1/cgroup.threads" || exit 9
		: <"$2" && printf r; : >>"$2" && printf w; :' - "$dir" "$1" 2>/dev/null
}

@test "cgroup devices: rules in force -> each with its origin" {
	run -0 --separate-stderr vd cgroup devices "${P}web" --json
	same "$(json '.rules[] | select(.path == "/dev/null") | [.status, .rule, .origin] | join("|")')" \
		"allowed|c 1:3 rw|default list"
	same "$(json '.rules[] | select(.major == 136) | [.status, .rule] | join("|")')" "allowed|c 136:* rw"
	same "$(json '.rules[] | select(.type == "b") | [.status, .access, .path, .origin] | join("|")')" \
		"allowed|r|$(cat "$BATS_FILE_TMPDIR/loop")|disk vda"
	same "$(json '[.rules[] | select(.origin == null or .status != "allowed")] | length')" 0
}

@test "cgroup devices PATH: /dev/null allowed, /dev/kmsg denied, as a process in the group finds" {
	local path status verdict
	for path in /dev/null:0 /dev/zero:0 /dev/kmsg:1 /dev/tty:1 "$(cat "$BATS_FILE_TMPDIR/loop"):0"; do
		run "-${path##*:}" --separate-stderr vd cgroup devices "${P}web" "${path%:*}" --json
		verdict=$(json '.paths[0] | select(.verdict == "allowed") | .access')
		same "$path $(tries "${path%:*}")" "$path ${verdict/m/}"
	done
}

@test "cgroup devices PATH: denied -> what to add, and the daemon accepts it" {
	run -1 --separate-stderr vd cgroup devices "${P}web" /dev/kmsg --json
	json '.paths[0].add_conf' >>/etc/libvirt/qemu.conf
	libvirtd_kill
	libvirtd_start
	run -1 --separate-stderr vd cgroup devices "${P}web" /dev/kmsg
	v destroy "${P}web"
	v start "${P}web"
	run -0 --separate-stderr vd cgroup devices "${P}web" /dev/kmsg --json
	same "$(json '.paths[0].verdict')" allowed
	same "$(json '.rules[] | select(.path == "/dev/null" or .path == "/dev/kmsg") | .origin' | sort -u)" cgroup_device_acl
	same "$(tries /dev/kmsg)" rw
}

@test "cgroup devices: without privilege -> unknown, exit 3" {
	run -3 --separate-stderr setpriv --bounding-set -sys_admin,-bpf --inh-caps -sys_admin,-bpf \
		"$VIRTDIAG" cgroup devices "${P}web" /dev/null
	has "$stderr" CAP_SYS_ADMIN
	has "$output" "unknown /dev/null"
}
