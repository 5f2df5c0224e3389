#!/usr/bin/env bats
# `virtdiag selinux check` on a kernel without SELinux, as most CI machines have: it must still find every file of a guest,
# the backing chain that QEMU itself sees included, and must not call any of them ok.
# shellcheck disable=SC2001,SC2016,SC2086 # our paths have no blanks; names with $ in them
load helpers

setup_file() {
	load helpers
	if [ -e /sys/fs/selinux/enforce ]; then
		echo "these tests are for a kernel without SELinux; the virtual machine is for one with it" >&2
		return 1
	fi
	qemu-img create -q -f raw $IMAGES/bottom.raw 1M
	qemu-img create -q -f qcow2 -F raw -b bottom.raw $IMAGES/middle.qcow2
	qemu-img create -q -f qcow2 -F qcow2 -b $IMAGES/middle.qcow2 "$IMAGES/top level.qcow2"
	truncate -s 1M $IMAGES/install.iso
	define "${P}chain" "$(disk "$IMAGES/top level.qcow2" qcow2 vda)$(disk $IMAGES/install.iso raw vdb '<readonly/>')"
	define "${P}none" "$(disk $IMAGES/gone.qcow2 qcow2 vda)"
}

teardown_file() {
	load helpers
	remove_all
}

files() {
	json '.files[] | [.status, .role, .target, .path] | join("|")'
}
# no label on any of them: tmpfs gets one only from SELinux
expected="unlabelled|disk|vda|$IMAGES/top level.qcow2
unlabelled|backing|vda[1]|$IMAGES/middle.qcow2
unlabelled|backing|vda[2]|$IMAGES/bottom.raw
unlabelled|disk|vdb|$IMAGES/install.iso"

@test "selinux check: guest shut off -> the whole chain, and no verdict" {
	run -3 --separate-stderr vd selinux check "${P}chain" --json
	same "$(files)" "$expected"
	same "$(json '.status')" unknown
	run -3 --separate-stderr vd selinux check "${P}chain"
	has "$output" "SELinux is not active on this host"
	run -3 --separate-stderr vd selinux check "${P}chain" --json
	# the chain that QEMU's own tool sees
	same "$(qemu-img info --backing-chain --output=json "$IMAGES/top level.qcow2" | jq -r '.[].filename' | sed "s|^[^/]|$IMAGES/&|")" \
		"$(json '.files[] | select(.target | startswith("vda")) | .path')"
}

@test "selinux check: guest running -> the same chain, and no verdict" {
	v start "${P}chain"
	run -3 --separate-stderr vd selinux check "${P}chain" --json
	same "$(files | sed 's/^[^|]*/-/')" "$(sed 's/^[^|]*/-/' <<<"$expected")"
	same "$(json '[.files[] | select(.status == "ok" or .status == "wrong")] | length')" 0
	# the chain that libvirt holds for the running guest
	same "$(v dumpxml "${P}chain" | sed -n "s|.*<source file='\([^']*\)'.*|\1|p")" "$(json '.files[].path')"
	run -3 --separate-stderr vd selinux check "${P}chain"
	has "$output" "SELinux off"
}

@test "selinux check: missing image -> missing, whatever the kernel" {
	run --separate-stderr vd selinux check "${P}none" --json
	same "$(json '.files[0] | .status + " " + .path')" "missing $IMAGES/gone.qcow2"
	[ "$status" -eq 1 ]
	run -1 v start "${P}none"
	has "$output" "$IMAGES/gone.qcow2"
}
