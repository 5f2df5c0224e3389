#!/usr/bin/env bats
# Protects `virtdiag selinux denials`: records of real denials tied to the right guest, explained, and hostile logs.

# shellcheck disable=SC2030,SC2031,SC2153 # variables of one test are meant for it alone
load helpers

HOST=$HOSTS/selinux-denials

setup() {
	ROOT=$BATS_TEST_TMPDIR/root
}
# host: a copy of the captured host without its log
host() {
	cp -r "$HOST" "$ROOT"
	rm "$ROOT"/var/log/audit/*
}
# avc PID COMM WHAT SUBJECT OBJECT CLASS [PERMISSIVE]: a record; each a second later than the one before
SECONDS_NOW=1795430000
avc() {
	SECONDS_NOW=$((SECONDS_NOW + 1))
	printf 'type=AVC msg=audit(%d.100:%d): avc:  denied  { read } for  pid=%d comm="%s" %s scontext=system_u:system_r:%s tcontext=system_u:object_r:%s tclass=%s permissive=%d\n' \
		$SECONDS_NOW $((SECONDS_NOW % 100000)) "$1" "$2" "$3" "$4" "$5" "$6" "${7:-0}" >>"$ROOT/var/log/audit/audit.log"
}
# virt TYPE GUEST TEXT: a record of libvirt
virt() {
	SECONDS_NOW=$((SECONDS_NOW + 1))
	printf "type=%s msg=audit(%d.100:%d): pid=463 uid=0 auid=4294967295 ses=4294967295 subj=system_u:system_r:virtd_t:s0 msg='virt=qemu vm=\"%s\" uuid=11111111-2222-3333-4444-0000000000%s %s exe=\"/usr/sbin/libvirtd\" hostname=? addr=? terminal=? res=success'\n" \
		"$1" $SECONDS_NOW $((SECONDS_NOW % 100000)) "$2" "$(printf '%s' "$2" | od -An -tx1 | tr -d ' \n' | head -c 2)" "$3" >>"$ROOT/var/log/audit/audit.log"
}
label() { virt VIRT_MACHINE_ID "$1" "vm-ctx=system_u:system_r:svirt_t:s0:$2 img-ctx=system_u:object_r:svirt_image_t:s0:$2 model=selinux"; }
# running NAME CATEGORIES PID [SINCE]: a status XML
running() {
	mkdir -p "$ROOT/run/libvirt/qemu"
	cat >"$ROOT/run/libvirt/qemu/$1.xml" <<-X
		<domstatus state='running' reason='booted' pid='$3'><domain type='kvm' id='1'><name>$1</name>
		<uuid>11111111-2222-3333-4444-0000000000ff</uuid><memory>1</memory><os><type>hvm</type></os><devices/>
		<seclabel type='dynamic' model='selinux' relabel='yes'><label>system_u:system_r:svirt_t:s0:$2</label>
		<imagelabel>system_u:object_r:svirt_image_t:s0:$2</imagelabel></seclabel></domain></domstatus>
	X
}
rows() { json ".denials[] | $1"; }

@test "selinux denials: five faults of a real host -> each at its guest, with path, cause and count" {
	run -1 --separate-stderr vd --root "$HOST" --json selinux denials
	same "$(rows 'select(.status == "denied") | [.guest, .tie, .count, .comm, .access[0], .kind, .cause_id, .path] | map(tostring) | join(" ")')" \
"a1 name 1 rpc-libvirtd read type home /root/a.qcow2
a2 record 1 qemu-system-x86 read category category /var/lib/libvirt/images/a2.qcow2
a3 name 1 rpc-libvirtd read type home /home/vmimg/a3.qcow2
b1 file 2 rpc-libvirtd getattr type home /srv/b/base.qcow2
b2 pid 3 qemu-system-x86 getattr type default-label /var/lib/libvirt/images/b2.qcow2
b2 pid 1 qemu-system-x86 read type default-label b2.qcow2" || {
		rows '[.guest, .tie] | join(" ")'
		false
	}
	same "$(rows 'select(.status == "harmless") | .cause_id' | sort -u)" sysfs-probe
	same "$(json '.status')" problems
	same "$(json '.sources | join(" ")')" "/var/log/audit/audit.log.1 /var/log/audit/audit.log"
	same "$stderr" ""
}

@test "selinux denials GUEST: only what is tied to it; the page says why and where to look" {
	run -1 --separate-stderr vd --root "$HOST" selinux denials a2
	same "$output" "$(cat "$BATS_TEST_DIRNAME/data/selinux/denials-a2.txt")"
	run -2 --separate-stderr vd --root "$HOST" selinux denials a2 --all
	run -3 --separate-stderr vd --root "$HOST" selinux denials nosuch
}

@test "selinux denials --since: older ones are left out" {
	run -1 --separate-stderr vd --root "$HOST" --json selinux denials --since '2026-11-23 10:09:40 UTC'
	same "$(rows '.guest' | sort -u)" "b1
b2"
	run -0 --separate-stderr vd --root "$HOST" selinux denials --since '2026-11-24 UTC'
	has "$output" "0 denials"
	has "$output" "semodule -DB"
	run -2 --separate-stderr vd --root "$HOST" selinux denials --since noon
	has "$stderr" "no time"
}

@test "selinux denials: a pair that went to another guest -> the guest that had it then, by libvirt's records" {
	host
	label old c1,c2
	avc 800 qemu-kvm 'name="a.img" dev="dm-0" ino=7' svirt_t:s0:c1,c2 user_home_t:s0 file
	virt VIRT_CONTROL old 'op=stop reason=shutdown vm-pid=0'
	SECONDS_NOW=$((SECONDS_NOW + 60))
	label new c1,c2
	avc 900 qemu-kvm 'name="b.img" dev="dm-0" ino=8' svirt_t:s0:c1,c2 user_home_t:s0 file
	running new c1,c2 900
	run -1 --separate-stderr vd --root "$ROOT" --json selinux denials
	same "$(rows '[.guest, .tie, .path] | join(" ")')" "old record a.img
new record b.img"
}

@test "selinux denials: two guests fail at the same time -> each gets its own, whatever the order of the records" {
	host
	label one c1,c2
	label two c3,c4
	avc 801 qemu-kvm 'name="two.img" dev="dm-0" ino=8' svirt_t:s0:c3,c4 user_home_t:s0 file
	avc 800 qemu-kvm 'name="one.img" dev="dm-0" ino=7' svirt_t:s0:c1,c2 user_home_t:s0 file
	avc 801 qemu-kvm 'name="two.img" dev="dm-0" ino=8' svirt_t:s0:c3,c4 user_home_t:s0 file
	run -1 --separate-stderr vd --root "$ROOT" --json selinux denials
	same "$(rows '[.guest, .count, .path] | map(tostring) | join(" ")' | sort)" "one 1 one.img
two 2 two.img"
}

@test "selinux denials: no records of libvirt -> by the label and process of now, but not across a later start" {
	host
	avc 4711 qemu-kvm 'name="x" dev="dm-0" ino=7' svirt_t:s0:c8,c9 user_home_t:s0 file
	running web c8,c9 4711
	run -1 --separate-stderr vd --root "$ROOT" --json selinux denials
	same "$(rows '[.guest, .tie] | join(" ")')" "web label"
	# the process began an hour later than the denial
	mkdir -p "$ROOT/proc/4711"
	printf "ctxt 1\nbtime %d\n" $((SECONDS_NOW + 3000)) >"$ROOT/proc/stat"
	echo '4711 (qemu-kvm) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 60000 0 0' >"$ROOT/proc/4711/stat"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux denials
	same "$(rows '[.guest, .tie] | map(tostring) | join(" ")')" "null null"
	has "$(rows '.note')" "belong to web now, which started later"
}

@test "selinux denials: category denial -> whose categories the object carries" {
	host
	label one c1,c2
	label two c3,c4
	avc 800 qemu-kvm 'path="/srv/two.img" dev="dm-0" ino=7' svirt_t:s0:c1,c2 svirt_image_t:s0:c3,c4 file
	avc 463 rpc-virtqemud 'path="/srv/two.img" dev="dm-0" ino=7' virtqemud_t:s0 svirt_image_t:s0:c3,c4 file
	run -1 --separate-stderr vd --root "$ROOT" --json selinux denials
	same "$(rows '[.guest, .tie, .kind, .note] | map(tostring) | join(" ")')" \
		"one record category the object carries the categories of two (then)
two object type null"
}

@test "selinux denials: permissive=1 -> permitted, exit 0; with --strict 1" {
	host
	label one c1,c2
	avc 800 qemu-kvm 'name="a.img" dev="dm-0" ino=7' svirt_t:s0:c1,c2 user_home_t:s0 file 1
	run -0 --separate-stderr vd --root "$ROOT" --json selinux denials
	same "$(rows '.status')" permitted
	run -1 --separate-stderr vd --root "$ROOT" selinux denials --strict
}

@test "selinux denials: files on NFS -> the boolean, only where the policy has it and it is off" {
	host
	label one c1,c2
	avc 800 qemu-kvm 'name="a.img" dev="0:53" ino=7' svirt_t:s0:c1,c2 nfs_t:s0 file
	run -1 --separate-stderr vd --root "$ROOT" --json selinux denials
	same "$(rows '.fix[0] | (.command + .undo) | join(" ")')" "setsebool -P virt_use_nfs on setsebool -P virt_use_nfs off"
	mkdir -p "$ROOT/sys/fs/selinux/booleans"
	run -1 --separate-stderr vd --root "$ROOT" selinux denials
	has "$output" "this policy has no boolean virt_use_nfs"
	echo '1 1' >"$ROOT/sys/fs/selinux/booleans/virt_use_nfs"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux denials
	same "$(rows '.fix | length')" 0
	echo '0 0' >"$ROOT/sys/fs/selinux/booleans/virt_use_nfs"
	run -1 --separate-stderr vd --root "$ROOT" selinux denials
	has "$output" "now   setsebool -P virt_use_nfs on"
}

@test "selinux denials: names in hex, with blanks, quotes and escapes -> decoded, never raw on the terminal" {
	host
	label one c1,c2
	avc 800 qemu-kvm "path=2F7372762F61206222 dev=\"dm-0\" ino=7" svirt_t:s0:c1,c2 user_home_t:s0 file
	avc 800 qemu-kvm "path=2F7372762F1B5B33316D dev=\"dm-0\" ino=8" svirt_t:s0:c1,c2 user_home_t:s0 file
	run -1 --separate-stderr vd --root "$ROOT" --json selinux denials
	same "$(rows '.path | @json')" '"/srv/a b\""
"/srv/\u001b[31m"'
	run -1 --separate-stderr vd --root "$ROOT" selinux denials
	has "$output" '/srv/\e[31m'
	hasnt "$output" $'\e'
}

@test "selinux denials: PATH records of the same event -> the whole path" {
	host
	label one c1,c2
	cat >>"$ROOT/var/log/audit/audit.log" <<-'X'
		type=AVC msg=audit(1795430100.100:900): avc:  denied  { open } for  pid=800 comm="qemu-kvm" name="a.img" dev="dm-0" ino=77 scontext=system_u:system_r:svirt_t:s0:c1,c2 tcontext=system_u:object_r:var_t:s0 tclass=file permissive=0
		type=AVC msg=audit(1795430100.100:901): avc:  denied  { open } for  pid=800 comm="qemu-kvm" name="b.img" dev="dm-0" ino=78 scontext=system_u:system_r:svirt_t:s0:c1,c2 tcontext=system_u:object_r:var_t:s0 tclass=file permissive=0
		type=SYSCALL msg=audit(1795430100.100:900): arch=c000003e syscall=257 success=no exit=-13 items=2 ppid=1 pid=800 comm="qemu-kvm" exe="/usr/libexec/qemu-kvm" subj=system_u:system_r:svirt_t:s0:c1,c2 key=(null)
		type=CWD msg=audit(1795430100.100:900): cwd="/"
		type=PATH msg=audit(1795430100.100:900): item=0 name="/data/" inode=12 dev=fd:00 mode=040755 nametype=PARENT
		type=PATH msg=audit(1795430100.100:900): item=1 name="/data/a.img" inode=77 dev=fd:00 mode=0100644 nametype=NORMAL
	X
	run -1 --separate-stderr vd --root "$ROOT" --json selinux denials
	same "$(rows '[.path, .exe] | map(tostring) | join(" ")')" "b.img null
/data/a.img /usr/libexec/qemu-kvm"
}

@test "selinux denials: no auditd -> records of the kernel in syslog, behind any prefix" {
	host
	printf '%s\n' 'Nov 23 10:09:26 lab kernel: [   12.345678] audit: type=1400 audit(1795428566.716:58): avc:  denied  { read } for  pid=662 comm="qemu-system-x86" name="a2.qcow2" dev="vda" ino=18315 scontext=system_u:system_r:svirt_t:s0:c7,c8 tcontext=unconfined_u:object_r:svirt_image_t:s0:c5,c6 tclass=file permissive=0' \
		>"$ROOT/var/log/kern.log"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux denials
	same "$(rows '[.guest, .tie, .last, .path] | join(" ")')" "a2 label 2026-11-23T10:09:26Z /var/lib/libvirt/images/a2.qcow2"
	same "$(json '.sources[0]')" /var/log/kern.log
}

# The journals were made by systemd-journal-remote of hand-written entries in journalctl's export format.
@test "selinux denials: no auditd -> records that journald has read, once each though the kernel printed one as well; --since" {
	host
	mkdir -p "$ROOT/var/log/journal/11112222333344445555666677778888"
	local journal=$ROOT/var/log/journal/11112222333344445555666677778888/system.journal
	xz -dc "$BATS_TEST_DIRNAME/data/selinux/audit.journal.xz" >"$journal"
	# what rsyslog wrote of the same is not counted again
	echo 'Nov 23 10:09:26 lab kernel: audit: type=1400 audit(1795428566.716:58): avc:  denied  { read } for  pid=662 comm="qemu-system-x86" name="a2.qcow2" dev="vda" ino=18315 scontext=system_u:system_r:svirt_t:s0:c7,c8 tcontext=unconfined_u:object_r:svirt_image_t:s0:c5,c6 tclass=file permissive=0' \
		>"$ROOT/var/log/kern.log"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux denials
	same "$(json '.sources | join(" ")')" journal
	same "$(rows '[.guest, .count, .last, .exe, .path] | map(tostring) | join(" ")')" \
		"a2 1 2026-11-23T10:09:26Z /usr/bin/qemu-system-x86_64 /var/lib/libvirt/images/a2.qcow2
a2 1 2026-11-23T11:09:26Z null b2.qcow2"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux denials --since @1795428567
	same "$(rows '.path')" b2.qcow2
	run -1 --separate-stderr vd --root "$ROOT" selinux denials
	has "$output" "2 denials of guests and of libvirt in journal."
	# auditd's log comes first
	: >"$ROOT/var/log/audit/audit.log"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux denials
	same "$(json '.sources | join(" ")')" /var/log/audit/audit.log
}

@test "selinux denials: a journal with what the kernel printed alone -> its records; without any -> the next log; broken -> said" {
	host
	mkdir -p "$ROOT/run/log/journal/1"
	xz -dc "$BATS_TEST_DIRNAME/data/selinux/kernel.journal.xz" >"$ROOT/run/log/journal/1/system.journal"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux denials
	same "$(json '.sources | join(" ")')" journal
	same "$(rows '[.guest, .count, .last, .exe] | map(tostring) | join(" ")')" "a2 1 2026-11-23T10:09:26Z /usr/bin/qemu-system-x86_64"
	xz -dc "$BATS_TEST_DIRNAME/data/logs/virtqemud.journal.xz" >"$ROOT/run/log/journal/1/system.journal"
	: >"$ROOT/var/log/messages"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux denials
	same "$(json '.sources | join(" ")')" /var/log/messages
	echo rubbish >"$ROOT/run/log/journal/1/system.journal"
	rm "$ROOT/var/log/messages"
	run -3 --separate-stderr vd --root "$ROOT" --json selinux denials
	has "$(json '.missing[0].why')" "cannot read the journal"
}

@test "selinux denials --log: the journal's form, and a bare quotation, from standard input" {
	local text='audit[208]: AVC avc:  denied  { read } for  pid=1 comm="x" scontext=system_u:system_r:virtqemud_t:s0 tcontext=system_u:object_r:nfs_t:s0 tclass=file permissive=0'
	run -1 --separate-stderr vd --root "$HOST" --json selinux denials --log - <<<"Nov 23 10:04:54 lab $text"
	same "$(rows '[.status, .cause_id, .last] | map(tostring) | join(" ")')" "denied nfs null"
	run -1 --separate-stderr vd --root "$HOST" --json selinux denials --log - <<<"> ${text#*AVC }"
	same "$(rows '.cause_id')" nfs
	run -3 --separate-stderr vd --root "$HOST" selinux denials --log "$BATS_TEST_TMPDIR/none"
	has "$stderr" "cannot open"
}

@test "selinux denials: no log at all, a log that is no file -> missing, exit 3" {
	host
	run -3 --separate-stderr vd --root "$ROOT" --json selinux denials
	has "$(json '.missing[0].why')" "no audit log"
	mkfifo "$ROOT/var/log/audit/audit.log"
	run -3 --separate-stderr vd --root "$ROOT" selinux denials
	has "$stderr" "audit.log"
}

@test "selinux denials: hostile lines -> left out and counted; what is whole still counts" {
	host
	label one c1,c2
	{
		printf 'type=AVC msg=audit(x): avc: denied\n'
		printf 'type=AVC msg=audit(1795430100.100:1): avc:  denied  { read } for  pid=1 comm="x" tclass=file\n'
		printf 'type=AVC msg=audit(1795430100.100:2): %0100000d\n' 0
		printf 'type=AVC\0msg=audit(1795430100.100:3): avc:\n'
		printf 'type=PATH msg=audit(1795430100.100:4): item=0 name="/x" inode=1\n'
		head -c 300000 /dev/zero | tr '\0' 'A'
		printf '\n'
	} >>"$ROOT/var/log/audit/audit.log"
	avc 800 qemu-kvm 'name="a.img" dev="dm-0" ino=7' svirt_t:s0:c1,c2 user_home_t:s0 file
	run -1 --separate-stderr vd --root "$ROOT" --json selinux denials
	same "$(rows '[.guest, .path] | join(" ")')" "one a.img"
	[ "$(json '.damaged_lines')" -ge 3 ]
}

@test "selinux denials: a flood of one denial -> one row with its count" {
	host
	label one c1,c2
	local i
	for i in $(seq 3000); do
		printf 'type=AVC msg=audit(1795430100.%03d:%d): avc:  denied  { getattr } for  pid=800 comm="qemu-kvm" path="/srv/x" dev="dm-0" ino=7 scontext=system_u:system_r:svirt_t:s0:c1,c2 tcontext=system_u:object_r:virt_image_t:s0 tclass=file permissive=0\n' $((i % 1000)) "$i"
	done >>"$ROOT/var/log/audit/audit.log"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux denials
	same "$(rows '[.guest, .count] | map(tostring) | join(" ")')" "one 3000"
}

@test "selinux denials: more different ones than are kept -> JSON and text say how many are missing" {
	host
	awk 'BEGIN { for (i = 0; i < 20100; i++) printf "type=AVC msg=audit(1795430000.100:%d): avc:  denied  { read } for  pid=%d comm=\"qemu\" name=\"f%d\" scontext=system_u:system_r:svirt_t:s0:c1,c2 tcontext=system_u:object_r:user_home_t:s0 tclass=file permissive=0\n", i, i + 10, i }' \
		>"$ROOT/var/log/audit/audit.log"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux denials
	same "$(json '.denials | length')" 20000
	same "$(json '.missing[] | .what + ": " + .why')" "denials: 100 left out: there are more than 20000 different ones"
	run -1 --separate-stderr vd --root "$ROOT" selinux denials
	has "$output" "100 left out: there are more than 20000 different ones."
}

@test "selinux denials: --log of what cannot be read -> it is named" {
	run -3 --separate-stderr vd --root "$HOST" selinux denials --log "$BATS_TEST_TMPDIR"
	has "$stderr" "$BATS_TEST_TMPDIR"
	has "$stderr" "Is a directory"
}
