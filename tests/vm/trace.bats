#!/usr/bin/env bats
# `virtdiag selinux trace` on the real logs of a libvirtd whose SELinux driver labels: two guests started at once, their
# files, what could not be labelled, and a restore, with labels set in processes of their own and in the daemon itself.
# shellcheck disable=SC2086 # our paths have no blanks
load helpers

LOG=/var/log/libvirt/libvirtd.log

setup_file() {
	load helpers
	qemu-img create -q -f qcow2 $IMAGES/base.qcow2 16M
	qemu-img create -q -f qcow2 -F qcow2 -b $IMAGES/base.qcow2 $IMAGES/web.qcow2
	truncate -s 1M $IMAGES/install.iso $IMAGES/two.img
	define web "$(disk $IMAGES/web.qcow2 qcow2 vda)$(disk $IMAGES/install.iso raw vdb '<readonly/>')"
	define two "$(disk $IMAGES/two.img raw vda)"
	printf '%s\n' 'log_level = 2' 'log_filters = "1:security 3:util.object 3:event 3:rpc 3:util.netlink"' \
		"log_outputs = \"1:file:$LOG\"" >>/etc/libvirt/libvirtd.conf
}
setup() {
	q destroy web 2>/dev/null || true
	q destroy two 2>/dev/null || true
	: >$LOG
	journalctl -q --rotate --vacuum-time=1s >/dev/null
	systemctl restart libvirtd && timeout 300 virsh -q uri
}

start_both() { # two at once take their time on a busy machine
	timeout 300 virsh -q start web &
	timeout 300 virsh -q start two
	wait $!
}
# ok_rows: guest, target and path of all rows of disks that are ok, from the last JSON
ok_rows() {
	json '.labels[] | select(.status == "ok" and (.role == "disk" or .role == "backing")) | [.guest, .target, .path] | join(" ")' | sort
}

@test "selinux trace: labels of two guests out of log and journal; everything expected is present" {
	start_both
	journalctl --sync
	journalctl -q -u libvirtd >"$BATS_TEST_TMPDIR/journal"
	run -0 --separate-stderr vd selinux trace $LOG "$BATS_TEST_TMPDIR/journal" --json
	same "$(ok_rows)" "two vda $IMAGES/two.img
web vda $IMAGES/web.qcow2
web vda[1] $IMAGES/base.qcow2
web vdb $IMAGES/install.iso"
	same "$(json '[.labels[] | select(.guest == null)] | length')" 0
	while read -r path now; do same "$(label "$path")" "$now"; done < <(json '.labels[] | select(.status == "ok") | .path + " " + .now')
	run -0 --separate-stderr vd selinux trace $LOG "$BATS_TEST_TMPDIR/journal"
	has "$output" 'everything expected is present: each file of the 2 guests'
	sed -i '/base.qcow2/d' "$BATS_TEST_TMPDIR/journal"
	run -1 --separate-stderr vd selinux trace $LOG - <"$BATS_TEST_TMPDIR/journal"
	has "$(tr -s ' ' <<<"$output")" "web none missing vda[1] - virt_content_t:s0 same $IMAGES/base.qcow2"
}

@test "selinux trace: the log alone, with a private /dev -> no path in it, status 3" {
	start_both
	run -3 --separate-stderr vd selinux trace $LOG
	has "$output" 'the start of 2 guests, but no path'
	# of itself it reads the journal as well, where the paths are
	journalctl --sync
	run -0 --separate-stderr vd selinux trace
	has "$output" 'everything expected is present'
}

@test "selinux trace: labels set in the daemon itself; one that the kernel refuses -> failed" {
	printf 'namespaces = []\nremember_owner = 0\n' >>/etc/libvirt/qemu.conf
	systemctl restart libvirtd && timeout 300 virsh -q uri
	start_both
	q destroy two
	run -0 --separate-stderr vd selinux trace --json
	same "$(ok_rows)" "web vda $IMAGES/web.qcow2
web vda[1] $IMAGES/base.qcow2
web vdb $IMAGES/install.iso"
	same "$(json '.labels[] | select(.action == "restore") | [.guest, .path] | join(" ")' | sort -u)" "two $IMAGES/two.img"
	chattr +i $IMAGES/two.img
	run -1 start two
	chattr -i $IMAGES/two.img
	run -1 --separate-stderr vd selinux trace
	has "$output" "failed: $IMAGES/two.img could not get svirt_image_t:s0:c"
	has "$output" 'Operation not permitted'
}
