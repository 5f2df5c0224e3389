#!/usr/bin/env bats
# `virtdiag svirt` on a host with SELinux and systemd: off and on again with the daemon restarted, guests that start in
# between, and the file byte by byte as before.
# What every value of security_driver does: svirt-values.bats.
# shellcheck disable=SC2001,SC2086 # our paths have no blanks
load helpers

setup_file() {
	load helpers
	truncate -s 1M $IMAGES/plain.img $IMAGES/web.img
	define plain "$(disk $IMAGES/plain.img raw vda)"
	define web "$(disk $IMAGES/web.img raw vda)"
}
setup() {
	cp -a --preserve=all /etc/libvirt/qemu.conf /etc/libvirt/lxc.conf "$BATS_TEST_TMPDIR/"
}
teardown() {
	q destroy plain 2>/dev/null || true
	q destroy web 2>/dev/null || true
	rm -f /etc/libvirt/*.bak
	# a start of the daemon takes its time here: only where it has read something else
	cmp -s "$BATS_TEST_TMPDIR/qemu.conf" /etc/libvirt/qemu.conf && return
	cp -a --preserve=all "$BATS_TEST_TMPDIR"/{qemu,lxc}.conf /etc/libvirt/
	systemctl reset-failed libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket || true
	starts
}

# context NAME: of a running guest's process
context() {
	tr -d '\0' <"/proc/$(cat "/run/libvirt/qemu/$1.pid")/attr/current"
}
models() {
	virsh -q -c "$1:///system" capabilities | sed -n '/<host>/,/<.host>/s|.*<model>\([a-z]*\)</model>.*|\1|p' | grep -v dac
}
# starts: the daemon, and its driver answers; the unit is up before that one has read its file
starts() {
	systemctl restart libvirtd && timeout 300 virsh -q -c qemu:///system uri
}
state() { # mode, owner, label and bytes of the files
	stat -c '%n %a %u %g' /etc/libvirt/qemu.conf /etc/libvirt/lxc.conf
	label /etc/libvirt/qemu.conf
	sha256sum </etc/libvirt/qemu.conf
	sha256sum </etc/libvirt/lxc.conf
}

@test "svirt: disable --restart, guest starts unconfined, enable --restart -> confined, files as before" {
	local before pid
	before=$(state)
	run -0 --separate-stderr vd svirt status --json
	same "$(json '[.selinux] + [.drivers[] | .next, .now] | join(" ")')" 'enforcing selinux selinux selinux selinux'
	timeout 300 virsh -q start web
	has "$(context web)" :svirt_t:s0:c
	sleep 2
	pid=$(cat /run/libvirtd.pid)
	run -0 --separate-stderr vd svirt disable --restart --json
	same "$(json '.changes[] | [.driver, .done, .daemon, .restart, .command] | @json')" \
		'["qemu","written","libvirtd","done",["systemctl","restart","--","libvirtd.service"]]
["lxc","written","libvirtd","done",["systemctl","restart","--","libvirtd.service"]]'
	[ "$(cat /run/libvirtd.pid)" != "$pid" ]
	same "$(models qemu) $(models lxc)" 'none none'
	same "$(label /etc/libvirt/qemu.conf)" "$(label "$BATS_TEST_TMPDIR/qemu.conf" | sed 's/:[a-z_]*_t:/:virt_etc_t:/; s/^[a-z_]*:/system_u:/')"
	has "$(context web)" :svirt_t:s0:c # it runs on as it was
	timeout 300 virsh -q start plain
	hasnt "$(context plain)" svirt_t
	run -0 --separate-stderr vd svirt status --json
	same "$(json '.drivers[0] | [.next, .now, .running, .confined, (.flags | join(","))] | @json')" '["none","none",2,1,"by-virtdiag"]'
	q destroy plain
	run -0 --separate-stderr vd svirt enable --restart
	same "$(state)" "$before"
	same "$(models qemu) $(models lxc)" 'selinux selinux'
	timeout 300 virsh -q start plain
	has "$(context plain)" :svirt_t:s0:c
	run -0 --separate-stderr vd svirt status --json
	same "$(json '.drivers[0] | [.next, .now, .running, .confined] | @json')" '["selinux","selinux",2,2]'
}

@test "svirt disable --restart: the file makes the daemon fail for another reason -> said, exit 3" {
	echo 'max_processes = "x"' >>/etc/libvirt/qemu.conf
	sleep 2
	run -3 --separate-stderr vd svirt disable --driver qemu --restart
	has "$stderr" 'its qemu driver does not answer'
	has "$stderr" '/etc/libvirt/qemu.conf is what it was before'
	has "$stderr" 'libvirtd does not come up with the old file either'
	run -1 grep -q 'security_driver = "none"' /etc/libvirt/qemu.conf
}

@test "svirt disable --restart: modular daemon of a unit of its own, which does not start with the new file -> put back, started again" {
	ln -f /usr/sbin/libvirtd /usr/sbin/virtqemud
	printf '[Service]\nType=notify\nExecStartPre=/bin/sh -c "! grep -q ^security_driver.*none /etc/libvirt/qemu.conf"\nExecStart=/usr/sbin/virtqemud\nKillMode=process\n' \
		>/etc/systemd/system/virtqemud.service
	systemctl daemon-reload
	systemctl stop libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket
	systemctl start virtqemud.service
	timeout 300 virsh -q -c qemu:///system uri
	sleep 2
	run -3 --separate-stderr vd svirt disable --driver qemu --restart --json
	same "$(json '.changes[] | [.done, .daemon, .restart, .command] | @json')" \
		'["put back","virtqemud","failed",["systemctl","restart","--","virtqemud.service"]]'
	has "$stderr" "virtqemud was started with it"
	cmp /etc/libvirt/qemu.conf "$BATS_TEST_TMPDIR/qemu.conf"
	systemctl -q is-active virtqemud.service
	systemctl stop virtqemud.service
	rm -f /etc/systemd/system/virtqemud.service /usr/sbin/virtqemud
	systemctl daemon-reload
	systemctl start libvirtd.socket libvirtd.service
}

@test "svirt disable: a guest whose XML names selinux -> named first, and then refused" {
	truncate -s 1M $IMAGES/named.img
	define named "$(disk $IMAGES/named.img raw vda)" "<seclabel type='dynamic' model='selinux' relabel='yes'/>"
	run -0 --separate-stderr vd svirt disable --restart
	has "$stderr" 'guest named: its XML names the security model selinux: it will not start'
	run -1 start named
	has "$output" "Security driver model 'selinux' is not available"
	run -1 --separate-stderr vd svirt status
	has "$output" 'refused: named will not start'
	run -0 --separate-stderr vd svirt enable --restart
	timeout 300 virsh -q start named
	remove named
}
