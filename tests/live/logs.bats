#!/usr/bin/env bats
# Guests' logs against the real thing: every way a guest can start and end is told as libvirt tells it, and following a
# log through virtlogd's own rotation loses nothing.
# shellcheck disable=SC2030,SC2031,SC2086 # each test has its own status; our paths have no blanks
load helpers

teardown() {
	if [ -n "${TAIL:-}" ]; then kill "$TAIL" 2>/dev/null || true; fi
	remove_all
	rm -rf ${IMAGES:?}/*
}

# reason NAME: of virsh, "destroyed" out of "shut off (destroyed)"
reason() {
	v domstate --reason "$1" | sed -n 's/^shut off (\(.*\))$/\1/p'
}
# is_off NAME
is_off() {
	[ "$(v domstate "$1")" = "shut off" ]
}
# last NAME: HOW and REASON of the last start, in $rows
last() {
	run -0 --separate-stderr vd logs boots "$1" --json
	rows=$(json '.boots[-1] | [.how // "-", .reason] | join(" ")')
}
# wait_off NAME: libvirt has noticed the end
wait_off() {
	until_true 30 is_off "$1"
}

@test "logs boots: a guest is destroyed, quits, is killed, crashes, is saved and restored -> as virsh says" {
	local name=${P}ends started
	define "$name" '' '' && v start "$name"
	last "$name"
	same "$rows" "fresh running"
	same "$(json '.boots[-1] | [.qemu, .libvirt] | map(. != null) | tostring')" "[true,true]"
	started=$(json '.boots[-1].start | fromdateiso8601')
	[ $((started - $(date +%s))) -le 1 ] && [ $(($(date +%s) - started)) -le 60 ]

	v destroy "$name"
	same "$(reason "$name")" destroyed
	last "$name"
	same "$rows" "fresh destroyed"

	v start "$name"
	v qemu-monitor-command "$name" '{"execute":"quit"}' >/dev/null || true
	wait_off "$name"
	same "$(reason "$name")" shutdown
	last "$name"
	same "$rows" "fresh shutdown"
	same "$(json '.boots[-1].taints[0]')" custom-monitor

	v start "$name"
	kill -TERM "$(pid "$name")"
	wait_off "$name"
	same "$(reason "$name")" shutdown
	last "$name"
	same "$rows" "fresh shutdown: SIGTERM"

	for signal in KILL SEGV; do
		v start "$name"
		kill -s "$signal" "$(pid "$name")"
		wait_off "$name"
		same "$(reason "$name")" crashed
		last "$name"
		same "$rows" "fresh crashed"
	done

	v start "$name"
	v managedsave "$name"
	same "$(reason "$name")" saved
	last "$name"
	same "$rows" "fresh saved"
	v start "$name"
	last "$name"
	same "$rows" "restored running"
	v save "$name" $IMAGES/state
	v restore $IMAGES/state
	last "$name"
	same "$rows" "restored running"
	v destroy "$name"
	run -0 --separate-stderr vd logs list "$name" --json
	same "$(json '.logs[0] | [.starts, .reason, .state] | @tsv')" $'8\tdestroyed\tshut off'
}

# fails NAME REASON: starting it fails, and that is what the log is told to say
fails() {
	run v start "$1"
	[ "$status" -ne 0 ]
	same "$(reason "$1")" failed
	last "$1"
	same "$rows" "$2"
	[ "$(json '.boots[-1].errors')" -ge 1 ]
}

@test "logs boots: starts that fail in six ways -> failed, before or in QEMU" {
	define "${P}gone" "$(disk $IMAGES/gone.qcow2 qcow2 vda)"
	fails "${P}gone" "- failed before QEMU"

	define "${P}kernel" '' ''
	v dumpxml "${P}kernel" | sed 's|<boot dev=.hd./>|<kernel>/nonexistent/vmlinuz</kernel>|' >"$BATS_TEST_TMPDIR/guest.xml"
	v define "$BATS_TEST_TMPDIR/guest.xml"
	fails "${P}kernel" "fresh failed"
	# the command line was written, but the child was told to stop before it became QEMU
	run -0 --separate-stderr vd logs show --level error --kind libvirt "${P}kernel"
	has "$output" "quit during handshake"

	define "${P}argument" '' "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
		<qemu:arg value='-nosuchoption'/></qemu:commandline>"
	fails "${P}argument" "fresh failed"
	run -0 --separate-stderr vd logs show --kind qemu-error "${P}argument"
	has "$output" "-nosuchoption: invalid option"

	printf 'not an image%01000d' 0 >$IMAGES/bad.qcow2
	define "${P}bad" "$(disk $IMAGES/bad.qcow2 qcow2 vda)"
	fails "${P}bad" "fresh failed"
	run -0 --separate-stderr vd logs show --level error --kind qemu-error "${P}bad"
	has "$output" "Image is not in qcow2 format"

	mkdir -m 700 $IMAGES/private
	qemu-img create -q -f qcow2 $IMAGES/private/a.qcow2 1M
	define "${P}private" "$(disk $IMAGES/private/a.qcow2 qcow2 vda)"
	run v start "${P}private"
	[ "$status" -ne 0 ]
	last "${P}private"
	has "$rows" failed

	qemu-img create -q -f qcow2 $IMAGES/shared.qcow2 1M
	define "${P}first" "$(disk $IMAGES/shared.qcow2 qcow2 vda)"
	define "${P}second" "$(disk $IMAGES/shared.qcow2 qcow2 vda)"
	v start "${P}first"
	fails "${P}second" "fresh failed"
	last "${P}first"
	same "$rows" "fresh running"
}

@test "logs boots: the host crashes while a guest runs -> lost" {
	local pid
	define "${P}lost"
	v start "${P}lost"
	pid=$(pid "${P}lost")
	libvirtd_kill
	kill -KILL "$pid"
	until_true 20 gone "$pid"
	rm -f /run/libvirt/qemu/"${P}lost".*
	libvirtd_start
	v start "${P}lost"
	run -0 --separate-stderr vd logs boots "${P}lost" --json
	same "$(json '.boots | map(.reason) | join(" ")')" "lost running"
}

@test "logs cmdline: of a guest that runs -> what its process was started with" {
	define "${P}cmd" '' "<description>it's \"quoted\" &amp; odd</description>"
	v start "${P}cmd"
	run -0 --separate-stderr vd logs cmdline "${P}cmd" --json
	json '.arguments[] | select(.kind != "env") | .name, (.value // empty)' >"$BATS_TEST_TMPDIR/logged"
	tr '\0' '\n' <"/proc/$(pid "${P}cmd")/cmdline" >"$BATS_TEST_TMPDIR/process"
	diff "$BATS_TEST_TMPDIR/process" "$BATS_TEST_TMPDIR/logged"
}

@test "logs tail: 100,000 lines of QEMU through rotations by virtlogd -> each once" {
	local pid out=$BATS_TEST_TMPDIR/out
	pid=$(cat /run/virtlogd.pid)
	kill "$pid"
	until_true 20 gone "$pid"
	printf 'max_size = 300000\nmax_backups = 32\n' >/etc/libvirt/virtlogd.conf
	detached virtlogd
	until_true 20 timeout 5 virt-admin -q -c virtlogd:///system daemon-log-filters
	define "${P}talks"
	v start "${P}talks"
	"$VIRTDIAG" logs tail -n 0 "${P}talks" >"$out" 2>"$out.err" 3>&- &
	TAIL=$!
	# what is written there arrives as QEMU's stderr does
	echo ready >"/proc/$(pid "${P}talks")/fd/2"
	until_true 20 grep -qx ready "$out" || {
		echo ready >"/proc/$(pid "${P}talks")/fd/2"
		until_true 20 grep -qx ready "$out"
	}
	seq -f 'a line of QEMU, number %06.0f, in the log' 1 100000 >"/proc/$(pid "${P}talks")/fd/2"
	until_true 60 grep -q 'number 100000' "$out"
	[ -e "/var/log/libvirt/qemu/${P}talks.log.9" ]
	kill -INT "$TAIL"
	wait "$TAIL"
	TAIL=
	grep -v '^ready$' "$out" >"$out.lines"
	cmp "$out.lines" <(seq -f 'a line of QEMU, number %06.0f, in the log' 1 100000)
	same "$(cat "$out.err")" ""
	# and the same from the rotated files
	"$VIRTDIAG" logs show --grep '^a line of' "${P}talks" >"$out"
	cmp "$out" "$out.lines"
}

@test "logs daemon: the log of the daemon that runs, not named -> by guest, category, level and time" {
	local since
	timeout 20 virt-admin -q -c libvirtd:///system daemon-log-filters '1:qemu'
	define "${P}runs"
	define "${P}gone" "$(disk $IMAGES/gone.qcow2 qcow2 vda)"
	v start "${P}runs"
	sleep 0.1
	since=$(date -u '+%F %T.%3NZ')
	run ! v start "${P}gone"
	run -0 --separate-stderr vd logs daemon --level error --since "$since"
	has "$output" "Cannot access storage file '$IMAGES/gone.qcow2'"
	same "$(grep -vc ': error :' <<<"$output")" 0
	run -0 --separate-stderr vd logs daemon --guest "${P}runs" --until "$since"
	has "$output" qemuProcessLaunch
	hasnt "$output" "${P}gone"
	run -0 --separate-stderr vd logs daemon --guest "${P}gone" --level error
	has "$output" "$IMAGES/gone.qcow2"
	run -0 --separate-stderr vd logs daemon --guest "${P}runs" --since "$since"
	same "$output" ""
	run -0 --separate-stderr vd logs daemon --category qemu.qemu_process --json
	same "$(jq -rs 'map(select(.continues | not) | .function | startswith("qemu")) | unique | tostring' <<<"$output")" "[true]"
	timeout 20 virt-admin -q -c libvirtd:///system daemon-log-filters ''
}
