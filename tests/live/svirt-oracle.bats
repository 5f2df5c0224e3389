#!/usr/bin/env bats
# The label rules against libvirt's own SELinux driver: a preload (oracle.bash) lets the driver run on a kernel without
# SELinux, it labels real files, and what `virtdiag selinux check` expects of them must be what is on them.
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
	qemu-img create -q -f raw $IMAGES/base.raw 1M
	qemu-img create -q -f qcow2 -F raw -b base.raw $IMAGES/mid.qcow2
	qemu-img create -q -f qcow2 -F qcow2 -b $IMAGES/mid.qcow2 $IMAGES/top.qcow2
	truncate -s 1M $IMAGES/{ro,sh,plain,bystander,cd}.img
	truncate -s 1474560 $IMAGES/floppy.img
}
teardown() {
	remove_all
}

@test "svirt: overlay, chain, read-only, shareable, cdrom, floppy -> as the driver labels them" {
	define "${P}all" "$(disk $IMAGES/top.qcow2 qcow2 vda)$(disk $IMAGES/ro.img raw vdb '<readonly/>')$(disk $IMAGES/sh.img raw vdc \
		'<shareable/>' | sed "s/type='raw'/& cache='none'/")
		<disk type='file' device='cdrom'><source file='$IMAGES/cd.img'/><target dev='hda' bus='ide'/></disk>
		<disk type='file' device='floppy'><source file='$IMAGES/floppy.img'/><target dev='fda' bus='fdc'/></disk>"
	v start --paused "${P}all"
	agree "${P}all"
	[[ "$(label $IMAGES/top.qcow2)" == system_u:object_r:svirt_image_t:s0:c*,c* ]]
	same "$(label $IMAGES/base.raw)" system_u:object_r:virt_content_t:s0
	same "$(label $IMAGES/bystander.img)" ""
}

@test "svirt: static label with relabelling -> its categories on the files" {
	define "${P}static" "$(disk $IMAGES/top.qcow2 qcow2 vda)" "<seclabel type='static' model='selinux' relabel='yes'>
		<label>system_u:system_r:svirt_t:s0:c111,c222</label></seclabel>"
	v start --paused "${P}static"
	agree "${P}static"
	same "$(label $IMAGES/top.qcow2)" system_u:object_r:svirt_image_t:s0:c111,c222
}

@test "svirt: static label without relabelling, and none -> no file is touched" {
	define "${P}kept" "$(disk $IMAGES/top.qcow2 qcow2 vda)" "<seclabel type='static' model='selinux' relabel='no'>
		<label>system_u:system_r:svirt_t:s0:c111,c222</label></seclabel>"
	v start --paused "${P}kept"
	agree "${P}kept"
	same "$(label $IMAGES/top.qcow2)" ""
	remove_all
	define "${P}none" "$(disk $IMAGES/top.qcow2 qcow2 vda)" "<seclabel type='none' model='selinux'/>"
	v start --paused "${P}none"
	agree "${P}none"
	same "$(label $IMAGES/top.qcow2)" ""
}

@test "svirt: a disk's own seclabel -> that label, or none, for it and the layers below" {
	define "${P}own" "$(disk $IMAGES/top.qcow2 qcow2 vda | sed "s|\(<source [^>]*\)/>|\1><seclabel model='selinux' relabel='no'/></source>|")
		$(disk $IMAGES/plain.img raw vdb | sed "s|\(<source [^>]*\)/>|\1><seclabel model='selinux'><label>system_u:object_r:own_t:s0</label></seclabel></source>|")"
	v start --paused "${P}own"
	agree "${P}own"
	same "$(label $IMAGES/mid.qcow2)" ""
	same "$(label $IMAGES/plain.img)" system_u:object_r:own_t:s0
}

@test "svirt: files of character devices -> as the driver labels them" {
	: >$IMAGES/serial.log
	: >$IMAGES/parallel.log
	define "${P}chars" "<serial type='file'><source path='$IMAGES/serial.log'/><target port='0'/></serial>
		<parallel type='file'><source path='$IMAGES/parallel.log'/><target port='0'/></parallel>"
	v start --paused "${P}chars"
	agree "${P}chars"
	has "$(json '[.files[].path] | join(" ")')" $IMAGES/parallel.log
}
