#!/usr/bin/env bats
# Protects what `virtdiag selinux check` says besides labels: owners, modes, ACLs, directories and mounts, on trees made
# here. What the kernel itself says of them is tested with real daemons in tests/live and tests/vm.

load helpers

IMG=system_u:object_r:svirt_image_t:s0

setup() {
	ROOT=$BATS_TEST_TMPDIR/root
	mkdir -p "$ROOT"/etc/libvirt/{qemu,lxc,storage} "$ROOT"/run/libvirt/qemu "$ROOT"/etc/selinux/targeted/contexts \
		"$ROOT/sys/fs/selinux/booleans" "$ROOT/proc/self" "$ROOT/usr/lib64"
	printf 1 >"$ROOT/sys/fs/selinux/enforce"
	printf 'SELINUX=enforcing\nSELINUXTYPE=targeted\n' >"$ROOT/etc/selinux/config"
	printf 'system_u:system_r:svirt_t:s0\n' >"$ROOT/etc/selinux/targeted/contexts/virtual_domain_context"
	printf 'system_u:object_r:svirt_image_t:s0\nsystem_u:object_r:virt_content_t:s0\n' \
		>"$ROOT/etc/selinux/targeted/contexts/virtual_image_context"
	: >"$ROOT/usr/lib64/libvirt.so.0.9000.0"
	printf 'root:x:0:0:root:/root:/bin/sh\nqemu:x:107:107:QEMU:/:/sbin/nologin\nann:x:1000:1000::/home/ann:/bin/sh\n' \
		>"$ROOT/etc/passwd"
	printf 'root:x:0:\nqemu:x:107:\nkvm:x:36:qemu\ndisk:x:6:\nann:x:1000:\n' >"$ROOT/etc/group"
	printf '20 1 8:1 / / rw,relatime - ext4 /dev/vda1 rw,seclabel\n' >"$ROOT/proc/self/mountinfo"
	: >"$ROOT/virtdiag-manifest.jsonl"
	object / dir 0755 0
}

# object PATH TYPE MODE UID [MORE]: a line of the manifest; the group is that of the same number
object() {
	printf '{"path":"%s","type":"%s","mode":"%s","uid":%s,"gid":%s%s}\n' "$1" "$2" "$3" "$4" "$4" "${5:-}" \
		>>"$ROOT/virtdiag-manifest.jsonl"
}
# image PATH MODE UID [LABEL [MORE]]
image() {
	object "$1" file "$2" "$3" ",\"size\":1048576,\"xattrs\":{\"security.selinux\":\"${4:-$IMG}\"}${5:-}"
}
disk() { # disk PATH [MORE]
	echo "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$1'/><target dev='vda'/>${2:-}</disk>"
}
# guest DEVICES [MORE]: registers the guest a
guest() {
	cat >"$ROOT/etc/libvirt/qemu/a.xml" <<-X
		<domain type='kvm'><name>a</name><uuid>11111111-2222-3333-4444-555555555501</uuid>
		<memory unit='MiB'>32</memory><vcpu>1</vcpu><os><type>hvm</type></os>
		<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>$1</devices>${2:-}</domain>
	X
}
# running DEVICES: the guest a runs as process 4711
running() {
	mkdir -p "$ROOT/proc/4711"
	cat >"$ROOT/run/libvirt/qemu/a.xml" <<-X
		<domstatus state='running' reason='booted' pid='4711'>
		<domain type='kvm' id='1'><name>a</name><uuid>11111111-2222-3333-4444-555555555501</uuid>
		<memory unit='MiB'>32</memory><vcpu>1</vcpu><os><type>hvm</type></os>
		<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>$1</devices>
		<seclabel type='dynamic' model='selinux' relabel='yes'><label>system_u:system_r:svirt_t:s0:c1,c2</label>
		<imagelabel>$IMG:c1,c2</imagelabel></seclabel></domain></domstatus>
	X
}
qemu_conf() { printf '%s\n' "$@" >"$ROOT/etc/libvirt/qemu.conf"; }
# check STATUS: runs it and expects this exit status
check() {
	run -"$1" --separate-stderr vd --root "$ROOT" --json selinux check a
}
# row KEY, verdict, fix N, undo N: of the JSON in $output
row() { jq -r ".files[0].$1" <<<"$output"; }
verdict() { jq -r '.files[0] | "\(.status) \(.reason_id)"' <<<"$output"; }
fix() { jq -r ".files[0].fix[${1:-0}].command // [] | join(\" \")" <<<"$output"; }
undo() { jq -r ".files[0].fix[${1:-0}].undo // [] | join(\" \")" <<<"$output"; }

@test "reach: everything open -> ok, exit 0, and the closing line says what was looked at" {
	object /srv dir 0755 0
	image /srv/a.raw 0600 0
	guest "$(disk /srv/a.raw)"
	check 0
	same "$(verdict)" "ok null"
	run -0 --separate-stderr vd --root "$ROOT" selinux check a
	has "$output" "1 file: 1 ok. Directories, ACLs, mounts: ok."
}

@test "reach: directory that QEMU may not search -> denied, dac-search, setfacl for this user alone" {
	object /srv dir 0755 0
	object /srv/vm dir 0700 0
	image /srv/vm/a.raw 0644 107
	guest "$(disk /srv/vm/a.raw)"
	check 1
	same "$(verdict)" "denied dac-search"
	has "$(row reason)" "user qemu"
	has "$(row reason)" "/srv/vm: mode 0700, owner root"
	same "$(fix)" "setfacl -m u:qemu:x -- /srv/vm"
	same "$(undo)" "setfacl -b -- /srv/vm"
	run -1 --separate-stderr vd --root "$ROOT" selinux check a
	has "$output" "denied: /srv/vm/a.raw"
	has "$output" "now   setfacl -m u:qemu:x -- /srv/vm"
	has "$output" "1 obstacle, see above"
	hasnt "$output" "chmod 777 -- "
}

@test "reach: two closed directories -> both are named, both have a fix" {
	object /a dir 0700 0
	object /a/b dir 0750 1000
	image /a/b/a.raw 0644 107
	guest "$(disk /a/b/a.raw)"
	check 1
	same "$(fix 0)" "setfacl -m u:qemu:x -- /a"
	same "$(fix 1)" "setfacl -m u:qemu:x -- /a/b"
	has "$(row reason)" "; also: QEMU (user qemu) may not search /a/b: mode 0750, owner ann"
}

@test "reach: SELinux off, directory closed -> denied all the same, exit 1" {
	printf 'SELINUX=disabled\nSELINUXTYPE=targeted\n' >"$ROOT/etc/selinux/config"
	rm -r "$ROOT/sys/fs/selinux"
	object /srv dir 0700 0
	image /srv/a.raw 0644 107
	guest "$(disk /srv/a.raw)"
	check 1
	same "$(verdict)" "denied dac-search"
}

@test "reach: a supplementary group of QEMU opens the directory -> ok" {
	printf '{"path":"/srv","type":"dir","mode":"0710","uid":0,"gid":36}\n' >>"$ROOT/virtdiag-manifest.jsonl"
	image /srv/a.raw 0644 107
	guest "$(disk /srv/a.raw)"
	check 0
	sed -i '/^kvm:/s/:qemu$/:/' "$ROOT/etc/group"
	check 1
	same "$(verdict)" "denied dac-search"
}

@test "reach: group of qemu.conf -> counts like the others" {
	printf '{"path":"/srv","type":"dir","mode":"0710","uid":0,"gid":6}\n' >>"$ROOT/virtdiag-manifest.jsonl"
	image /srv/a.raw 0644 107
	guest "$(disk /srv/a.raw)"
	check 1
	qemu_conf 'group = "disk"'
	check 0
	qemu_conf 'group = "+6"'
	check 0
}

@test "reach: user of qemu.conf by name and by number -> that user must get in" {
	object /home dir 0755 0
	object /home/ann dir 0700 1000
	image /home/ann/a.raw 0600 1000
	guest "$(disk /home/ann/a.raw)"
	check 1
	for user in ann 1000 +1000; do
		qemu_conf "user = \"$user\""
		check 0
	done
	qemu_conf 'user = "nobody-here"'
	check 3
	has "$(jq -r '.missing[].why' <<<"$output")" "nobody-here"
}

@test "reach: QEMU as root without capabilities -> a directory of somebody else stays closed" {
	object /home dir 0755 0
	object /home/ann dir 0700 1000
	image /home/ann/a.raw 0600 1000
	guest "$(disk /home/ann/a.raw)"
	qemu_conf 'user = "root"' 'group = "root"'
	check 1
	same "$(fix)" "setfacl -m u:root:x -- /home/ann"
}

@test "reach: the guest's own dac label -> that user must get in" {
	object /srv dir 0700 1000
	image /srv/a.raw 0600 1000
	guest "$(disk /srv/a.raw)" "<seclabel type='static' model='dac' relabel='yes'><label>+1000:+1000</label></seclabel>"
	check 0
	guest "$(disk /srv/a.raw)" "<seclabel type='static' model='dac' relabel='yes'><label>qemu:qemu</label></seclabel>"
	check 1
	same "$(verdict)" "denied dac-search"
}

@test "reach: running guest -> its process tells who it is, not the configuration" {
	object /srv dir 0700 1000
	image /srv/a.raw 0600 1000 "$IMG:c1,c2"
	running "$(disk /srv/a.raw)"
	printf 'Name:\tqemu\nUid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\nGroups:\t36 1000 \nCapEff:\t0000000000000000\n' \
		>"$ROOT/proc/4711/status"
	check 0
	sed -i '/^Uid/s/1000/107/g; /^Gid/s/1000/107/g; s/36 1000/36 107/' "$ROOT/proc/4711/status"
	check 1
	same "$(verdict)" "denied dac-search"
	# with CAP_DAC_OVERRIDE no mode stops it
	sed -i 's/^CapEff.*/CapEff:\t0000000000000002/' "$ROOT/proc/4711/status"
	check 0
}

@test "reach: ACL entry for QEMU -> opens; a mask that takes it away -> acl-mask, fixed in the mask" {
	image /srv/a.raw 0644 107
	guest "$(disk /srv/a.raw)"
	cp "$ROOT/virtdiag-manifest.jsonl" "$BATS_TEST_TMPDIR/without"
	object /srv dir 0710 0 ',"acl":"user::rwx,user:107:--x,group::---,mask::--x,other::---"'
	check 0
	cp "$BATS_TEST_TMPDIR/without" "$ROOT/virtdiag-manifest.jsonl"
	object /srv dir 0740 0 ',"acl":"user::rwx,user:107:r-x,group::---,mask::r--,other::---"'
	check 1
	same "$(verdict)" "denied acl-mask"
	same "$(fix)" "setfacl -n -m m::r-x -- /srv"
	same "$(undo)" "setfacl -n -m m::r-- -- /srv"
}

@test "reach: ACL without QEMU -> one entry more, the mask is not recalculated" {
	image /srv/a.raw 0644 107
	guest "$(disk /srv/a.raw)"
	object /srv dir 0740 0 ',"acl":"user::rwx,user:1000:rwx,group::---,mask::r--,other::---"'
	check 1
	same "$(verdict)" "denied dac-search"
	same "$(fix)" "setfacl -n -m u:qemu:--x,m::r-x -- /srv"
	same "$(undo)" "setfacl -n -x u:qemu -m m::r-- -- /srv"
	has "$(row 'fix[0].risk')" "mask"
}

@test "reach: ACL entry that refuses QEMU -> this entry is changed, and put back by the undo" {
	image /srv/a.raw 0644 107
	guest "$(disk /srv/a.raw)"
	object /srv dir 0755 0 ',"acl":"user::rwx,user:107:r--,group::r-x,mask::r-x,other::r-x"'
	check 1
	same "$(fix)" "setfacl -n -m u:qemu:r-x -- /srv"
	same "$(undo)" "setfacl -n -m u:qemu:r--,m::r-x -- /srv"
}

@test "reach: image of root, mode 0600 -> libvirt gives it to QEMU; with dynamic_ownership=0 it does not" {
	object /srv dir 0755 0
	image /srv/a.raw 0600 0
	guest "$(disk /srv/a.raw)"
	check 0
	qemu_conf 'dynamic_ownership = 0'
	check 1
	same "$(verdict)" "denied dac-file"
	same "$(fix)" "setfacl -m u:qemu:rw -- /srv/a.raw"
	guest "$(disk /srv/a.raw "<readonly/>")"
	check 1
	same "$(fix)" "setfacl -m u:qemu:r -- /srv/a.raw"
}

@test "reach: writable disk whose owner may not write -> denied, since giving it to QEMU changes no mode" {
	object /srv dir 0755 0
	image /srv/a.raw 0444 0
	guest "$(disk /srv/a.raw)"
	check 1
	same "$(verdict)" "denied dac-file"
	same "$(fix)" "chmod u+w -- /srv/a.raw"
	same "$(undo)" "chmod u-w -- /srv/a.raw"
	guest "$(disk /srv/a.raw "<readonly/>")"
	check 0
}

@test "reach: dac label that turns relabelling off, for the guest or the disk -> the owner of now counts" {
	object /srv dir 0755 0
	image /srv/a.raw 0600 0
	guest "$(disk /srv/a.raw)" "<seclabel type='dynamic' model='dac' relabel='no'/>"
	check 1
	same "$(verdict)" "denied dac-file"
	guest "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/srv/a.raw'>
		<seclabel model='dac' relabel='no'/></source><target dev='vda'/></disk>"
	check 1
	same "$(verdict)" "denied dac-file"
	# the owner that the disk asks for, who may not use it
	guest "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/srv/a.raw'>
		<seclabel model='dac' relabel='yes'><label>ann:ann</label></seclabel></source><target dev='vda'/></disk>"
	check 1
	same "$(verdict)" "denied dac-file"
}

@test "reach: files that libvirt never gives away -> the owner of now counts" {
	object /srv dir 0755 0
	object /srv/code.fd file 0600 0 ',"size":1048576,"xattrs":{"security.selinux":"system_u:object_r:virt_content_t:s0"}'
	guest "" ""
	sed -i "s|<os>|&<loader readonly='yes' type='pflash'>/srv/code.fd</loader>|" "$ROOT/etc/libvirt/qemu/a.xml"
	check 1
	same "$(jq -r '.files[] | select(.role == "loader") | "\(.status) \(.reason_id)"' <<<"$output")" "denied dac-file"
}

@test "reach: symlinks -> the directories that they lead through are searched, the one with the link too" {
	object /img dir 0755 0
	printf '{"path":"/img/a.raw","type":"symlink","target":"../data/vm/a.raw"}\n' >>"$ROOT/virtdiag-manifest.jsonl"
	object /data dir 0755 0
	object /data/vm dir 0700 0
	image /data/vm/a.raw 0644 107
	guest "$(disk /img/a.raw)"
	check 1
	same "$(fix)" "setfacl -m u:qemu:x -- /data/vm"
	sed -i 's|"path":"/data/vm","type":"dir","mode":"0700"|"path":"/data/vm","type":"dir","mode":"0755"|
		s|"path":"/img","type":"dir","mode":"0755"|"path":"/img","type":"dir","mode":"0644"|' "$ROOT/virtdiag-manifest.jsonl"
	check 1
	same "$(fix)" "setfacl -m u:qemu:x -- /img"
}

@test "reach: read-only mount -> a writable disk is denied, a read-only one is not" {
	printf '21 20 8:2 / /srv ro,relatime - xfs /dev/vdb1 rw,seclabel\n' >>"$ROOT/proc/self/mountinfo"
	object /srv dir 0755 0
	image /srv/a.raw 0644 107
	guest "$(disk /srv/a.raw)"
	check 1
	same "$(verdict)" "denied mount-readonly"
	same "$(fix)" "mount -o remount,rw -- /srv"
	same "$(undo)" "mount -o remount,ro -- /srv"
	guest "$(disk /srv/a.raw "<readonly/>")"
	check 0
}

@test "reach: image on NFS -> the boolean decides: off denied, on unsupported, not known unknown" {
	printf '21 20 0:50 / /srv rw,relatime - nfs4 nas:/vm rw,vers=4.1\n' >>"$ROOT/proc/self/mountinfo"
	object /srv dir 0755 0
	image /srv/a.raw 0644 107 system_u:object_r:nfs_t:s0
	guest "$(disk /srv/a.raw)"
	check 3
	same "$(verdict)" "unknown no-evidence"
	printf '0 0' >"$ROOT/sys/fs/selinux/booleans/virt_use_nfs"
	check 1
	same "$(verdict)" "denied boolean"
	same "$(fix)" "setsebool -P virt_use_nfs on"
	same "$(undo)" "setsebool -P virt_use_nfs off"
	has "$(row reason)" "virt_use_nfs"
	printf '1 1' >"$ROOT/sys/fs/selinux/booleans/virt_use_nfs"
	check 0
	same "$(verdict)" "unsupported fs-nolabel"
}

@test "reach: sshfs and cifs -> their own booleans" {
	printf '21 20 0:50 / /srv rw,relatime - fuse.sshfs h:/vm rw,user_id=0\n' >>"$ROOT/proc/self/mountinfo"
	object /srv dir 0755 0
	image /srv/a.raw 0666 107 system_u:object_r:fusefs_t:s0
	guest "$(disk /srv/a.raw)"
	printf '0 0' >"$ROOT/sys/fs/selinux/booleans/virt_use_fusefs"
	check 1
	same "$(fix)" "setsebool -P virt_use_fusefs on"
	sed -i 's/fuse.sshfs h:/cifs \/\/h/' "$ROOT/proc/self/mountinfo"
	sed -i 's/fusefs_t/cifs_t/' "$ROOT/virtdiag-manifest.jsonl"
	printf '0 0' >"$ROOT/sys/fs/selinux/booleans/virt_use_samba"
	check 1
	same "$(fix)" "setsebool -P virt_use_samba on"
}

@test "reach: NFS that may refuse to give the image to QEMU -> exit 3, not ok" {
	printf '21 20 0:50 / /srv rw,relatime - nfs4 nas:/vm rw,vers=4.2,seclabel\n' >>"$ROOT/proc/self/mountinfo"
	object /srv dir 0755 0
	image /srv/a.raw 0600 0
	guest "$(disk /srv/a.raw)"
	check 3
	has "$(jq -r '.missing[].why' <<<"$output")" root_squash
}

@test "reach: mount with context= -> denied when the guest may not use that label; mounted anew by the fix" {
	printf '21 20 8:2 / /srv rw,nodev - ext4 /dev/vdb1 rw,context=system_u:object_r:mnt_t:s0\n' >>"$ROOT/proc/self/mountinfo"
	object /srv dir 0755 0
	image /srv/a.raw 0644 107 system_u:object_r:mnt_t:s0
	guest "$(disk /srv/a.raw)"
	check 1
	same "$(verdict)" "denied mount-context"
	same "$(fix 0)" "umount -- /srv"
	same "$(fix 1)" 'mount -t ext4 -o nodev,context="system_u:object_r:svirt_image_t:s0" -- /dev/vdb1 /srv'
	same "$(undo 0)" 'mount -t ext4 -o nodev,context="system_u:object_r:mnt_t:s0" -- /dev/vdb1 /srv'
	sed -i 's/mnt_t/svirt_image_t/' "$ROOT/proc/self/mountinfo" "$ROOT/virtdiag-manifest.jsonl"
	check 0
	same "$(verdict)" "ok null"
}

@test "reach: image missing below a mount point of fstab that is not mounted -> not-mounted, mount it" {
	printf '# made by hand\nnas:/vm /srv/nas/ nfs defaults 0 0\n/dev/sda2 none swap sw 0 0\n' >"$ROOT/etc/fstab"
	object /srv dir 0755 0
	object /srv/nas dir 0755 0
	# a manifest tells of what is not there by not listing it, which is no proof: a plain capture
	rm "$ROOT/virtdiag-manifest.jsonl"
	mkdir -p "$ROOT/srv/nas"
	guest "$(disk /srv/nas/deep/a.raw)"
	check 1
	same "$(verdict)" "missing not-mounted"
	has "$(row reason)" "/etc/fstab says that nas:/vm belongs there"
	same "$(fix)" "mount -- /srv/nas"
	printf '21 20 0:50 / /srv/nas rw - nfs nas:/vm rw\n' >>"$ROOT/proc/self/mountinfo"
	check 1
	same "$(verdict)" "missing missing"
}

@test "reach: image missing in a storage pool that is not started -> not-mounted, start the pool" {
	cat >"$ROOT/etc/libvirt/storage/nas.xml" <<-X
		<pool type='netfs'><name>nas</name><source><host name='nas.lan'/><dir path='/vm'/></source>
		<target><path>/srv/pool</path></target></pool>
	X
	rm "$ROOT/virtdiag-manifest.jsonl"
	guest "$(disk /srv/pool/a.raw)"
	check 1
	same "$(verdict)" "missing not-mounted"
	has "$(row reason)" "storage pool nas says that nas.lan:/vm belongs there"
	same "$(fix)" "virsh pool-start -- nas"
}

@test "reach: image missing below the directory of a systemd mount unit -> not-mounted, start the unit" {
	mkdir -p "$ROOT"/etc/systemd/system/{remote-fs.target.wants,bad.mount}
	cp "$BATS_TEST_DIRNAME/fuzz/corpus/mount-unit/nas.mount" "$ROOT/etc/systemd/system/srv-nas.mount"
	ln -s /dev/null "$ROOT/etc/systemd/system/data.mount"
	rm "$ROOT/virtdiag-manifest.jsonl"
	guest "$(disk /srv/nas/a.raw)"
	check 1
	same "$(verdict)" "missing not-mounted"
	has "$(row reason)" "/srv/nas is not mounted: the unit srv-nas.mount says that nas.lan:/vm belongs there"
	same "$(fix)" "systemctl start -- srv-nas.mount"
	same "$(undo)" "systemctl stop -- srv-nas.mount"
	# waiting to be mounted is not mounted
	printf '21 20 0:50 / /srv/nas rw - autofs systemd-1 rw\n' >>"$ROOT/proc/self/mountinfo"
	check 1
	same "$(verdict)" "missing not-mounted"
	printf '22 21 0:51 / /srv/nas rw - nfs4 nas.lan:/vm rw\n' >>"$ROOT/proc/self/mountinfo"
	check 1
	same "$(verdict)" "missing missing"
	guest "$(disk /data/a.raw)"
	check 1
	same "$(verdict)" "missing missing"
}

@test "reach: image below a systemd mount unit that is not mounted -> differs if something starts the unit or its automount" {
	mkdir -p "$ROOT/etc/systemd/system/multi-user.target.wants"
	printf '[Mount]\nWhat=/dev/vdb1\nWhere=/srv\n' >"$ROOT/etc/systemd/system/srv.mount"
	object /srv dir 0755 0
	image /srv/a.raw 0644 107
	guest "$(disk /srv/a.raw)"
	check 0
	same "$(verdict)" "ok null"
	ln -s ../srv.automount "$ROOT/etc/systemd/system/multi-user.target.wants/srv.automount"
	check 0
	same "$(verdict)" "differs not-mounted"
	printf '21 20 0:50 / /srv rw - autofs systemd-1 rw\n' >>"$ROOT/proc/self/mountinfo"
	check 0
	same "$(verdict)" "ok null"
	# the same by fstab
	rm -r "$ROOT/etc/systemd"
	sed -i '/autofs/d' "$ROOT/proc/self/mountinfo"
	printf '/dev/vdb1 /srv xfs noauto,x-systemd.automount 0 2\n' >"$ROOT/etc/fstab"
	check 0
	same "$(verdict)" "differs not-mounted"
}

@test "reach: image below a mount point that is not mounted -> differs, this is not the one; noauto is no finding" {
	printf '/dev/vdb1 /srv xfs defaults 0 2\n' >"$ROOT/etc/fstab"
	object /srv dir 0755 0
	image /srv/a.raw 0644 107
	guest "$(disk /srv/a.raw)"
	check 0
	same "$(verdict)" "differs not-mounted"
	printf '/dev/vdb1 /srv xfs noauto 0 2\n' >"$ROOT/etc/fstab"
	check 0
	same "$(verdict)" "ok null"
}

@test "reach: no account, a directory that the capture does not list -> exit 3, and what is missing is told" {
	object /srv dir 0755 0
	image /srv/a.raw 0644 107
	guest "$(disk /srv/a.raw)"
	rm "$ROOT/etc/passwd"
	check 3
	has "$(jq -r '.missing[].why' <<<"$output")" "neither libvirt-qemu nor qemu"
	run -3 --separate-stderr vd --root "$ROOT" selinux check a
	has "$output" "not all is known for 1 file"
	printf 'qemu:x:107:107::/:/bin/false\n' >"$ROOT/etc/passwd"
	check 0
	sed -i '/"path":"\/srv",/d' "$ROOT/virtdiag-manifest.jsonl"
	check 3
	has "$(jq -r '.missing[].why' <<<"$output")" "owner and mode are not known of /srv"
}

@test "reach: Debian's accounts -> libvirt-qemu with its groups" {
	printf 'libvirt-qemu:x:64055:36:Libvirt:/var/lib/libvirt:/usr/sbin/nologin\n' >>"$ROOT/etc/passwd"
	printf 'libvirt-qemu:x:64055:libvirt-qemu\n' >>"$ROOT/etc/group"
	printf '{"path":"/srv","type":"dir","mode":"0710","uid":0,"gid":36}\n' >>"$ROOT/virtdiag-manifest.jsonl"
	object /srv/b dir 0700 0
	image /srv/b/a.raw 0600 0
	guest "$(disk /srv/b/a.raw)"
	check 1
	same "$(fix 0)" "setfacl -m u:libvirt-qemu:x -- /srv/b"
	same "$(fix 1)" ""
}

@test "reach: wrong label and closed directory -> wrong, and both fixes" {
	object /srv dir 0700 0
	image /srv/a.raw 0600 1000 system_u:object_r:user_home_t:s0
	running "$(disk /srv/a.raw)"
	printf 'Uid:\t107\t107\t107\t107\nGid:\t107\t107\t107\t107\nGroups:\t107 \n' >"$ROOT/proc/4711/status"
	check 1
	same "$(verdict)" "wrong user-home"
	has "$(fix 0)" "chcon -t svirt_image_t"
	same "$(fix 1)" "setfacl -m u:qemu:x -- /srv"
	has "$(fix 2)" "setfacl -m u:qemu:rw -- /srv/a.raw"
}

@test "reach: loop of symlinks and hostile names -> no hang, no raw escapes" {
	object /srv dir 0755 0
	printf '{"path":"/srv/a.raw","type":"symlink","target":"b.raw"}\n{"path":"/srv/b.raw","type":"symlink","target":"a.raw"}\n' \
		>>"$ROOT/virtdiag-manifest.jsonl"
	guest "$(disk /srv/a.raw)"
	check 3
	printf '{"path":"/srv/\\u001b[31mx","type":"dir","mode":"0700","uid":0,"gid":0}\n' >>"$ROOT/virtdiag-manifest.jsonl"
	object '/srv/\u001b[31mx/a.raw' file 0644 107 ",\"xattrs\":{\"security.selinux\":\"$IMG\"}"
	printf '{"path":"/srv/l","type":"symlink","target":"\\u001b[31mx"}\n' >>"$ROOT/virtdiag-manifest.jsonl"
	guest "$(disk /srv/l/a.raw)"
	check 1
	same "$(verdict)" "denied dac-search"
	run -1 --separate-stderr vd --root "$ROOT" selinux check a
	hasnt "$output" $'\e'
}

# Three faults of a real host, with the labels, modes and <seclabel>s that it had; there the starts failed with
# "Failed to open file '/root/a.qcow2': Permission denied" and such.
debian() {
	printf 'root:x:0:0:root:/root:/bin/bash\nlibvirt-qemu:x:64055:106:Libvirt Qemu:/var/lib/libvirt:/usr/sbin/nologin\n' \
		>"$ROOT/etc/passwd"
	printf 'root:x:0:\nkvm:x:106:\nlibvirt-qemu:x:64055:libvirt-qemu\n' >"$ROOT/etc/group"
}
unlabelled_disk() { # unlabelled_disk PATH: the guest's disk keeps its label
	echo "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$1'>
		<seclabel model='selinux' relabel='no'/></source><target dev='vda'/></disk>"
}

@test "reach: captured fault, image in root's home without relabelling -> wrong, user-home, and the closed home" {
	debian
	object /root dir 0700 0
	image /root/a.qcow2 0666 0 unconfined_u:object_r:user_home_t:s0
	guest "$(unlabelled_disk /root/a.qcow2)"
	check 1
	same "$(verdict)" "wrong user-home"
	same "$(fix 1)" "setfacl -m u:libvirt-qemu:x -- /root"
}

@test "reach: captured fault, image below /home that is labelled at start -> unknown: only the policy knows of the daemon" {
	debian
	object /home dir 0755 0
	object /home/vmimg dir 0755 0
	image /home/vmimg/a3.qcow2 0644 0 unconfined_u:object_r:home_root_t:s0
	guest "$(disk /home/vmimg/a3.qcow2)"
	check 3
	same "$(verdict)" "unknown no-evidence"
	has "$(row reason)" "daemon"
}

@test "reach: captured fault, backing file of a home type without relabelling -> wrong, user-home, only its label" {
	debian
	object /srv dir 0755 0
	object /srv/b dir 0755 0
	image /srv/b/base.qcow2 0644 0 unconfined_u:object_r:user_home_t:s0
	image /srv/b/b1.qcow2 0644 0 unconfined_u:object_r:virt_image_t:s0
	guest "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/srv/b/b1.qcow2'/>
		<backingStore type='file'><format type='qcow2'/><source file='/srv/b/base.qcow2'>
		<seclabel model='selinux' relabel='no'/></source><backingStore/></backingStore><target dev='vda'/></disk>"
	check 1
	same "$(jq -r '.files[] | "\(.status) \(.reason_id)"' <<<"$output")" "ok null
wrong user-home"
	same "$(jq -r '.files[1].fix | length' <<<"$output")" 1
}

@test "reach: the emulator is on a noexec mount -> denied, its own row; of a running guest only differs" {
	object /srv dir 0755 0
	image /srv/a.raw 0600 107
	printf '21 20 8:2 / /usr rw,noexec - xfs /dev/vdb1 rw,seclabel\n' >>"$ROOT/proc/self/mountinfo"
	guest "$(disk /srv/a.raw)"
	check 1
	same "$(jq -r '.files[] | [.role, .target, .status, .reason_id // "-", .path] | join(" ")' <<<"$output")" \
		"disk vda ok - /srv/a.raw
other emulator denied mount-noexec /usr/bin/qemu-system-x86_64"
	same "$(jq -r '.files[1].fix[0] | (.command, .undo) | join(" ")' <<<"$output")" \
		"mount -o remount,exec -- /usr
mount -o remount,noexec -- /usr"
	run -1 --separate-stderr vd --root "$ROOT" selinux check a
	has "$output" "/usr, on which the emulator is, is mounted noexec"
	has "$output" "2 files: 1 ok, 1 denied. Directories, ACLs, mounts: 1 obstacle, see above."
	image /srv/b.raw 0600 107 "$IMG:c1,c2"
	running "$(disk /srv/b.raw)"
	check 0
	same "$(jq -r '.files[1] | [.target, .status, .reason_id] | join(" ")' <<<"$output")" "emulator differs mount-noexec"
}

@test "reach: the emulator is on a nosuid mount -> the policy decides, which a capture does not tell; nothing without SELinux" {
	object /srv dir 0755 0
	image /srv/a.raw 0600 107
	printf '21 20 8:2 / /usr rw,nosuid - xfs /dev/vdb1 rw,seclabel\n' >>"$ROOT/proc/self/mountinfo"
	guest "$(disk /srv/a.raw)"
	check 0
	same "$(jq -r '.files[1] | [.target, .status, .reason_id] | join(" ")' <<<"$output")" "emulator differs mount-nosuid"
	has "$(jq -r '.files[1].reason' <<<"$output")" "unless the policy has nosuid_transition"
	guest "$(disk /srv/a.raw)" "<seclabel type='none' model='selinux'/>"
	check 0
	same "$(jq -r '.files | length' <<<"$output")" 1
}

# tpm [MORE]: the guest a with an emulated TPM, its state in place; MORE goes to the line of the lock
tpm() {
	local state=/var/lib/libvirt/swtpm/11111111-2222-3333-4444-555555555501/tpm2
	mkdir -p "$ROOT$state" && : >"$ROOT$state/.lock" && : >"$ROOT$state/tpm2-00.permall"
	printf 'tss:x:102:106::/var/lib/tpm:/bin/false\nbob:x:1001:1001::/:/bin/false\n' >>"$ROOT/etc/passwd"
	printf 'tss:x:106:\nbob:x:1001:\n' >>"$ROOT/etc/group"
	object /var dir 0755 0
	object /var/lib dir 0755 0
	object /var/lib/libvirt dir 0755 0
	object /var/lib/libvirt/swtpm dir 0711 0
	object ${state%/*} dir "${1:-0711}" 0
	object $state dir 0700 102 ",\"xattrs\":{\"security.selinux\":\"$IMG\"}"
	image $state/.lock "${2:-0640}" 102
	image $state/tpm2-00.permall "${3:-0600}" 0
	guest "<tpm model='tpm-tis'><backend type='emulator' version='2.0'/></tpm>"
}

@test "reach: state of an emulated TPM -> ok: libvirt gives it to swtpm's user, the state may even be read-only" {
	tpm 0711 0600 0400
	check 0
	same "$(jq -r '.files[].status' <<<"$output" | sort -u)" ok
	run -0 --separate-stderr vd --root "$ROOT" selinux check a
	has "$output" "Directories, ACLs, mounts: ok."
}

@test "reach: the guest's directory of TPM states is closed -> denied for swtpm's user" {
	tpm 0700
	check 1
	same "$(jq -r '[.files[] | .status + " " + .reason_id] | unique | join(",")' <<<"$output")" "denied dac-search"
	has "$(row reason)" "swtpm (user tss) may not search /var/lib/libvirt/swtpm/11111111-2222-3333-4444-555555555501: mode 0700, owner root"
	same "$(fix)" "setfacl -m u:tss:x -- /var/lib/libvirt/swtpm/11111111-2222-3333-4444-555555555501"
	# it runs as root: nothing stops it
	qemu_conf 'swtpm_user = "root"' 'swtpm_group = "root"'
	check 0
	qemu_conf 'swtpm_user = "bob"' 'swtpm_group = "bob"'
	check 1
	has "$(row reason)" "swtpm (user bob)"
}

@test "reach: lock or state of a TPM whose owner lacks the right -> denied" {
	tpm 0711 0440 0000
	check 1
	same "$(jq -r '.files[] | [.status, .path] | join(" ")' <<<"$output" | grep -v '^ok ' | sed 's|/var.*/||')" \
		"denied .lock
denied tpm2-00.permall"
	same "$(jq -r '.files[] | select(.status == "denied") | .fix[0].command[1]' <<<"$output")" "u+w
u+r"
}
