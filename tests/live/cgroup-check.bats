#!/usr/bin/env bats
# `virtdiag cgroup check` on a running guest whose threads and limits are changed by hand: exactly that finding, and its
# fix, run as it stands, makes it go; its undo brings it back. The kernel's files are the oracle.
load helpers

setup_file() {
	load helpers
	define "${P}web" '' '<iothreads>2</iothreads>'
	v start "${P}web"
}

teardown_file() {
	load helpers
	remove_all
}

setup() {
	run -0 --separate-stderr vd cgroup tree "${P}web" --json
	GROUP=$(json '[.cgroups | .. | objects | select(.name? == "emulator")][0].path')
	GROUP=${GROUP%/emulator}
	if [ -e "$GROUP/tasks" ]; then FILE=tasks; else FILE=cgroup.threads; fi
}

# check: findings of virtdiag on the guest into $output
check() {
	run --separate-stderr vd cgroup check "${P}web" --json
	[ "$status" -lt 2 ]
}
# misplaced FILTER: of the misplaced threads in $output
misplaced() {
	json "[.findings[] | select(.id == \"cgroup-misplaced\")] | $1"
}
# fix N [KEY]: run the N-th command, or with KEY undo its undo, of the misplaced threads
fix() {
	local argv
	mapfile -t argv < <(misplaced "[.[].fix[]][$1].${2:-command}[]")
	"${argv[@]}"
}
# thread NAME: its id, by what QEMU calls it
thread() {
	grep -lx "$1" "/proc/$(pid "${P}web")"/task/*/comm | sed 's|.*task/\([0-9]*\)/comm|\1|'
}

@test "cgroup check: a guest as libvirt started it -> no thread is misplaced" {
	check
	same "$(misplaced length)" 0
}

@test "cgroup check: a thread in another group -> exactly that finding; its fix and its undo do what they say" {
	local name tid right wrong what
	while IFS='|' read -r name right wrong what; do
		tid=$(thread "$name")
		[ -n "$tid" ]
		echo "$tid" >"$GROUP/$wrong/$FILE"
		check
		same "$name: $(misplaced '.[] | [.guest, .subject, .severity, .confidence, (.fix | length)] | @json')" \
			"$name: [\"${P}web\",\"$right\",\"warn\",\"certain\",1]"
		has "$(misplaced '.[0].message')" "$what (thread $tid, \"$name\") is in /machine${GROUP#*/machine}/$wrong"
		fix 0
		check
		same "$name: $(misplaced length)" "$name: 0"
		grep -qx "$tid" "$GROUP/$right/$FILE"
		echo "$tid" >"$GROUP/$wrong/$FILE"
		check
		local before=$output
		fix 0
		output=$before
		fix 0 undo
		grep -qx "$tid" "$GROUP/$wrong/$FILE"
		fix 0
	done <<-X
		IO iothread1|iothread1|vcpu0|I/O thread 1
		IO iothread2|iothread2|iothread1|I/O thread 2
		IO iothread2|iothread2|emulator|I/O thread 2
		CPU 1/TCG|vcpu1|emulator|virtual CPU 1
		CPU 0/TCG|vcpu0|vcpu1|virtual CPU 0
		IO mon_iothread|emulator|vcpu1|a thread of the emulator
	X
	check
	same "$(misplaced length)" 0
}

@test "cgroup tree: an I/O thread in another group -> its group, empty, is misplaced" {
	local tid
	tid=$(thread 'IO iothread1')
	echo "$tid" >"$GROUP/vcpu0/$FILE"
	run --separate-stderr vd cgroup tree "${P}web" --json
	echo "$tid" >"$GROUP/iothread1/$FILE"
	same "$(json '[.cgroups | .. | objects | select((.flags? // []) | index("misplaced")) | .name] | join(" ")')" iothread1
	has "$(json '.notes[].message')" "I/O thread 1 of ${P}web is not in its group iothread1"
}

@test "cgroup check: the whole process in another group -> one finding; its fixes put every thread back" {
	local before after n
	before=$(grep -H . "/proc/$(pid "${P}web")"/task/*/cgroup | grep -v pids: | sort)
	mkdir "${GROUP%/*}/elsewhere"
	cat "/run/libvirt/qemu/${P}web.pid" >"${GROUP%/*}/elsewhere/cgroup.procs"
	check
	same "$(misplaced 'map(.subject) | @json')" '["its group"]'
	n=$(misplaced '.[0].fix | length')
	[ "$n" -ge 5 ]
	for ((i = 0; i < n; i++)); do fix $i; done
	after=$(grep -H . "/proc/$(pid "${P}web")"/task/*/cgroup | grep -v pids: | sort)
	rmdir "${GROUP%/*}/elsewhere"
	same "$after" "$before"
	check
	same "$(misplaced length)" 0
}

@test "cgroup check: a limit that was changed by hand -> its fix makes every row of show agree again" {
	local path name value n=0 argv
	v schedinfo "${P}web" --live cpu_shares=300 global_period=80000 global_quota=160000 vcpu_period=50000 \
		vcpu_quota=25000 iothread_period=70000 iothread_quota=35000
	v memtune "${P}web" --live --soft-limit 262144
	v blkiotune "${P}web" --live --weight 300
	v blkiotune "${P}web" --live --device-read-bytes-sec "$(lsblk -dnpo NAME,TYPE | awk '$2 == "disk" || $2 == "loop" {print $1; exit}'),1048576"
	v vcpupin "${P}web" 1 0 --live
	run -0 --separate-stderr vd cgroup show "${P}web" --json
	while IFS=$'\t' read -r path name value; do
		case $value in
		*:*\ *) echo "${value% *} $((${value##* } + 512))" ;;
		0) echo 0-1 ;;
		300) echo 400 ;;
		*) echo $((value + 4096)) ;;
		esac >"$path"
		check
		same "$name: $(json '[.findings[] | select(.severity == "fail") | .id + " " + .subject] | join(",")')" "$name: cgroup-limit $name"
		mapfile -t argv < <(json '.findings[] | select(.severity == "fail") | .fix[0].command[]')
		"${argv[@]}"
		run -0 --separate-stderr vd cgroup show "${P}web" --json
		same "$name: $(json '[.tunables[] | select(.status != "ok")] | length')" "$name: 0"
		n=$((n + 1))
	done < <(json '.tunables[] | select(.xml) | [.path, .tunable, .kernel] | @tsv')
	[ $n -ge 10 ]
}

@test "cgroup check: a group that was left behind -> its fix takes it away, with those below it" {
	local group=${GROUP%/*}/qemu-88-gone.libvirt-qemu argv
	mkdir "$group" "$group/emulator" "$group/vcpu0"
	run --separate-stderr vd cgroup check --json
	mapfile -t argv < <(json '.findings[] | select(.id == "cgroup-stale") | .fix[].command[]')
	same "${argv[0]}" rmdir
	"${argv[@]}"
	[ ! -e "$group" ]
}
