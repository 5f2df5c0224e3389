#!/usr/bin/env bats
# What `virtdiag selinux check` says of directories, mounts, owners and of the daemons' own domains on a host that
# enforces. Each fault is made here; what is called a problem keeps the guest from starting, and the printed fixes make
# it start.
# shellcheck disable=SC2016,SC2086 # our paths have no blanks; names with $ in them
load helpers

CONFINED="<seclabel type='static' model='selinux' relabel='no'><label>system_u:system_r:svirt_t:s0:c1,c2</label></seclabel>"

teardown() {
	remove r
	if mountpoint -q /srv/reach; then umount /srv/reach; fi
	setsebool virt_use_nfs off
	rm -rf /srv/reach /srv/qemu.xml $IMAGES/reach /home/vmimg /root/a.qcow2 /srv/b $IMAGES/b1.qcow2 "$BATS_TEST_TMPDIR/fs"
}

# check STATUS; verdict PATH: status and reason id
check() {
	run -"$1" --separate-stderr vd selinux check r --json
}
verdict() {
	jq -r --arg path "$1" '.files[] | select(.path == $path) | "\(.status) \(.reason_id)"' <<<"$output"
}
# reason PATH: the sentence
reason() {
	jq -r --arg path "$1" '.files[] | select(.path == $path) | .reason' <<<"$output"
}
# fix_all: runs the commands of all fixes, exactly their vectors
fix_all() {
	local n i argv
	n=$(jq '[.files[].fix[]] | length' <<<"$output")
	[ "$n" -gt 0 ]
	for ((i = 0; i < n; i++)); do
		mapfile -t argv < <(jq -r "[.files[].fix[]][$i].command[]" <<<"$output")
		"${argv[@]}"
	done
}
# heals: the start is denied; after all fixes it is not, and nothing is found any more
heals() {
	local found=$output
	start_fails r start r
	has "$output" "ermission denied"
	output=$found
	fix_all
	start r
	run -0 --separate-stderr vd selinux check r
	q destroy r
}

@test "reach: healthy guest, shut off and running -> no finding, and the last line says so" {
	mkdir $IMAGES/reach
	truncate -s 1M $IMAGES/reach/a.img
	define r "$(disk $IMAGES/reach/a.img raw vda)"
	run -0 --separate-stderr vd selinux check r
	has "$output" "1 file: 1 ok. Directories, ACLs, mounts: ok."
	start r
	run -0 --separate-stderr vd selinux check r
	has "$output" "1 file: 1 ok. Directories, ACLs, mounts, open files: ok."
}

@test "reach: image in root's home without relabelling -> the guest, the daemon and the closed directory are named" {
	qemu-img create -q -f qcow2 /root/a.qcow2 1M
	chmod 666 /root/a.qcow2
	chcon -t user_home_t /root/a.qcow2
	define r "$(disk /root/a.qcow2 qcow2 vda)" "$CONFINED"
	check 1
	same "$(verdict /root/a.qcow2)" "wrong user-home"
	has "$(reason /root/a.qcow2)" "svirt_t may not read and write user_home_t"
	has "$(reason /root/a.qcow2)" "libvirt's daemon (virtd_t) may not read user_home_t"
	has "$(reason /root/a.qcow2)" "QEMU (user libvirt-qemu) may not search /root: mode 0700, owner root"
	heals
	setfacl -b /root
}

@test "reach: image below /home, dynamic label -> the daemon may not read it; starts after the fix" {
	mkdir /home/vmimg
	qemu-img create -q -f qcow2 /home/vmimg/a.qcow2 1M
	define r "$(disk /home/vmimg/a.qcow2 qcow2 vda)"
	check 1
	same "$(verdict /home/vmimg/a.qcow2)" "wrong user-home"
	has "$(reason /home/vmimg/a.qcow2)" virtd_t
	heals
}

@test "reach: backing file of a home type, no relabelling -> guest and daemon are named; starts after the fix" {
	mkdir /srv/b
	qemu-img create -q -f qcow2 /srv/b/base.qcow2 1M
	chcon -t user_home_t /srv/b/base.qcow2
	qemu-img create -q -f qcow2 -F qcow2 -b /srv/b/base.qcow2 $IMAGES/b1.qcow2
	chmod 666 $IMAGES/b1.qcow2
	define r "$(disk $IMAGES/b1.qcow2 qcow2 vda)" "$CONFINED"
	check 1
	same "$(verdict /srv/b/base.qcow2)" "wrong user-home"
	has "$(reason /srv/b/base.qcow2)" "libvirt's daemon (virtd_t) may not read user_home_t"
	heals
}

@test "reach: directory with categories of somebody else -> denied; starts after the fix" {
	mkdir $IMAGES/reach
	truncate -s 1M $IMAGES/reach/a.img
	chcon -t svirt_image_t -l s0:c900,c901 $IMAGES/reach
	define r "$(disk $IMAGES/reach/a.img raw vda)"
	check 1
	has "$(verdict $IMAGES/reach/a.img)" denied
	has "$(reason $IMAGES/reach/a.img)" "the guest (svirt_t) may not search svirt_image_t"
	heals
}

@test "reach: closed directory under SELinux -> denied, dac-search; starts after the fix" {
	mkdir -m 700 $IMAGES/reach
	truncate -s 1M $IMAGES/reach/a.img
	define r "$(disk $IMAGES/reach/a.img raw vda)"
	check 1
	same "$(verdict $IMAGES/reach/a.img)" "denied dac-search"
	heals
}

@test "reach: mounted with a context that guests may not use -> denied, mount-context; mounted anew it starts" {
	truncate -s 8M "$BATS_TEST_TMPDIR/fs"
	mkfs.ext4 -q "$BATS_TEST_TMPDIR/fs"
	mkdir /srv/reach
	mount -o loop,context=system_u:object_r:mnt_t:s0 "$BATS_TEST_TMPDIR/fs" /srv/reach
	truncate -s 1M /srv/reach/a.img
	define r "$(disk /srv/reach/a.img raw vda)"
	check 1
	same "$(verdict /srv/reach/a.img)" "denied mount-context"
	local found=$output
	start_fails r start r
	has "$output" "Permission denied"
	output=$found
	fix_all_on_loop
	start r
	check 0
	has "$(verdict /srv/reach/a.img)" unsupported
	q destroy r
}
# the fixes of the check in $output; the device that they name is a loop device, which goes with its mount
fix_all_on_loop() {
	local device
	device=$(findmnt -no SOURCE /srv/reach)
	losetup "$device" >/dev/null
	exec 7<"$device" # keeps it
	fix_all
	exec 7<&-
}

@test "reach: file system of a type that a boolean opens -> the kernel is asked again once it is on, and it starts" {
	truncate -s 8M "$BATS_TEST_TMPDIR/fs"
	mkfs.ext4 -q "$BATS_TEST_TMPDIR/fs"
	mkdir /srv/reach
	mount -o loop,context=system_u:object_r:nfs_t:s0 "$BATS_TEST_TMPDIR/fs" /srv/reach
	truncate -s 1M /srv/reach/a.img
	define r "$(disk /srv/reach/a.img raw vda)"
	check 1
	has "$(verdict /srv/reach/a.img)" denied
	run -1 start r
	setsebool virt_use_nfs on
	check 0
	same "$(verdict /srv/reach/a.img)" "unsupported fs-nolabel"
	start r
}

@test "reach: log of a serial console where virtlogd may not write -> wrong, virtlogd is named; starts after the fix" {
	mkdir /srv/b
	truncate -s 1M $IMAGES/b1.qcow2
	: >/srv/b/serial.log
	define r "$(disk $IMAGES/b1.qcow2 raw vda)<serial type='file'><source path='/srv/b/serial.log'/></serial>"
	check 1
	same "$(verdict /srv/b/serial.log)" "wrong type"
	has "$(reason /srv/b/serial.log)" "virtlogd (virtlogd_t) may not write to var_t"
	has "$(reason /srv/b/serial.log)" "may make and remove no files in var_t, the label of the directory /srv/b"
	heals
	# a log that is not there yet: the directory decides
	rm /srv/b/serial.log
	check 0
	chcon -t var_t /srv/b
	check 1
	same "$(verdict /srv/b/serial.log)" "denied type"
	run -1 start r
}

@test "reach: the emulator on a nosuid mount, or with a label that no guest's domain is entered by -> named; starts after the fix" {
	mkdir -p /srv/reach $IMAGES/reach
	mount -t tmpfs tmpfs /srv/reach
	mkdir /srv/reach/bin
	cp "$(readlink -f /usr/bin/qemu-system-x86_64)" /srv/reach/bin/qemu
	ln -s /usr/share /usr/lib /srv/reach/
	chcon -R -t bin_t /srv/reach
	chcon -t qemu_exec_t /srv/reach/bin/qemu
	truncate -s 1M $IMAGES/reach/a.img
	domain r "$(disk $IMAGES/reach/a.img raw vda)" | sed 's|<emulator>.*<|<emulator>/srv/reach/bin/qemu<|' >/srv/qemu.xml
	q define /srv/qemu.xml
	check 0
	q start r --paused
	q destroy r
	mount -o remount,nosuid /srv/reach
	check 1
	same "$(verdict /srv/reach/bin/qemu)" "denied mount-nosuid"
	heals
	chcon -t bin_t /srv/reach/bin/qemu
	check 1
	same "$(verdict /srv/reach/bin/qemu)" "wrong type"
	heals
}

@test "reach: the daemon may read the image's label, but not take it away -> wrong, the daemon is named; starts after the fix" {
	mkdir $IMAGES/reach
	truncate -s 1M $IMAGES/reach/a.img
	chcon -t usr_t $IMAGES/reach/a.img
	define r "$(disk $IMAGES/reach/a.img raw vda)"
	check 1
	same "$(verdict $IMAGES/reach/a.img)" "wrong type"
	has "$(reason $IMAGES/reach/a.img)" "libvirt's daemon (virtd_t) may not take files the label usr_t (relabelfrom)"
	heals
}
