#!/usr/bin/env bats
# `virtdiag selinux denials` where the kernel denies and auditd writes: who was denied is known from what the test did.
# shellcheck disable=SC2086 # our paths have no blanks
load helpers

teardown_file() {
	load helpers
	remove one two three
}

# locked NAME PROCESS FILE: a guest with a static label whose image has other categories
locked() {
	truncate -s 1M $IMAGES/$1.img
	chcon -t svirt_image_t -l "s0:$3" $IMAGES/$1.img
	define "$1" "$(disk $IMAGES/$1.img raw vda)" "<seclabel type='static' model='selinux' relabel='no'>
		<label>system_u:system_r:svirt_t:s0:$2</label></seclabel>"
}
denied() {
	json '.denials[] | select(.status == "denied") | '"$1"
}

@test "selinux denials: three guests fail at the same time -> each gets its own denial, path and reason" {
	locked one c7,c8 c5,c6
	locked two c17,c18 c15,c16
	# of this one the daemon itself is denied
	truncate -s 1M /root/three.img
	define three "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/root/three.img'>
		<seclabel model='selinux' relabel='no'/></source><target dev='vda' bus='virtio'/></disk>"
	local name
	for name in one two three; do
		(start $name >"$BATS_TEST_TMPDIR/$name" 2>&1 && echo started >>"$BATS_TEST_TMPDIR/$name") 3>&- &
	done
	wait
	for name in one two three; do has "$(cat "$BATS_TEST_TMPDIR/$name")" "ermission denied"; done
	run -1 --separate-stderr vd selinux denials one --json
	same "$(denied '[.guest, .comm, .kind, .cause_id, .path, .now] | join(" ")' | sort -u)" \
		"one qemu-system-x86 category category $IMAGES/one.img denied"
	run -1 --separate-stderr vd selinux denials two --json
	same "$(denied '[.guest, .comm, .kind, .cause_id, .path, .now] | join(" ")' | sort -u)" \
		"two qemu-system-x86 category category $IMAGES/two.img denied"
	run -1 --separate-stderr vd selinux denials three --json
	same "$(denied '[.guest, .comm, .tie, .kind, .cause_id, .path] | join(" ")' | sort -u)" \
		"three rpc-libvirtd file type home /root/three.img"
}

@test "selinux denials: the cause is mended -> the policy allows it now; nothing newer" {
	chcon -l s0:c7,c8 $IMAGES/one.img
	local since
	since=$(date +%s)
	start one
	run -0 --separate-stderr vd selinux denials one --since "@$since"
	run -1 --separate-stderr vd selinux denials one
	has "$output" "categories, not types"
}

@test "selinux denials: permissive -> permitted, and not a problem" {
	local since
	q destroy one
	chcon -l s0:c5,c6 $IMAGES/one.img
	since=$(date +%s)
	setenforce 0
	run -0 start one
	setenforce 1
	run -0 --separate-stderr vd selinux denials one --since "@$since" --json
	same "$(json '[.denials[] | select(.path == "'$IMAGES/one.img'") | .status] | unique | join(" ")')" permitted
}

# The last one: the machine is thrown away.
@test "selinux denials: auditd stops and its log is gone -> the records that the kernel prints to the journal" {
	local since path
	q destroy one || true
	chcon -l s0:c5,c6 $IMAGES/one.img
	setenforce 1
	kill "$(cat /run/auditd.pid)"
	for _ in {1..100}; do
		[ -e /run/auditd.pid ] || break
		sleep 0.1
	done
	mv /var/log/audit /root/audit.off
	since=$(date +%s)
	run -1 start one
	journalctl --sync
	run -1 --separate-stderr vd selinux denials one --since "@$since" --json
	same "$(json '.sources | join(" ")')" journal
	same "$(denied '[.guest, .kind] | join(" ")' | sort -u)" "one category"
	path=$(denied '.path' | sort -u)
	same "${path##*/}" one.img
}
