#!/usr/bin/env bats
# What `virtdiag selinux check` says of directories, owners, ACLs and mounts, against a real start: what it calls denied
# does not start, and starts once the printed fix was run; the undo puts everything back.
# shellcheck disable=SC2016,SC2086 # our paths have no blanks; names with $ in them
load helpers

setup_file() {
	load helpers
	if [ -e /sys/fs/selinux/enforce ]; then
		echo "these tests are for a kernel without SELinux; the virtual machine is for one with it" >&2
		return 1
	fi
}

setup() {
	DIR=/var/lib/libvirt/reach
	mkdir -p $DIR/vm
	truncate -s 1M $DIR/vm/a.img
	define "${P}a" "$(disk $DIR/vm/a.img raw vda)"
}

teardown() {
	remove_all
	umount $DIR/vm 2>/dev/null || true
	rm -rf $DIR
}

# redefine DEVICES [MORE]: the guest with other devices
redefine() {
	v undefine "${P}a"
	define "${P}a" "$@"
}
# check STATUS: runs the check of the guest and expects this exit status
check() {
	run -"$1" --separate-stderr vd selinux check "${P}a" --json
}
# verdict [PATH]: status and reason id of the file, $DIR/vm/a.img without PATH
verdict() {
	jq -r --arg path "${1:-$DIR/vm/a.img}" '.files[] | select(.path == $path) | "\(.status) \(.reason_id)"' <<<"$output"
}
# each KEY: runs the commands of all fixes, "command" or "undo" (from the last to the first), exactly their vectors
each() {
	local n i argv filter='.files[].fix[]'
	[ "$1" = command ] || filter='.files | reverse | .[].fix | reverse | .[]'
	n=$(jq "[$filter | .$1 | select(length > 0)] | length" <<<"$output")
	[ "$n" -gt 0 ]
	for ((i = 0; i < n; i++)); do
		mapfile -t argv < <(jq -r "[$filter | .$1 | select(length > 0)][$i][]" <<<"$output")
		echo "# ${argv[*]}" >&2
		"${argv[@]}"
	done
}
# refused: the guest does not start, for want of permission; starts: it does, and is stopped again
refused() {
	start_fails "${P}a" v start "${P}a"
	has "$output" "${1:-Permission denied}"
}
starts() {
	v start "${P}a"
	v destroy "${P}a"
}
# heals STATUS REASON: the check says so, the start fails, the fix makes it start, the undo makes all as before
heals() {
	local before found
	before=$(getfacl -pnR $DIR)
	check 1
	same "$(verdict)" "$1"
	found=$output
	refused "${2:-}"
	same "$(getfacl -pnR $DIR)" "$before"
	output=$found
	each command
	starts
	check 3 # no SELinux: nothing is said of labels, and nothing else is wrong
	output=$found
	each undo
	same "$(getfacl -pnR $DIR)" "$before"
}

@test "reach: everything open -> no finding, and it starts" {
	check 3
	same "$(verdict)" "unlabelled no-evidence"
	run -3 --separate-stderr vd selinux check "${P}a"
	has "$output" "Directories, ACLs, mounts: ok."
	starts
}

@test "reach: closed directory -> denied, dac-search" {
	chmod 700 $DIR
	heals "denied dac-search"
}

@test "reach: two closed directories, one of somebody else -> both fixes are needed" {
	chmod 700 $DIR
	chown 1:1 $DIR/vm && chmod 750 $DIR/vm
	check 1
	same "$(json '[.files[0].fix[].command[-1]] | join(" ")')" "$DIR $DIR/vm"
	heals "denied dac-search"
}

@test "reach: closed directory behind a symlink -> denied, the real directory is named" {
	mkdir $DIR/real
	mv $DIR/vm/a.img $DIR/real/
	ln -s ../real/a.img $DIR/vm/a.img
	chmod 700 $DIR/real
	check 1
	same "$(json '.files[0].fix[0].command[-1]')" $DIR/real
	heals "denied dac-search"
}

@test "reach: ACL lets QEMU in, its mask does not -> denied, acl-mask" {
	chmod 700 $DIR/vm
	setfacl -m u:nobody:rx $DIR/vm
	setfacl -n -m m::r $DIR/vm
	heals "denied acl-mask"
}

@test "reach: ACL names somebody else, its mask is narrow -> the mask is not widened for them more than needed" {
	chmod 700 $DIR/vm
	setfacl -m u:1:rwx $DIR/vm
	setfacl -n -m m::r $DIR/vm
	heals "denied dac-search"
}

@test "reach: ACL entry that refuses QEMU where others may -> denied" {
	setfacl -m u:nobody:- $DIR/vm
	heals "denied dac-search"
}

@test "reach: writable disk without the owner's right to write -> denied, dac-file: chown alone does not help" {
	chmod 444 $DIR/vm/a.img
	heals "denied dac-file"
}

@test "reach: backing file and kernel of root, mode 0600 -> ok: libvirt gives them to QEMU" {
	qemu-img create -q -f qcow2 -F raw -b $DIR/vm/a.img $DIR/vm/top.qcow2
	chmod 600 $DIR/vm/a.img $DIR/vm/top.qcow2
	redefine "$(disk $DIR/vm/top.qcow2 qcow2 vda)"
	check 3
	has "$(verdict)" unlabelled
	has "$(verdict $DIR/vm/top.qcow2)" unlabelled
	starts
}

@test "reach: closed directory of a backing file -> denied for it alone" {
	mkdir $DIR/base
	mv $DIR/vm/a.img $DIR/base/
	qemu-img create -q -f qcow2 -F raw -b $DIR/base/a.img $DIR/vm/top.qcow2
	redefine "$(disk $DIR/vm/top.qcow2 qcow2 vda)"
	chmod 700 $DIR/base
	check 1
	same "$(verdict $DIR/base/a.img)" "denied dac-search"
	same "$(verdict $DIR/vm/top.qcow2)" "unlabelled no-evidence"
	refused
	check 1
	each command
	starts
}

@test "reach: relabelling by owner switched off for the disk -> the owner of now counts" {
	chmod 600 $DIR/vm/a.img
	redefine "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$DIR/vm/a.img'>
		<seclabel model='dac' relabel='no'/></source><target dev='vda' bus='virtio'/></disk>"
	heals "denied dac-file"
}

@test "reach: guest with a dac label of its own -> that user must get in" {
	redefine "$(disk $DIR/vm/a.img raw vda)" \
		"<seclabel type='static' model='dac' relabel='yes'><label>+1:+1</label></seclabel>"
	chown 1:1 $DIR && chmod 700 $DIR
	check 3
	starts
	chown 65534 $DIR
	heals "denied dac-search"
}

@test "reach: guest with a dac label of its own -> the groups that the check takes are those of the process" {
	redefine "$(disk $DIR/vm/a.img raw vda)" \
		"<seclabel type='static' model='dac' relabel='yes'><label>+1:+1</label></seclabel>"
	# directories that only one group may search: open to the process exactly when the check says so
	v start "${P}a"
	local groups gid
	groups=$(sed -n 's/^Groups:\s*//p' "/proc/$(pid "${P}a")/status")
	v destroy "${P}a"
	for gid in 1 "$(id -g nobody)" 2; do
		chmod 710 $DIR && chown 0:"$gid" $DIR
		run --separate-stderr vd selinux check "${P}a" --json
		if [ "$gid" = 1 ] || grep -qw "$gid" <<<"$groups"; then
			[ "$status" -eq 3 ]
		else
			[ "$status" -eq 1 ]
		fi
	done
}

@test "reach: read-only mount under a writable disk -> denied, mount-readonly" {
	mount -t tmpfs tmpfs $DIR/vm
	truncate -s 1M $DIR/vm/a.img
	mount -o remount,ro $DIR/vm
	check 1
	same "$(verdict)" "denied mount-readonly"
	local found=$output
	refused "Read-only file system"
	output=$found
	each command
	starts
	output=$found
	each undo
	grep -q " $DIR/vm tmpfs ro" /proc/mounts
}

@test "reach: running guest, directory closed behind it -> denied: the next open fails" {
	v start "${P}a"
	chmod 700 $DIR
	check 1
	same "$(verdict)" "denied dac-search"
	chmod 755 $DIR
	check 3
}

@test "reach: loader that QEMU may not read -> denied, and the start fails; after the fix it starts" {
	truncate -s 128K $DIR/vm/code.bin
	chmod 600 $DIR/vm/code.bin
	v dumpxml "${P}a" | sed "s|<os>|&<loader>$DIR/vm/code.bin</loader>|" >"$BATS_TEST_TMPDIR/x.xml"
	v undefine "${P}a"
	v define "$BATS_TEST_TMPDIR/x.xml"
	check 1
	same "$(verdict $DIR/vm/code.bin)" "denied dac-file"
	run -1 v start "${P}a"
	check 1
	each command
	starts
}

@test "reach: dynamic_ownership off -> libvirt gives nothing away: denied, dac-file; backing files alike" {
	qemu-img create -q -f qcow2 -F raw -b $DIR/vm/a.img $DIR/vm/top.qcow2
	chmod 600 $DIR/vm/a.img $DIR/vm/top.qcow2
	redefine "$(disk $DIR/vm/top.qcow2 qcow2 vda)"
	echo 'dynamic_ownership = 0' >>/etc/libvirt/qemu.conf
	libvirtd_kill
	libvirtd_start
	check 1
	same "$(verdict)" "denied dac-file"
	same "$(json '.files[] | .fix[0].command | join(" ")')" "setfacl -m u:nobody:rw -- $DIR/vm/top.qcow2
setfacl -m u:nobody:r -- $DIR/vm/a.img"
	heals "denied dac-file"
	sed -i '/dynamic_ownership/d' /etc/libvirt/qemu.conf
	libvirtd_kill
	libvirtd_start
	check 3
	starts
}

# own_emulator: the guest with a copy of QEMU on a file system of its own, mounted on $DIR/vm
own_emulator() {
	local program
	program=$(readlink -f /usr/bin/qemu-system-x86_64)
	mount -t tmpfs tmpfs $DIR/vm
	mkdir $DIR/vm/bin
	cp "$program" $DIR/vm/bin/qemu
	ln -s /usr/share /usr/lib $DIR/vm/
	v dumpxml "${P}a" --inactive | sed "s|<emulator>.*<|<emulator>$DIR/vm/bin/qemu<|; s|$DIR/vm/a.img|$DIR/a.img|" \
		>"$BATS_TEST_TMPDIR/own.xml"
	truncate -s 1M $DIR/a.img
	v define "$BATS_TEST_TMPDIR/own.xml"
}

@test "reach: the emulator on a noexec mount -> denied, mount-noexec; starts once it is mounted exec" {
	own_emulator
	starts
	mount -o remount,noexec $DIR/vm
	check 1
	same "$(verdict $DIR/vm/bin/qemu)" "denied mount-noexec"
	local found=$output
	run -1 v start "${P}a"
	echo "# $output" >&2
	output=$found
	each command
	starts
	check 3
	same "$(verdict $DIR/vm/bin/qemu)" ""
	output=$found
	each undo
	check 1
}

@test "reach: the emulator that QEMU's user may not execute, in a closed directory, or gone -> denied, denied, missing" {
	own_emulator
	chmod 700 $DIR/vm/bin/qemu
	check 1
	same "$(verdict $DIR/vm/bin/qemu)" "denied dac-file"
	has "$(json '.files[] | select(.target == "emulator") | .reason')" "may not execute $DIR/vm/bin/qemu: mode 0700, owner root"
	local found=$output
	run -1 v start "${P}a"
	echo "# $output" >&2
	output=$found
	each command
	starts
	chmod 700 $DIR/vm/bin
	check 1
	same "$(verdict $DIR/vm/bin/qemu)" "denied dac-search"
	each command
	starts
	rm $DIR/vm/bin/qemu
	check 1
	same "$(verdict $DIR/vm/bin/qemu)" "missing missing"
	run -1 v start "${P}a"
}

@test "reach: a TPM's state that swtpm's user does not get at -> denied; starts after the fix" {
	# its certificates are made once, in a place that its usual user may not enter here
	printf 'swtpm_user = "root"\nswtpm_group = "root"\n' >>/etc/libvirt/qemu.conf
	libvirtd_kill && libvirtd_start
	redefine "$(disk $DIR/vm/a.img raw vda)<tpm model='tpm-tis'><backend type='emulator' version='2.0'/></tpm>"
	starts
	sed -i 's/^\(swtpm_.*=\).*/\1 "tss"/' /etc/libvirt/qemu.conf
	libvirtd_kill && libvirtd_start
	local top lock
	top=/var/lib/libvirt/swtpm/$(v domuuid "${P}a")
	lock=$top/tpm2/.lock
	starts
	check 3
	chmod 400 $top/tpm2/tpm2-00.permall
	check 3
	starts
	chmod 700 $top
	check 1
	same "$(verdict $lock)" "denied dac-search"
	refused TPM
	check 1
	each command
	starts
	chmod 400 $lock
	check 1
	same "$(verdict $lock)" "denied dac-file"
	refused TPM
	check 1
	each command
	starts
	sed -i '/^swtpm_/d' /etc/libvirt/qemu.conf
	libvirtd_kill && libvirtd_start
}
