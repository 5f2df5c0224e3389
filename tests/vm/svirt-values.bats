#!/usr/bin/env bats
# `virtdiag svirt status` on a host with SELinux: NEXT is what the real daemon makes of each value of security_driver
# that depends on what the kernel has. Those that do not are tried by tests/live/svirt.bats.
# bats file_tags=long
load helpers

setup() {
	cp -a --preserve=all /etc/libvirt/qemu.conf "$BATS_TEST_TMPDIR/"
}

models() {
	virsh -q -c "$1:///system" capabilities | sed -n '/<host>/,/<.host>/s|.*<model>\([a-z]*\)</model>.*|\1|p' | grep -v dac
}
# starts: the daemon, and its driver answers; the unit is up before that one has read its file
starts() {
	systemctl reset-failed libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket || true
	systemctl restart libvirtd && timeout 120 virsh -q -c qemu:///system uri
}

@test "svirt: values that need SELinux to be on -> NEXT is what the daemon does" {
	local text wanted
	while IFS= read -r text; do
		cp -a --preserve=all "$BATS_TEST_TMPDIR/qemu.conf" /etc/libvirt/
		printf '\n%b\n' "$text" >>/etc/libvirt/qemu.conf
		wanted=$(vd svirt status --json | jq -r '.drivers[0].next')
		echo "# $text: $wanted"
		if [ "$wanted" = fails ]; then
			run ! starts
		else
			starts
			# beside a driver that confines, capabilities still name the "none" of a list
			same "$(models qemu | grep -vx none | paste -sd,)" "$wanted"
		fi
	done <<-'X'
		security_driver = "selinux"
		security_driver = "apparmor"
		security_require_confined = 1
		security_driver = "none"\nsecurity_require_confined = 1
		security_driver = [ "none", "selinux" ]
	X
}
