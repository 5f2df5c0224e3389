#!/usr/bin/env bats
# `virtdiag selinux check` on a host that enforces: healthy, and with the faults that a label rule or the question to the
# policy can name. libvirt sets the labels, the kernel denies; virtdiag must agree with both.
# Not here yet: faults of directories, owners and modes, and of the daemon's own domain.
# shellcheck disable=SC2001,SC2016,SC2086 # our paths have no blanks; names with $ in them
load helpers

setup_file() {
	load helpers
	qemu-img create -q -f qcow2 $IMAGES/base.qcow2 16M
	qemu-img create -q -f qcow2 -F qcow2 -b $IMAGES/base.qcow2 $IMAGES/web.qcow2
	truncate -s 1M $IMAGES/install.iso $IMAGES/shared.img
	define web "$(disk $IMAGES/web.qcow2 qcow2 vda)$(disk $IMAGES/install.iso raw vdb '<readonly/>')$(disk \
		$IMAGES/shared.img raw vdc '<shareable/>' | sed "s/type='raw'/& cache='none'/")"
	start web
}

teardown() {
	setenforce 1
	remove lock free next
	chcon -t virt_content_t -l s0 $IMAGES/base.qcow2
	chcon "$(image_label web)" $IMAGES/web.qcow2
}

# image_label GUEST: the label libvirt says it gave the guest's images
image_label() {
	q dumpxml "$1" | sed -n "/model='selinux'/,/<.seclabel>/s|.*<imagelabel>\(.*\)</imagelabel>|\1|p"
}

@test "vm: the machine enforces, the daemon is confined, the guest too" {
	run -0 getenforce
	same "$output" Enforcing
	has "$(tr -d '\0' <"/proc/$(cat /run/libvirtd.pid)/attr/current")" :virtd_t:
	has "$(tr -d '\0' <"/proc/$(cat /run/libvirt/qemu/web.pid)/attr/current")" :svirt_t:s0:c
}

@test "selinux check: healthy guest with overlay, backing file, read-only and shareable disk -> all ok" {
	run -0 --separate-stderr vd selinux check web --json
	same "$(json '.status')" ok
	same "$(json '.files[] | [.status, .role, .target, .expected, .path] | join(" ")')" \
		"ok disk vda $(image_label web) $IMAGES/web.qcow2
ok backing vda[1] system_u:object_r:virt_content_t:s0 $IMAGES/base.qcow2
ok disk vdb system_u:object_r:virt_content_t:s0 $IMAGES/install.iso
ok disk vdc system_u:object_r:svirt_image_t:s0 $IMAGES/shared.img"
	while read -r path actual; do same "$actual" "$(label "$path")"; done \
		< <(json '.files[] | .path + " " + .actual')
}

@test "selinux check: healthy guest -> the page says who is confined how" {
	local pid range
	pid=$(cat /run/libvirt/qemu/web.pid)
	range=$(image_label web | cut -d: -f4-)
	run -0 --separate-stderr vd selinux check web
	same "$(tr -s ' ' <<<"$output")" "web qemu $(q domstate web) pid $pid svirt_t:$range
host enforcing/default, driver selinux, libvirtd 9.0.0 in virtd_t

STATUS ROLE TARGET EXPECTED ACTUAL PATH
ok disk vda svirt_image_t:$range same $IMAGES/web.qcow2
ok backing vda[1] virt_content_t:s0 same $IMAGES/base.qcow2
ok disk vdb virt_content_t:s0 same $IMAGES/install.iso
ok disk vdc svirt_image_t:s0 same $IMAGES/shared.img

4 files: 4 ok. Directories, ACLs, mounts, open files: ok."
	same "$stderr" ""
}

@test "selinux check: backing file from a home directory, guest running -> wrong; the printed fix makes it ok" {
	chcon -t user_home_t $IMAGES/base.qcow2
	run -1 --separate-stderr vd selinux check web --json
	same "$(json '[.files[].status] | join(" ")')" "ok wrong ok ok"
	same "$(json '.files[1].reason_id')" user-home
	run -1 --separate-stderr vd selinux check web
	has "$output" "wrong: $IMAGES/base.qcow2"
	has "$output" "svirt_t may not read user_home_t"
	has "$output" "not   restorecon"
	# the line as a user would paste it; the remark stands behind five spaces
	bash -ec "$(sed -n 's/^  now   //; T; s/     .*//; p' <<<"$output")"
	same "$(label $IMAGES/base.qcow2)" system_u:object_r:virt_content_t:s0
	run -0 --separate-stderr vd selinux check web
}

@test "selinux check: the undo of a fix puts the old label back" {
	chcon -t user_home_t $IMAGES/base.qcow2
	run -1 --separate-stderr vd selinux check web --json
	fix $IMAGES/base.qcow2
	local undo
	mapfile -t undo < <(json '.files[1].fix[0].undo[]')
	"${undo[@]}"
	same "$(label $IMAGES/base.qcow2)" system_u:object_r:user_home_t:s0
}

@test "selinux check: restorecon on the disk of a running guest -> wrong, says so, fix gives its categories back" {
	restorecon -F $IMAGES/web.qcow2
	run -1 --separate-stderr vd selinux check web --json
	same "$(json '[.files[].status] | join(" ")')" "wrong ok ok ok"
	has "$(json '.files[0].reason')" restorecon
	fix $IMAGES/web.qcow2
	same "$(label $IMAGES/web.qcow2)" "$(image_label web)"
	run -0 --separate-stderr vd selinux check web
}

@test "selinux check: disk with another guest's categories, guest running -> wrong, category" {
	chcon -t svirt_image_t -l s0:c1000,c1001 $IMAGES/web.qcow2
	run -1 --separate-stderr vd selinux check web --json
	same "$(json '.files[0] | .status + " " + .reason_id')" "wrong category"
	fix $IMAGES/web.qcow2
	run -0 --separate-stderr vd selinux check web
}

@test "selinux check: static label, image of other categories -> wrong, and the start is denied; after the fix it starts" {
	truncate -s 1M $IMAGES/lock.img
	chcon -t svirt_image_t -l s0:c5,c6 $IMAGES/lock.img
	define lock "$(disk $IMAGES/lock.img raw vda)" "<seclabel type='static' model='selinux' relabel='no'>
		<label>system_u:system_r:svirt_t:s0:c7,c8</label></seclabel>"
	run -1 --separate-stderr vd selinux check lock --json
	same "$(json '.files[0] | [.status, .reason_id, .expected] | map(tostring) | join(" ")')" "wrong category null"
	start_fails lock start lock
	has "$output" "Permission denied"
	run -1 --separate-stderr vd selinux check lock --json
	fix $IMAGES/lock.img
	run -0 --separate-stderr vd selinux check lock
	run -0 start lock
	run -0 --separate-stderr vd selinux check lock
}

@test "selinux check: static label without relabelling, backing file of a home directory -> wrong, and the start is denied" {
	truncate -s 1M $IMAGES/lock.img
	qemu-img create -q -f qcow2 -F raw -b $IMAGES/lock.img $IMAGES/lock.qcow2
	chcon -t user_home_t -l s0 $IMAGES/lock.img
	chcon -t svirt_image_t -l s0:c7,c8 $IMAGES/lock.qcow2
	define lock "$(disk $IMAGES/lock.qcow2 qcow2 vda)" "<seclabel type='static' model='selinux' relabel='no'>
		<label>system_u:system_r:svirt_t:s0:c7,c8</label></seclabel>"
	run -1 --separate-stderr vd selinux check lock --json
	same "$(status $IMAGES/lock.qcow2) $(status $IMAGES/lock.img)" "untouched wrong"
	start_fails lock start lock
	has "$output" "ermission denied"
}

@test "selinux check: seclabel none -> unconfined, files untouched, nothing wrong" {
	truncate -s 1M $IMAGES/free.img
	define free "$(disk $IMAGES/free.img raw vda)" "<seclabel type='none' model='selinux'/>"
	local before
	before=$(label $IMAGES/free.img)
	start free
	has "$(tr -d '\0' <"/proc/$(cat /run/libvirt/qemu/free.pid)/attr/current")" :virtd_t:
	same "$(label $IMAGES/free.img)" "$before"
	run -0 --separate-stderr vd selinux check free --json
	same "$(json '.files[] | [.status, .expected, .path] | map(tostring) | join(" ")')" "untouched null $IMAGES/free.img"
	run -0 --separate-stderr vd selinux check free
	has "$output" "not confined by SELinux"
}

@test "selinux check: setenforce 0 -> the same faults only differ; with --strict they count" {
	setenforce 0
	run -0 --separate-stderr vd selinux check web
	has "$output" "permissive/default"
	chcon -t user_home_t $IMAGES/base.qcow2
	run -0 --separate-stderr vd selinux check web --json
	same "$(json '.files[1] | .status + " " + .reason_id')" "differs permissive"
	run -1 --separate-stderr vd selinux check web --strict
	setenforce 1
	run -1 --separate-stderr vd selinux check web --json
	same "$(json '.files[1] | .status + " " + .reason_id')" "wrong user-home"
}

@test "selinux check: guest shut off -> judged by what its next start does, categories are drawn then" {
	truncate -s 1M $IMAGES/next.img
	define next "$(disk $IMAGES/next.img raw vda)"
	run -0 --separate-stderr vd selinux check next --json
	same "$(json '.files[0] | [.status, .expected, .categories] | join(" ")')" \
		"ok system_u:object_r:svirt_image_t:s0 at-start"
	start next
	run -0 --separate-stderr vd selinux check next --json
	same "$(json '.files[0].expected')" "$(image_label next)"
	q destroy next
	run -0 --separate-stderr vd selinux check next
}

@test "selinux check: shut-off guest whose backing file is gone -> missing, and the start fails" {
	truncate -s 1M $IMAGES/next.img
	qemu-img create -q -f qcow2 -F raw -b $IMAGES/next.img $IMAGES/next.qcow2
	define next "$(disk $IMAGES/next.qcow2 qcow2 vda)"
	rm $IMAGES/next.img
	run -1 --separate-stderr vd selinux check next --json
	same "$(status $IMAGES/next.img)" missing
	run -1 start next
	has "$output" "$IMAGES/next.img"
}
