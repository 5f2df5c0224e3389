#!/usr/bin/env bats
# `virtdiag cgroup show` and `cgroup devices` on cgroup v2 with systemd: a guest that virsh gave limits agrees on every
# row, after one file was changed by hand exactly its row differs; device rules are what a process in the group finds,
# also with a program of systemd's above.
load helpers

setup_file() {
	load helpers
	echo 1 >/sys/devices/system/cpu/cpu1/online # to pin something to one of two
	define web "" '<iothreads>1</iothreads>'
	start web
	# Debian's policy lets libvirtd not ask systemd for weights.
	setenforce 0
	q schedinfo web --live cpu_shares=300
	q blkiotune web --live --weight 300
	setenforce 1
	q schedinfo web --live global_period=80000 global_quota=160000 vcpu_period=50000 vcpu_quota=25000 \
		emulator_period=60000 emulator_quota=30000 iothread_period=70000 iothread_quota=35000
	q memtune web --live --soft-limit 262144
	q memtune web --live --hard-limit 1048576
	q memtune web --live --swap-hard-limit 2097152
	q blkiotune web --live --device-read-bytes-sec /dev/vda,1048576
	q blkiotune web --live --device-write-iops-sec /dev/vda,1000
	q vcpupin web 1 0 --live
	q emulatorpin web 0 --live
}

teardown_file() {
	load helpers
	setenforce 1
	remove web
}

SCOPE='/sys/fs/cgroup/machine.slice/machine-qemu\x2d1\x2dweb.scope'

# rows FILTER: on the tunables of the last JSON
rows() {
	json "[.tunables[]] | $1"
}
# other TUNABLE VALUE: what to write to the file instead, what to write to bring the old value back
other() {
	case $1 in
	*_bytes_sec) OTHER="254:0 rbps=2097152" BACK="254:0 rbps=1048576" ;;
	*_iops_sec) OTHER="254:0 wiops=2000" BACK="254:0 wiops=1000" ;;
	*pin) OTHER=0-1 BACK=$2 ;;
	*quota) OTHER=$(($2 + 1000)) BACK=$2 ;;
	*period) OTHER="$(cut -d' ' -f1 <"$3") $(($2 + 1000))" BACK="$(cat "$3")" ;;
	shares | weight) OTHER=400 BACK=$2 ;;
	*) OTHER=$(($2 + 4096)) BACK=$2 ;;
	esac
}

@test "cgroup show: limits set by virsh -> every row agrees" {
	run -0 --separate-stderr vd cgroup show web --json
	same "$(rows '[.[] | select(.status != "ok")] | length')" 0
	same "$(rows 'map(select(.xml) | .tunable) | unique | join(" ")')" "emulator_period emulator_quota emulatorpin\
 global_period global_quota hard_limit iothread_period iothread_quota period quota read_bytes_sec shares soft_limit\
 swap_hard_limit vcpupin weight write_iops_sec"
	same "$(rows '.[] | select(.tunable == "shares") | .path')" "$SCOPE/cpu.weight"
	same "$(rows '.[] | select(.tunable == "hard_limit" and .group == "guest") | .path')" "$SCOPE/libvirt/memory.max"
}

@test "cgroup show: one file changed by hand -> exactly its row differs, exit 1" {
	local all path name value n=0
	run -0 --separate-stderr vd cgroup show web --json
	all=$(rows '.[] | select(.xml) | [.path, .tunable, .kernel] | @tsv')
	while IFS=$'\t' read -r path name value; do
		path=$(printf %b "$path") # jq doubled the backslashes of systemd's name
		other "$name" "$value" "$path"
		echo "$OTHER" >"$path"
		run --separate-stderr vd cgroup show web --json
		echo "$BACK" >"$path"
		same "$name: $status" "$name: 1"
		same "$(rows '[.[] | select(.status != "ok")] | map(.tunable + " " + .status) | join(", ")')" "$name differs"
		n=$((n + 1))
	done <<<"$all"
	[ $n -gt 15 ]
	run -0 --separate-stderr vd cgroup show web
}

@test "cgroup show: a limit put on systemd's scope -> differs" {
	echo 2147483648 >"$SCOPE/memory.max"
	run -0 --separate-stderr vd cgroup tree web --json
	same "$(json '[.cgroups | .. | objects | select(.guest? == "web")][0].memory_max')" 1073741824 # its own is smaller
	echo 536870912 >"$SCOPE/memory.max"
	run -0 --separate-stderr vd cgroup tree web --json
	same "$(json '[.cgroups | .. | objects | select(.guest? == "web")][0].memory_max')" 536870912
	echo 2147483648 >"$SCOPE/memory.max"
	run --separate-stderr vd cgroup show web
	echo max >"$SCOPE/memory.max"
	[ "$status" -eq 1 ]
	has "$output" "differs: $SCOPE/memory.max holds 2147483648, but the XML sets nothing"
}

# tries PATH: "r", "w" or both, of what a process in the guest's group may open
tries() {
	# shellcheck disable=SC2016 # expanded inside
	bash -c 'echo $$ >"$1/cgroup.procs" || exit 9
		: <"$2" && printf r; : >>"$2" && printf w; :' - "$SCOPE/libvirt/emulator" "$1" 2>/dev/null
}

@test "cgroup devices: libvirt's program is recognised, the rules have their origins" {
	run -0 --separate-stderr vd cgroup devices web --json
	same "$(json '.filter, (.programs | length), .programs[0].libvirt')" "bpf
1
true"
	same "$(json '.rules[] | select(.path == "/dev/null") | [.status, .rule, .origin] | join("|")')" \
		"allowed|c 1:3 rw|default list"
	same "$(json '[.rules[] | select(.origin == null or .status != "allowed")] | length')" 0
}

@test "cgroup devices PATH: /dev/null allowed, /dev/kmsg denied, as a process in the group finds" {
	local path
	for path in /dev/null:0 /dev/urandom:0 /dev/kmsg:1 /dev/vda:1; do
		run "-${path##*:}" --separate-stderr vd cgroup devices web "${path%:*}" --json
		same "$path $(tries "${path%:*}")" "$path $(json '.paths[0] | select(.verdict == "allowed") | .access')"
	done
}

@test "cgroup devices: a program of systemd's above -> named, and it decides too" {
	systemctl set-property --runtime machine.slice DevicePolicy=strict DeviceAllow="/dev/null rw"
	run -1 --separate-stderr vd cgroup devices web /dev/null /dev/urandom --json
	same "$(json '[.programs[].libvirt] | sort | join(" ")')" "false true"
	same "$(json '.programs[] | select(.libvirt | not) | .group')" /sys/fs/cgroup/machine.slice
	same "$(json '.paths[] | [.path, .verdict] | join(" ")')" "/dev/null allowed
/dev/urandom denied"
	same "$(tries /dev/null) $(tries /dev/urandom)" "rw "
	systemctl set-property --runtime machine.slice DevicePolicy=auto DeviceAllow=
}
