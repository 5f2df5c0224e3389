#!/usr/bin/env bats
# The label rules of devices other than disks, of what happens to the disks of a running guest, and of what a stop leaves
# behind, against libvirt's own SELinux driver (oracle.bash).
# shellcheck disable=SC2001,SC2016,SC2086 # our paths have no blanks; names with $ in them
load helpers
load oracle

setup_file() {
	load helpers
	load oracle
	oracle_start
}

setup() {
	rm -rf ${IMAGES:?}/*
	truncate -s 1M $IMAGES/{disk,bystander}.img
}
teardown() {
	remove_all
}

@test "svirt: kernel, initrd, device tree, ACPI table, firmware configuration -> content while it runs" {
	: >$IMAGES/{kernel,initrd,slic,blob}.bin 2>/dev/null || true
	printf 'kernel' >$IMAGES/kernel.bin
	printf 'initrd' >$IMAGES/initrd.bin
	printf 'blob' >$IMAGES/blob.bin
	define "${P}boot" "$(disk $IMAGES/disk.img raw vda)" "
		<sysinfo type='fwcfg'><entry name='opt/org.example/blob' file='$IMAGES/blob.bin'/></sysinfo>"
	v dumpxml --inactive "${P}boot" | sed "s|<boot dev='hd'/>|<kernel>$IMAGES/kernel.bin</kernel><initrd>$IMAGES/initrd.bin</initrd>|" \
		>$BATS_TEST_TMPDIR/boot.xml
	v define $BATS_TEST_TMPDIR/boot.xml
	v start --paused "${P}boot"
	agree "${P}boot"
	same "$(label $IMAGES/kernel.bin)" system_u:object_r:virt_content_t:s0
	same "$(label $IMAGES/blob.bin)" system_u:object_r:virt_content_t:s0
}
