#!/usr/bin/env bats
# `virtdiag cgroup show` and `cgroup devices` on a guest that virsh gave limits: every row agrees, and after one file of
# the kernel was changed by hand exactly its row differs. The kernel's files are the oracle.
load helpers

setup_file() {
	load helpers
	define "${P}web" '' '<iothreads>1</iothreads>'
	v start "${P}web"
	v schedinfo "${P}web" --live cpu_shares=300 global_period=80000 global_quota=160000 vcpu_period=50000 \
		vcpu_quota=25000 emulator_period=60000 emulator_quota=30000 iothread_period=70000 iothread_quota=35000
	v memtune "${P}web" --live --soft-limit 262144
	v memtune "${P}web" --live --hard-limit 1048576
	v memtune "${P}web" --live --swap-hard-limit 2097152
	v blkiotune "${P}web" --live --weight 300
	v blkiotune "${P}web" --live --device-read-bytes-sec "$(block_device),1048576"
	v blkiotune "${P}web" --live --device-write-iops-sec "$(block_device),1000"
	v vcpupin "${P}web" 1 0 --live
	v emulatorpin "${P}web" 0 --live
}

teardown_file() {
	load helpers
	remove_all
}

# block_device: some disk of this machine; nothing is read from or written to it
block_device() {
	lsblk -dnpo NAME,TYPE | awk '$2 == "disk" || $2 == "loop" {print $1; exit}'
}
# rows FILTER: on the tunables of the last JSON
rows() {
	json "[.tunables[]] | $1"
}
# other VALUE: what to write in its place, in the form that the file wants
other() {
	case $1 in
	*:*\ *) echo "${1% *} $((${1##* } + 512))" ;;
	0) echo 0-1 ;;
	300) echo 400 ;; # weights and shares
	*) echo $(($1 + 4096)) ;;
	esac
}

@test "cgroup show: limits set by virsh -> every row agrees" {
	run -0 --separate-stderr vd cgroup show "${P}web" --json
	same "$(rows '[.[] | select(.status != "ok")] | length')" 0
	same "$(rows 'map(select(.xml) | .tunable) | unique | join(" ")')" "emulator_period emulator_quota emulatorpin\
 global_period global_quota hard_limit iothread_period iothread_quota period quota read_bytes_sec shares soft_limit\
 swap_hard_limit vcpupin weight write_iops_sec"
}

@test "cgroup show: what it says of the kernel is in the kernel's files" {
	local path value
	run -0 --separate-stderr vd cgroup show "${P}web" --json
	while IFS=$'\t' read -r path value; do
		[ -n "$value" ] || continue
		same "$path: $(head -n 1 "$path" | sed 's/^9223372036854771712$/max/; s/^-1$/max/')" "$path: ${value/#-1/max}"
	done < <(rows '.[] | select(.device == null) | [.path, .kernel] | @tsv')
}

@test "cgroup show: one file changed by hand -> exactly its row differs, exit 1" {
	local all path name value n=0
	run -0 --separate-stderr vd cgroup show "${P}web" --json
	all=$(rows '.[] | select(.xml) | [.path, .tunable, .kernel] | @tsv')
	while IFS=$'\t' read -r path name value; do
		other "$value" >"$path"
		run --separate-stderr vd cgroup show "${P}web" --json
		echo "$value" >"$path"
		same "$name: $status" "$name: 1"
		same "$(rows '.[] | select(.status != "ok") | [.path, .tunable, .status] | @tsv')" "$path	$name	differs"
		n=$((n + 1))
	done <<<"$all"
	[ $n -gt 15 ]
	run -0 --separate-stderr vd cgroup show "${P}web"
	has "$output" hard_limit
}

@test "cgroup show: a limit that the XML does not set -> differs" {
	local path
	run -0 --separate-stderr vd cgroup show "${P}web" --json
	path=$(rows '.[] | select(.tunable == "read_bytes_sec") | .path' | sed s/read/write/)
	[ -e "$path" ]
	echo "$(lsblk -dno MAJ:MIN "$(block_device)" | tr -d ' ') 4096" >"$path"
	run --separate-stderr vd cgroup show "${P}web"
	echo "$(lsblk -dno MAJ:MIN "$(block_device)" | tr -d ' ') 0" >"$path"
	[ "$status" -eq 1 ]
	has "$output" "differs: $path holds"
	has "$output" "but the XML sets nothing"
}

@test "cgroup tree --sample: CPU used in between is what the kernel counted" {
	run -0 --separate-stderr vd cgroup tree "${P}web" --sample 500ms --json
	same "$(json '[.cgroups | .. | objects | select(has("cpu_rate"))] | map(select(.guest)) | map(.cpu_rate | type) | unique | join(" ")')" number
	same "$(json '.sample_seconds >= 0.5')" true
	run -0 --separate-stderr vd cgroup tree "${P}web" --sample 10ms
	has "$output" CPU_RATE
}

@test "cgroup check: limits as virsh set them -> no finding; one changed by hand -> exactly one" {
	local path
	run -0 --separate-stderr vd cgroup check "${P}web" --json
	same "$(json '[.findings[] | select(.severity == "fail")] | length')" 0
	run -0 --separate-stderr vd cgroup show "${P}web" --json
	path=$(rows '.[] | select(.tunable == "soft_limit") | .path')
	echo 4096 >"$path"
	run --separate-stderr vd cgroup check "${P}web" --json
	echo 268435456 >"$path"
	[ "$status" -eq 1 ]
	same "$(json '[.findings[] | select(.severity == "fail")] | map(.id + " " + .subject) | join(",")')" "cgroup-limit soft_limit"
}
