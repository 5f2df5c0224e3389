#!/usr/bin/env bats
# `virtdiag cgroup tree` on this machine's own cgroups, whatever kind they are, without systemd's scopes. The kernel's
# /proc/PID/task/TID/cgroup is the oracle.
# shellcheck disable=SC2001,SC2016,SC2086 # our paths have no blanks; names with $ in them
load helpers

setup_file() {
	load helpers
	define "${P}web" '' '<iothreads>1</iothreads>'
	define "${P}two words.é"
	v start "${P}web"
	v start --paused "${P}two words.é"
}

teardown_file() {
	load helpers
	remove_all
}

rows() { # rows FILTER: on all rows of the last JSON tree
	jq -r "[.cgroups | .. | objects | select(has(\"path\"))] | $1" <<<"$output"
}

# threads GUEST: name and id of the threads that libvirt puts into groups of their own
threads() {
	local dir name
	for dir in "/proc/$(pid "$1")"/task/*; do
		name=$(cat "$dir/comm")
		case $name in
		"CPU "*) echo "vcpu$(sed 's/CPU \([0-9]*\).*/\1/' <<<"$name") ${dir##*/}" ;;
		"IO iothread"*) echo "iothread${name#IO iothread} ${dir##*/}" ;;
		esac
	done
}

@test "cgroup tree: guests and their threads, by name" {
	run -0 --separate-stderr vd cgroup tree -n -o NAME,GUEST --ascii
	local machine
	machine=$(tr -cd 0-9 <<<"$P")
	same "$(sed -E 's/ +/ /g; s/ $//' <<<"$output")" "\
machine -
|-qemu-1-vd$machine-web ${P}web
| |-emulator -
| |-vcpu0 -
| |-vcpu1 -
| \`-iothread1 -
\`-qemu-2-vd$machine-twowords ${P}two words.é
 |-emulator -
 |-vcpu0 -
 \`-vcpu1 -"
}

@test "cgroup tree: every thread is in the group that the tree shows for it" {
	local name tid path found
	run -0 --separate-stderr vd cgroup tree "${P}web" --json
	while read -r name tid; do
		path=$(rows ".[] | select(.name == \"$name\") | .path")
		found=$(grep -l "^$tid\$" "$path/cgroup.threads" "$path/tasks" 2>/dev/null | wc -l)
		same "$name in $path: $found" "$name in $path: 1"
	done < <(threads "${P}web")
	same "$(threads "${P}web" | wc -l)" 3
}

@test "cgroup tree: groups of threads with gaps, and others beside them -> each once, in order" {
	local group made shown path
	run -0 --separate-stderr vd cgroup tree "${P}web" --json
	path=$(rows ".[] | select(.guest == \"${P}web\" and (.name | startswith(\"qemu-\"))) | .path")
	group=${path%/*}/qemu-77-gap.libvirt-qemu
	while IFS=: read -r made shown; do
		mkdir "$group"
		for name in $made; do mkdir "$group/$name"; done
		run --separate-stderr vd cgroup tree --json
		find "$group" -depth -type d -exec rmdir {} +
		same "$made: $status $(rows '[.[] | select(.path | contains("qemu-77-gap")) | .name] | join(" ")')" "$made: 0 qemu-77-gap$shown"
	done <<-END
		emulator vcpu0 vcpu1: emulator vcpu0 vcpu1
		emulator vcpu0 vcpu2 vcpu10 iothread3 iothread1: emulator vcpu0 vcpu2 vcpu10 iothread1 iothread3
		vcpu0 vcpu1: vcpu0 vcpu1
		emulator vcpu0 other: emulator vcpu0
		emulator vcpu1 other: emulator vcpu1
		other:
		:
	END
}

@test "cgroup tree: the tasks of the guest are the threads of its process" {
	run -0 --separate-stderr vd cgroup tree "${P}web" --json
	same "$(rows "[.[] | select(.guest == \"${P}web\")][0].tasks")" \
		"$(find "/proc/$(pid "${P}web")/task" -mindepth 1 -maxdepth 1 | wc -l)"
}

@test "cgroup tree: a thread moved elsewhere by hand -> misplaced" {
	local tid path parent file
	run -0 --separate-stderr vd cgroup tree "${P}web" --json
	tid=$(threads "${P}web" | sed -n 's/^vcpu1 //p')
	path=$(rows '.[] | select(.name == "vcpu1") | .path')
	parent=$(rows '.[] | select(.name == "vcpu0") | .path')
	if [ -e "$path/tasks" ]; then file='tasks'; else file=cgroup.threads; fi
	echo "$tid" >"$parent/$file"
	run --separate-stderr vd cgroup tree "${P}web" --json
	echo "$tid" >"$path/$file"
	[ "$status" -eq 0 ]
	has "$(rows '[.[] | .flags | tostring] | join(" ")')" misplaced
	run -0 --separate-stderr vd cgroup tree "${P}web" --json
	hasnt "$(rows '[.[] | .flags | tostring] | join(" ")')" misplaced
}

@test "cgroup tree: a guest that has ended is gone from it" {
	v destroy "${P}two words.é"
	run -0 --separate-stderr vd cgroup tree --json
	same "$(rows '[.[].guest | values] | unique | join(",")')" "${P}web"
}
