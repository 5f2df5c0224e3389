#!/usr/bin/env bats
# Protects `virtdiag selinux trace`: labels out of libvirt's debug log, given to their guests, compared with the XML and
# with what is there now; logs as they are, and pieces of them as people paste them. A real log, of a host that enforces,
# is read by tests/vm/svirt.bats.

load helpers

LOG=$BATS_TEST_DIRNAME/data/selinux/trace-two-guests.log

t() {
	vd --root "$HOSTS/faulty-backing" selinux trace "$@"
}
rows() {
	json '.labels[] | [.guest, .action, .status, .target, .path] | map(. // "-") | join(" ")'
}

@test "trace: two guests at the same time -> each label with its guest, everything expected is present" {
	run -0 --separate-stderr t "$LOG"
	same "$(tr -s ' ' <<<"$output")" "TIME GUEST ACTION STATUS TARGET LABEL NEEDED NOW PATH
2024-10-18 09:31:41Z web01 drawn - - svirt_image_t:s0:c705,c881 - - -
2024-10-18 09:31:41Z db01 drawn - - svirt_image_t:s0:c12,c34 - - -
2024-10-18 09:31:42Z web01 set ok vda svirt_image_t:s0:c705,c881 - same /var/lib/libvirt/images/web01.qcow2
2024-10-18 09:31:42Z db01 set - vda svirt_image_t:s0:c12,c34 - - /var/lib/libvirt/images/db01.raw
2024-10-18 09:31:42Z web01 set ok vda[1] virt_content_t:s0 - user_home_t:s0 /srv/base/f42.qcow2
2024-10-18 09:31:42Z db01 set - - svirt_image_t:s0:c12,c34 - - /var/lib/libvirt/qemu/domain-2-db01/master-key.aes
2024-10-18 09:31:43Z web01 set fd - - svirt_image_t:s0:c705,c881 - - (fd 31)
2024-10-18 09:35:10Z db01 restore - vda - - virt_image_t:s0 /var/lib/libvirt/images/db01.raw

everything expected is present: each file of the 2 guests whose start is in the log was labelled"
	same "$stderr" ''
}

@test "trace: a file that got no label -> missing, exit 1" {
	grep -v f42 "$LOG" >"$BATS_TEST_TMPDIR/log"
	run -1 --separate-stderr t "$BATS_TEST_TMPDIR/log" --json
	same "$(rows | tail -n 1)" 'web01 none missing vda[1] /srv/base/f42.qcow2'
	same "$(json '.labels[-1] | [.needed, .now] | join(" ")')" 'system_u:object_r:virt_content_t:s0 system_u:object_r:user_home_t:s0'
	run -1 --separate-stderr t "$BATS_TEST_TMPDIR/log"
	has "$output" 'missing: 1 file of the XML got no label'
}

@test "trace: a start without any path, as libvirt logs it with a private /dev -> unknown, exit 3" {
	grep -v 'Setting SELinux context on .*/' "$LOG" >"$BATS_TEST_TMPDIR/log"
	run -3 --separate-stderr t "$BATS_TEST_TMPDIR/log" --json
	same "$(json .status)" unknown
	same "$(rows | tail -n 3)" 'web01 none - vda[1] /srv/base/f42.qcow2
db01 none - vda /var/lib/libvirt/images/db01.raw
web01 none - vda /var/lib/libvirt/images/web01.qcow2'
	run -3 --separate-stderr t "$BATS_TEST_TMPDIR/log"
	has "$output" 'but no path: this libvirt labels in a process'
}

# The two logs of one real start of two guests: libvirt 9.0.0 with log_level = 2 and a private /dev.
@test "trace: a real log and its journal -> labels out of both, whose categories out of the first" {
	local root=$BATS_TEST_TMPDIR/root data=$BATS_TEST_DIRNAME/data/selinux
	mkdir -p "$root/etc/libvirt/qemu"
	cat >"$root/etc/libvirt/qemu/two.xml" <<-'X'
		<domain type='qemu'><name>two</name><devices><disk type='file'><driver name='qemu' type='raw'/>
		<source file='/var/lib/libvirt/images/two.img'/><target dev='vda'/></disk></devices></domain>
	X
	run -0 --separate-stderr vd --root "$root" selinux trace "$data/trace-real.log" "$data/trace-journal.log" --json
	same "$(rows | sort | uniq -c | sed 's/^ *//')" "1 two drawn - - -
1 two set - - /var/lib/libvirt/qemu/channel/target/domain-1-two
1 two set - - /var/lib/libvirt/qemu/domain-1-two
1 two set - - /var/lib/libvirt/qemu/domain-1-two/master-key.aes
1 two set ok vda /var/lib/libvirt/images/two.img
2 two socket - - -
1 web drawn - - -
1 web set - - /var/lib/libvirt/images/base.qcow2
1 web set - - /var/lib/libvirt/images/install.iso
1 web set - - /var/lib/libvirt/images/it's a 'disk'.img
1 web set - - /var/lib/libvirt/images/web.qcow2
1 web set - - /var/lib/libvirt/qemu/channel/target/domain-2-web
1 web set - - /var/lib/libvirt/qemu/domain-2-web
1 web set - - /var/lib/libvirt/qemu/domain-2-web/master-key.aes
2 web socket - - -"
	run -3 --separate-stderr vd --root "$root" selinux trace "$data/trace-real.log"
	has "$output" 'the start of 1 guest, but no path'
}

@test "trace: another label than the XML needs -> differs, a warning" {
	sed 's/virt_content_t/virt_image_t/' "$LOG" >"$BATS_TEST_TMPDIR/log"
	run -0 --separate-stderr t "$BATS_TEST_TMPDIR/log" --json
	same "$(json '.labels[] | select(.status == "differs") | [.label, .needed, .now] | join(" ")')" \
		'system_u:object_r:virt_image_t:s0 system_u:object_r:virt_content_t:s0 system_u:object_r:user_home_t:s0'
	run -1 --separate-stderr t --strict "$BATS_TEST_TMPDIR/log"
}

@test "trace: what libvirt could not label -> failed with the reason; without labels it goes on" {
	cat >"$BATS_TEST_TMPDIR/log" <<-'X'
		2024-10-18 09:31:42.200+0000: 900: error : virSecuritySELinuxSetFileconImpl:1270 : unable to set security context 'system_u:object_r:virt_content_t:s0' on '/srv/base/f42.qcow2': Operation not permitted
		2024-10-18 09:31:42.300+0000: 900: info : virSecuritySELinuxSetFileconImpl:1290 : Setting security context 'system_u:object_r:svirt_image_t:s0:c1,c2' on '/nfs/x.img' not supported. Consider setting virt_use_nfs
		2024-10-18 09:31:42.400+0000: 900: error : virSecuritySELinuxRememberLabel:270 : Setting different SELinux label on /srv/shared.img which is already in use
	X
	run -1 --separate-stderr t "$BATS_TEST_TMPDIR/log"
	has "$output" 'failed: /srv/base/f42.qcow2 could not get virt_content_t:s0: Operation not permitted'
	has "$output" 'failed: /srv/shared.img is in use by another guest'
	run -1 --separate-stderr t "$BATS_TEST_TMPDIR/log" --json
	same "$(rows)" 'web01 failed failed vda[1] /srv/base/f42.qcow2
web01 unsupported - - /nfs/x.img
web01 in use failed - /srv/shared.img'
}

@test "trace: pasted pieces: quoting marks, journal's prefix, without head, Windows line ends, old functions" {
	run -0 --separate-stderr t - <<-X
		> 2024-10-18 09:31:42.200+0000: 900: info : virSecuritySELinuxSetFileconHelper:1105 : Setting SELinux context on '/var/lib/libvirt/images/web01.qcow2' to 'system_u:object_r:svirt_image_t:s0:c705,c881'
		Oct 18 09:31:42 host libvirtd[470]: Setting SELinux context on '/srv/base/f42.qcow2' to 'system_u:object_r:virt_content_t:s0'
		    09:31:42.200: 900: info : SELinuxSetFilecon:310 : Setting SELinux context on '/old.img' to 'system_u:object_r:svirt_image_t:s0:c705,c881'
		Setting SELinux context on '/it's here.img' to 'system_u:object_r:svirt_image_t:s0:c705,c881'$(printf '\r')
		and some words: Restoring SELinux context on '/gone.img'
	X
	has "$output" 'the log holds no start of a guest of this host'
	run -0 --separate-stderr t --json - <<-X
		> 2024-10-18 09:31:42.200+0000: 900: info : virSecuritySELinuxSetFileconHelper:1105 : Setting SELinux context on '/var/lib/libvirt/images/web01.qcow2' to 'system_u:object_r:svirt_image_t:s0:c705,c881'
		Oct 18 09:31:42 host libvirtd[470]: Setting SELinux context on '/srv/base/f42.qcow2' to 'system_u:object_r:virt_content_t:s0'
		    09:31:42.200: 900: info : SELinuxSetFilecon:310 : Setting SELinux context on '/old.img' to 'system_u:object_r:svirt_image_t:s0:c705,c881'
		Setting SELinux context on '/it's here.img' to 'system_u:object_r:svirt_image_t:s0:c705,c881'$(printf '\r')
		and some words: Restoring SELinux context on '/gone.img'
	X
	same "$(rows)" "web01 set ok vda /var/lib/libvirt/images/web01.qcow2
web01 set ok vda[1] /srv/base/f42.qcow2
web01 set - - /old.img
web01 set - - /it's here.img
- restore - - /gone.img"
}

@test "trace: control bytes and NUL in paths, a very long line, an empty log -> no escape, no crash" {
	{
		printf "Setting SELinux context on '/a\e[31m\0b' to 'u:object_r:svirt_image_t:s0'\n"
		head -c 300000 /dev/zero | tr '\0' x
		printf '\n'
	} >"$BATS_TEST_TMPDIR/log"
	run -0 --separate-stderr t "$BATS_TEST_TMPDIR/log"
	has "$output" '/a\e[31m'
	: >"$BATS_TEST_TMPDIR/log"
	run -0 --separate-stderr t "$BATS_TEST_TMPDIR/log" --json
	same "$(json '.labels')" '[]'
}
