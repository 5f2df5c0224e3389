#!/usr/bin/env bats
# `virtdiag cgroup tree` on cgroup v2 with systemd: the scopes that machined makes, libvirt's groups in them, the threads.
# The kernel's /proc/PID/cgroup is the oracle.
# shellcheck disable=SC2001,SC2016,SC2086 # our paths have no blanks; names with $ in them
load helpers

setup_file() {
	load helpers
	define web ''
	define "two words.é" ''
	start web
	start "two words.é"
	define_container box
	c start box
}

# row FILTER: fields of rows of the last JSON tree, wherever they are in it
row() {
	jq -r "[.cgroups | .. | objects | select(has(\"path\"))] | $1" <<<"$output"
}
pid() {
	cat "/run/libvirt/qemu/$1.pid"
}
# group PID: the directory of its cgroup
group() {
	echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$1/cgroup")"
}

@test "cgroup tree: guests and container -> all there, by name, with their threads' groups" {
	run -0 --separate-stderr vd cgroup tree -n -o NAME,GUEST --ascii
	# ids are those of this boot
	same "$(sed -E 's/(lxc)-[0-9]+/\1-N/; s/ +/ /g; s/ $//' <<<"$output")" "\
machine.slice -
|-lxc-N-box box
|-qemu-1-web web
| |-emulator -
| |-vcpu0 -
| \`-vcpu1 -
\`-qemu-2-twowords two words.é
 |-emulator -
 |-vcpu0 -
 \`-vcpu1 -"
}

@test "cgroup tree: the path is where the kernel says the processes are" {
	run -0 --separate-stderr vd cgroup tree --json
	for name in web "two words.é"; do
		# libvirt keeps the main thread in the emulator's group, below the guest's own
		has "$(group "$(pid "$name")")/" "$(row "[.[] | select(.guest == \"$name\")][0].path")/"
	done
	local vcpu
	for vcpu in 0 1; do
		same "$(row ".[] | select(.name == \"vcpu$vcpu\") | select(.path | contains(\"web\")) | .path")" \
			"$(group "$(pid web)/task/$(tid web "$vcpu")")"
	done
}

# tid GUEST N: the thread of virtual processor N
tid() {
	grep -l "^CPU $2/" "/proc/$(pid "$1")"/task/*/comm | sed 's|.*/task/\([0-9]*\)/comm|\1|'
}

@test "cgroup tree: tasks are the threads in each group" {
	run -0 --separate-stderr vd cgroup tree web --json
	same "$(row '.[] | select(.name == "emulator" or .name == "vcpu0" or .name == "vcpu1") | [.name, .tasks] | join(" ")')" \
		"$(cd "$(dirname "$(group "$(pid web)")")" && for g in emulator vcpu0 vcpu1; do echo "$g $(wc -l <$g/cgroup.threads)"; done)"
	same "$(row '[.[] | select(.guest == "web")][0].tasks')" "$(find "/proc/$(pid web)/task" -mindepth 1 -maxdepth 1 | wc -l)"
}

@test "cgroup tree: one guest asked for -> only that one" {
	run -0 --separate-stderr vd cgroup tree web --json
	same "$(row '[.[].guest | values] | unique | join(",")')" web
}

@test "cgroup tree: memory limit of the container is the one of its XML" {
	run -0 --separate-stderr vd cgroup tree box --json
	same "$(row '[.[] | select(.guest == "box")][0].memory_max')" $((64 << 20))
}

@test "cgroup tree: frozen group -> flagged" {
	local top
	top=$(dirname "$(group "$(pid web)")")
	echo 1 >"$top/cgroup.freeze"
	run --separate-stderr vd cgroup tree web --json
	echo 0 >"$top/cgroup.freeze"
	[ "$status" -eq 0 ]
	has "$(row '[.[] | select(.guest == "web")][0].flags | tostring')" frozen
}

@test "cgroup tree: a guest that has ended is gone from it" {
	q destroy "two words.é"
	run -0 --separate-stderr vd cgroup tree --json
	same "$(row '[.[].guest | values] | unique | join(",")')" box,web
}
