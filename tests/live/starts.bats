#!/usr/bin/env bats
# Starts that fail, guests that crash, logs that are rotated: afterwards `virtdiag guests` must agree with libvirt, no
# cgroup may seem to be left, and `selinux check` must still find the files.
# shellcheck disable=SC2016,SC2086 # our paths have no blanks; names with $ in them
load helpers

teardown() {
	remove_all
	rm -rf ${IMAGES:?}/*
}

# fails NAME WORDS: starting NAME fails with WORDS, and everybody agrees that it is off and left nothing
fails() {
	run v start "$1"
	[ "$status" -ne 0 ]
	has "$output" "$2"
	off "$1"
}
# off NAME: shut off, as libvirt says
off() {
	run -0 --separate-stderr vd guests --json
	same "$(by_virtdiag)" "$(by_virsh)"
	same "$(json ".guests[] | select(.guest == \"$1\") | .state")" "shut off"
	run -0 --separate-stderr vd cgroup tree --json
	same "$(json '[.. | objects | select(.guest? == "'"$1"'")] | length')" 0
}
# statuses NAME: of its files
statuses() {
	run --separate-stderr vd selinux check "$1" --json
	json '.files[] | .status + " " + .path'
}

@test "start fails: the disk is missing -> shut off, the file is named missing" {
	define "${P}gone" "$(disk $IMAGES/gone.qcow2 qcow2 vda)"
	fails "${P}gone" "No such file or directory"
	run -1 --separate-stderr vd selinux check "${P}gone" --json
	same "$(json '.files[] | .status + " " + .path')" "missing $IMAGES/gone.qcow2"
}

@test "start fails: QEMU's user may not enter the directory -> shut off, the file is denied" {
	mkdir -m 700 $IMAGES/private
	qemu-img create -q -f qcow2 $IMAGES/private/a.qcow2 1M
	define "${P}private" "$(disk $IMAGES/private/a.qcow2 qcow2 vda)"
	fails "${P}private" "Permission denied"
	same "$(statuses "${P}private")" "denied $IMAGES/private/a.qcow2"
}

@test "start fails: QEMU does not know an argument -> shut off" {
	define "${P}argument" '' "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
		<qemu:arg value='-nosuchoption'/></qemu:commandline>"
	fails "${P}argument" "-nosuchoption: invalid option"
}

@test "start fails: the image is no qcow2 -> shut off, the chain is broken" {
	printf 'not an image%01000d' 0 >$IMAGES/bad.qcow2
	define "${P}bad" "$(disk $IMAGES/bad.qcow2 qcow2 vda)"
	fails "${P}bad" "Image is not in qcow2 format"
	same "$(statuses "${P}bad")" "broken $IMAGES/bad.qcow2"
}

@test "start fails: the emulator is broken -> shut off" {
	printf '#!/bin/sh\nexec /usr/bin/qemu-system-x86_64 "$@"\n' >$IMAGES/emulator
	chmod 755 $IMAGES $IMAGES/emulator
	define "${P}emulator"
	v dumpxml "${P}emulator" | sed "s|/usr/bin/qemu-system-x86_64|$IMAGES/emulator|" >"$BATS_TEST_TMPDIR/guest.xml"
	v define "$BATS_TEST_TMPDIR/guest.xml"
	printf '#!/bin/sh\nexit 1\n' >$IMAGES/emulator
	# libvirt notices the change by its time in seconds, and asks the emulator again or goes straight ahead
	run v start "${P}emulator"
	[ "$status" -ne 0 ]
	has "$output" "for probing" || has "$output" "process exited while connecting to monitor"
	off "${P}emulator"
}

@test "start fails: another guest writes to the image -> it is shut off, the other one runs" {
	qemu-img create -q -f qcow2 $IMAGES/shared.qcow2 1M
	define "${P}first" "$(disk $IMAGES/shared.qcow2 qcow2 vda)"
	define "${P}second" "$(disk $IMAGES/shared.qcow2 qcow2 vda)"
	v start "${P}first"
	fails "${P}second" 'Failed to get "write" lock'
	same "$(json '[.. | objects | select(.guest? == "'"${P}first"'")] | length > 0')" true
}

@test "guest killed by SIGSEGV, destroyed, saved -> shut off, as libvirt says" {
	local pid
	define "${P}ends"
	v start "${P}ends"
	pid=$(pid "${P}ends")
	kill -SEGV "$pid"
	until_true 30 gone "$pid"
	until_true 30 sh -c "virsh -q -c qemu:///system domstate '${P}ends' | grep -q 'shut off'"
	off "${P}ends"
	v start "${P}ends"
	v destroy "${P}ends"
	off "${P}ends"
	v start "${P}ends"
	v managedsave "${P}ends"
	off "${P}ends"
}

@test "guest log rotated by virtlogd -> the guest is found and checked as before" {
	local log=/var/log/libvirt/qemu/${P}log.log pid
	pid=$(cat /run/virtlogd.pid)
	kill "$pid"
	until_true 20 gone "$pid"
	printf 'max_size = 1000\nmax_backups = 2\n' >/etc/libvirt/virtlogd.conf
	detached virtlogd
	until_true 20 timeout 5 virt-admin -q -c virtlogd:///system daemon-log-filters
	qemu-img create -q -f qcow2 $IMAGES/log.qcow2 1M
	define "${P}log" "$(disk $IMAGES/log.qcow2 qcow2 vda)"
	v start "${P}log"
	v destroy "${P}log"
	until_true 20 test -f "$log.0"
	off "${P}log"
	same "$(statuses "${P}log")" "unlabelled $IMAGES/log.qcow2"
}
