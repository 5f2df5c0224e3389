#!/usr/bin/env bats
# --pid: a libvirt whose files only its own processes see, as in a container. The private libvirt is looked at from
# outside of its mount namespace, through the process of its daemon.
# shellcheck disable=SC2001,SC2016,SC2086 # our paths have no blanks; names with $ in them
load helpers

setup_file() {
	load helpers
	qemu-img create -q -f qcow2 $IMAGES/base.qcow2 1M
	qemu-img create -q -f qcow2 -F qcow2 -b $IMAGES/base.qcow2 $IMAGES/top.qcow2
	define "${P}in" "$(disk $IMAGES/top.qcow2 qcow2 vda)"
	v start "${P}in"
}

teardown_file() {
	load helpers
	remove_all
}

# outside ARGS...: virtdiag where nothing of libvirt is to be seen
outside() {
	unshare --mount --propagation private bash -c 'for d in /etc/libvirt /run/libvirt /var/lib/libvirt; do
		mount -t tmpfs none $d || exit 99; done; exec "$@"' - "$VIRTDIAG" "$@"
}

@test "--pid of the daemon: its guests, which nobody sees otherwise" {
	run -0 --separate-stderr outside guests
	same "$output" 'no guests'
	run -0 --separate-stderr outside --pid "$(cat /run/libvirtd.pid)" guests --json
	same "$(by_virtdiag)" "$(by_virsh)"
}

@test "--pid of the daemon: the chain of a guest is looked up where the daemon sees it" {
	run -3 --separate-stderr outside --pid "$(cat /run/libvirtd.pid)" selinux check "${P}in" --json
	same "$(json '.files[] | [.target, .path] | join(" ")')" "vda $IMAGES/top.qcow2
vda[1] $IMAGES/base.qcow2"
	hasnt "$(json '.files[].status')" missing
}

@test "--pid of the daemon: its cgroups" {
	run -0 --separate-stderr outside --pid "$(cat /run/libvirtd.pid)" cgroup tree -n -o GUEST
	has "$output" "${P}in"
}

@test "--pid: no such process, no number -> said" {
	run -3 --separate-stderr vd --pid 2147483646 guests
	has "$stderr" 'there is no process 2147483646'
	run -2 --separate-stderr vd --pid one guests
}
