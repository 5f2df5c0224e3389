#!/usr/bin/env bats
# `virtdiag selinux check` on a host that enforces: --fix, and what is not in a label: snapshots, replaced images, equal
# categories, libvirt's notes, the daemon's own domain. libvirt and the kernel are the oracle.
# shellcheck disable=SC2001,SC2016,SC2086,SC2154 # our paths have no blanks; names with $ in them; run's variables
load helpers

setup_file() {
	load helpers
	qemu-img create -q -f qcow2 $IMAGES/base.qcow2 16M
	qemu-img create -q -f qcow2 -F qcow2 -b $IMAGES/base.qcow2 $IMAGES/web.qcow2
	define web "$(disk $IMAGES/web.qcow2 qcow2 vda)"
	start web
}

teardown() {
	remove one two
}

image_label() {
	q dumpxml "$1" | sed -n "/model='selinux'/,/<.seclabel>/s|.*<imagelabel>\(.*\)</imagelabel>|\1|p"
}
domain_of() { # domain_of PIDFILE: type of the process
	tr -d '\0' <"/proc/$(cat "$1")/attr/current" | cut -d: -f3
}
# now: runs what the last page says to do, line by line, as a user would
now() {
	local command
	while read -r command; do
		echo "# $command"
		bash -ec "$command" || return
	done < <(sed -n '/^  now   /,/^  \(undo\|or\|keep\|not\) /{s/^  now   //; /^  \(undo\|or\|keep\|not\) /d; s/^ *//; s/     .*//; p}' <<<"$output")
}

@test "selinux check --fix: backing file from a home directory, image relabelled by restorecon -> set, exit 0; the undo takes it back" {
	chcon -t user_home_t $IMAGES/base.qcow2
	restorecon -F $IMAGES/web.qcow2
	local before
	before=$(label $IMAGES/web.qcow2)
	run -1 --separate-stderr vd selinux check --fix --dry-run web --json
	same "$(json '[.changes[].done] | unique | map(tostring) | join(" ")')" false
	same "$(label $IMAGES/base.qcow2 | cut -d: -f3)" user_home_t
	# what restorecon would set is what restorecon says
	same "$(json '.files[] | [.path, .reason_id, .default] | join(" ")')" \
		"$IMAGES/web.qcow2 relabelled $(matchpathcon -n $IMAGES/web.qcow2)
$IMAGES/base.qcow2 user-home $(matchpathcon -n $IMAGES/base.qcow2)"
	run -0 --separate-stderr vd selinux check --fix web --json
	same "$(json '.changes[] | [.target, (.done | tostring)] | join(" ")')" "$IMAGES/web.qcow2 true
$IMAGES/base.qcow2 true"
	same "$(json '[.files[].status] | unique | join(" ")')" ok
	same "$(label $IMAGES/web.qcow2)" "$(image_label web)"
	same "$(label $IMAGES/base.qcow2)" system_u:object_r:virt_content_t:s0
	local undo wanted
	# the file with the labels from before brings both back
	wanted=$(label $IMAGES/web.qcow2)
	mapfile -t undo < <(json '.backup.undo[]')
	same "$(json '[.changes[].backup] | unique | join(" ")')" "$(json .backup.path)"
	"${undo[@]}"
	same "$(label $IMAGES/web.qcow2)" "$before"
	same "$(label $IMAGES/base.qcow2 | cut -d: -f3)" user_home_t
	chcon "$wanted" $IMAGES/web.qcow2
	chcon system_u:object_r:virt_content_t:s0 $IMAGES/base.qcow2
	mapfile -t undo < <(json '.changes[0].undo[]')
	"${undo[@]}"
	same "$(label $IMAGES/web.qcow2)" "$before"
	run -0 --separate-stderr vd selinux check --fix web
	has "$output" "undo  chcon"
	has "$output" "all of them back: setfattr --restore=/var/lib/virtdiag/labels."
	run -0 --separate-stderr vd selinux check --fix web --json
	same "$(json '.changes | length')" 0
}

@test "selinux check: a snapshot of the running guest -> the old top differs and is explained, exit 0" {
	q snapshot-create-as web --no-metadata --disk-only --diskspec vda,file=$IMAGES/snap.qcow2
	run -0 --separate-stderr vd selinux check web --json
	same "$(json '.files[] | [.target, .status] | join(" ")')" "vda ok
vda[1] differs
vda[2] ok"
	has "$(json '.files[1].reason')" "before a snapshot"
	q blockcommit web vda --shallow --active --pivot --wait
	run -0 --separate-stderr vd selinux check web --json
	same "$(json '.files[] | [.target, .path] | join(" ")' | head -n1)" "vda $IMAGES/web.qcow2"
	same "$(json '.files[0].status')" ok
}

@test "selinux check: the image replaced under the running guest -> wrong, replaced, whatever its label" {
	truncate -s 1M $IMAGES/one.img
	define one "$(disk $IMAGES/one.img raw vda)"
	start one
	run -0 --separate-stderr vd selinux check one
	cp --preserve=all $IMAGES/one.img $IMAGES/new.img
	chcon "$(label $IMAGES/one.img)" $IMAGES/new.img
	mv $IMAGES/new.img $IMAGES/one.img
	run -1 --separate-stderr vd selinux check one --json
	same "$(json '.files[0] | .status + " " + .reason_id')" "wrong replaced"
	rm $IMAGES/one.img
	run -1 --separate-stderr vd selinux check one --json
	same "$(json '.files[0] | .status + " " + .reason_id')" "wrong replaced"
	has "$(json '.files[0].reason')" deleted
}

@test "selinux check: two running guests with one pair of categories -> isolation, named on both" {
	local g
	for g in one two; do
		truncate -s 1M $IMAGES/$g.img
		define $g "$(disk $IMAGES/$g.img raw vda)" "<seclabel type='static' model='selinux' relabel='yes'>
			<label>system_u:system_r:svirt_t:s0:c7,c8</label></seclabel>"
		start $g
	done
	run -1 --separate-stderr vd selinux check one two --json
	same "$(json '.guests[] | .guest + " " + .same_categories_as')" "one two
two one"
	q destroy two
	run -0 --separate-stderr vd selinux check one
}

@test "selinux check: a second guest for the image of a running one -> differs: libvirt refuses its start" {
	truncate -s 1M $IMAGES/one.img
	define one "$(disk $IMAGES/one.img raw vda)"
	define two "$(disk $IMAGES/one.img raw vdb)"
	start one
	run -0 --separate-stderr vd selinux check one two --json
	same "$(json '.files[] | [.guest, .status, .reason_id, .used_by[0]] | join(" ")')" "one differs shared-rw two
two differs shared-rw one"
	run -1 start two
	has "$output" "already in use"
}

@test "selinux check: libvirt still counts a user of the image -> the refused start is foretold; the printed fix lets it start" {
	truncate -s 1M $IMAGES/one.img
	define one "$(disk $IMAGES/one.img raw vda)"
	start one
	local pid undo
	pid=$(cat /run/libvirt/qemu/one.pid)
	systemctl stop libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket
	kill -KILL "$pid"
	rm -f /run/libvirt/qemu/one.*
	systemctl start libvirtd.socket libvirtd.service
	run -1 --separate-stderr vd selinux check one --json
	same "$(json '.files[0] | .status + " " + .reason_id')" "wrong stale-xattr"
	run -1 start one
	has "$output" "already in use"
	# --fix does it as well, and what it kept brings the fault back
	run -0 --separate-stderr vd selinux check --fix one --json
	same "$(json '.changes[] | [.attribute, .old, (.new | tostring), (.done | tostring)] | join(" ")')" \
		"trusted.libvirt.security.ref_selinux 1 null true"
	mapfile -t undo < <(json '.backup.undo[]')
	"${undo[@]}"
	run -1 --separate-stderr vd selinux check one
	now
	run -0 --separate-stderr vd selinux check one
	run -0 start one
	run -0 --separate-stderr vd selinux check one
}

@test "selinux check: the daemon's binary lost its label -> named; what it says to do puts the daemon into its domain" {
	chcon -t bin_t /usr/sbin/libvirtd
	systemctl restart libvirtd.service
	[ "$(domain_of /run/libvirtd.pid)" != virtd_t ]
	run -1 --separate-stderr vd selinux check web
	has "$output" "daemon: /usr/sbin/libvirtd"
	has "$output" "not in virtd_t"
	now
	same "$(domain_of /run/libvirtd.pid)" virtd_t
	run -0 --separate-stderr vd selinux check web
}

@test "selinux check: the daemon started by hand -> named; what it says to do puts it into its domain" {
	systemctl stop libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket
	cp /usr/sbin/libvirtd /usr/local/sbin/libvirtd
	chcon -t bin_t /usr/local/sbin/libvirtd
	/usr/local/sbin/libvirtd -d
	[ "$(domain_of /run/libvirtd.pid)" != virtd_t ]
	run -1 --separate-stderr vd selinux check web
	has "$output" "daemon: /usr/local/sbin/libvirtd"
	now
	for _ in {1..100}; do
		[ -e /run/libvirtd.pid ] && [ "$(domain_of /run/libvirtd.pid)" = virtd_t ] && break
		sleep 0.1
	done
	same "$(domain_of /run/libvirtd.pid)" virtd_t
	kill "$(cat /run/libvirtd.pid)"
	rm /usr/local/sbin/libvirtd
	systemctl start libvirtd.socket libvirtd.service
}
