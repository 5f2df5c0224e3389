#!/usr/bin/env bats
# Protects what virtdiag tells of guests' logs: which there are, whose they are, when each start began and how it ended.
# The logs of hosts/guest-logs are a real libvirt's; what was done to each guest is in its README.

load helpers

LOGS=$HOSTS/guest-logs

# put PATH: makes the file $ROOT/PATH of stdin
put() {
	mkdir -p "$(dirname "$ROOT/$1")"
	cat >"$ROOT/$1"
}

setup() {
	ROOT=$BATS_TEST_TMPDIR/root
	QEMU=var/log/libvirt/qemu
	mkdir -p "$ROOT/run/libvirt"
}

@test "logs list: real logs of both drivers -> starts, last end and its reason" {
	run -0 --separate-stderr vd --root "$LOGS" logs list -rno GUEST,STARTS,LAST_START,LAST_END,REASON
	same "$output" 'lf-a 2 2026-11-23T09:45:50Z 2026-11-23T09:45:54Z destroyed
lf-badarg 1 2026-11-23T09:47:36Z 2026-11-23T09:47:36Z failed
lf-child 1 2026-11-23T09:56:59Z 2026-11-23T09:57:01Z destroyed
lf-childenv 1 2026-11-23T09:57:06Z 2026-11-23T09:57:08Z destroyed
lf-filehandler 1 2026-11-23T10:00:04Z 2026-11-23T10:00:06Z destroyed
lf-kill 1 2026-11-23T09:47:25Z 2026-11-23T09:47:28Z crashed
lf-kvm 1 2026-11-23T09:47:41Z 2026-11-23T09:47:55Z destroyed
lf-nodisk 1 - 2026-11-23T09:47:31Z failed\x20before\x20QEMU
lf-ok 1 2026-11-23T09:47:18Z 2026-11-23T09:47:21Z destroyed
lf-perm 1 2026-11-23T09:47:32Z 2026-11-23T09:47:32Z failed
lf-quit 1 2026-11-23T09:47:21Z 2026-11-23T09:47:24Z shutdown
lf-rot 4 2026-11-23T09:59:57Z 2026-11-23T09:59:59Z destroyed
lf-segv 1 2026-11-23T09:47:29Z 2026-11-23T09:47:32Z crashed
lf-term 1 2026-11-23T09:47:27Z 2026-11-23T09:47:30Z shutdown:\x20SIGTERM
lf-lxc 1 2026-11-23T09:53:28Z - not\x20logged
lf-lxcbadroot 1 2026-11-23T09:54:10Z - failed
lf-lxcdbg 1 2026-11-23T09:54:14Z - not\x20logged
lf-lxcexit 1 2026-11-23T09:54:03Z - not\x20logged
lf-lxcfail 1 2026-11-23T09:54:04Z - not\x20logged
lf-lxckill 1 2026-11-23T09:54:12Z - not\x20logged
lf-lxcll1 1 2026-11-23T09:57:01Z - not\x20logged
lf-lxcnoinit 1 2026-11-23T09:54:05Z - failed'
}

@test "logs list: a user's session -> the log in its cache directory" {
	run -0 --separate-stderr vd --root "$LOGS" --session=sess --json logs list
	same "$(json '.logs[] | [.guest, .starts, .reason, .path, .state] | @tsv')" \
		$'lf-sess\t1\tdestroyed\t/home/sess/.cache/libvirt/qemu/log/lf-sess.log\tundefined'
}

@test "logs list: helpers' logs -> rows of their guest, however it is called" {
	: | put "$QEMU"/web-01.log
	: | put "$QEMU"/web.log
	: | put "$QEMU"/web-01-fs0-virtiofsd.log
	: | put "$QEMU"/web-ua-my-share-virtiofsd.log
	: | put "$QEMU"/gone-fs1-virtiofsd.log
	: | put var/log/swtpm/libvirt/qemu/web-01-swtpm.log
	: | put var/log/containers/libvirt/swtpm/libvirt/qemu/db-swtpm.log
	run -0 --separate-stderr vd --root "$ROOT" logs list -rno GUEST,KIND,ALIAS,PATH
	same "$output" "db swtpm - /var/log/containers/libvirt/swtpm/libvirt/qemu/db-swtpm.log
gone virtiofsd fs1 /$QEMU/gone-fs1-virtiofsd.log
web guest - /$QEMU/web.log
web virtiofsd ua-my-share /$QEMU/web-ua-my-share-virtiofsd.log
web-01 guest - /$QEMU/web-01.log
web-01 virtiofsd fs0 /$QEMU/web-01-fs0-virtiofsd.log
web-01 swtpm - /var/log/swtpm/libvirt/qemu/web-01-swtpm.log"
	run -0 --separate-stderr vd --root "$ROOT" logs list -rno PATH web-01
	same "$output" "/$QEMU/web-01.log
/$QEMU/web-01-fs0-virtiofsd.log
/var/log/swtpm/libvirt/qemu/web-01-swtpm.log"
}

@test "logs list: rotated by virtlogd and logrotate, names that look rotated -> files in order of time" {
	for i in 1 2 3 4 5 6; do
		echo "2026-11-2$i 10:00:00.000+0000: starting up" >"$BATS_TEST_TMPDIR/$i"
	done
	gzip -c "$BATS_TEST_TMPDIR/1" | put "$QEMU"/a.log.2.gz
	gzip -c "$BATS_TEST_TMPDIR/4" | put "$QEMU"/a.log.1.gz
	put "$QEMU"/a.log.1 <"$BATS_TEST_TMPDIR/3"
	put "$QEMU"/a.log.0 <"$BATS_TEST_TMPDIR/5"
	xz -c "$BATS_TEST_TMPDIR/2" | put "$QEMU"/a.log-20261122.xz
	put "$QEMU"/a.log <"$BATS_TEST_TMPDIR/6"
	: | put "$QEMU"/b.log.log
	: | put "$QEMU"/b.log-20261122.log
	: | put "$QEMU"/notes.txt
	run -0 --separate-stderr vd --root "$ROOT" --json logs list
	same "$(json '.logs[] | .guest + " " + (.files | map(sub(".*/"; "")) | join(" "))')" \
		"a a.log.2.gz a.log-20261122.xz a.log.1 a.log.1.gz a.log.0 a.log
b.log b.log.log
b.log-20261122 b.log-20261122.log"
	same "$(json '.logs[0] | [.starts, .last_start] | @tsv')" $'6\t2026-11-26T10:00:00Z'
}

@test "logs list: a damaged packed file, a FIFO and a link out of the root -> told as missing, the rest is read" {
	echo "2026-11-26 10:00:00.000+0000: starting up" | put "$QEMU"/a.log
	head -c 300 "$LOGS/$QEMU/lf-ok.log" | gzip | head -c 60 | put "$QEMU"/a.log.1.gz
	mkfifo "$ROOT/$QEMU/b.log"
	ln -s /etc/passwd "$ROOT/$QEMU/c.log"
	run -3 --separate-stderr vd --root "$ROOT" --json logs list
	same "$(json '.logs[0] | [.guest, .starts] | @tsv')" $'a\t1'
	same "$(json '.missing | map(.what) | join(" ")')" "/$QEMU/a.log.1.gz /$QEMU/b.log /$QEMU/c.log"
}

@test "logs list: no logs, no such guest, a guest that never ran -> said" {
	run -0 --separate-stderr vd --root "$ROOT" logs list
	same "$output" "no logs of guests"
	run -3 --separate-stderr vd --root "$LOGS" logs list lf-okk
	same "$stderr" "virtdiag: no guest and no log 'lf-okk'; did you mean 'lf-ok'?"
	echo '<domain type="kvm"><name>idle</name><os><type>hvm</type></os></domain>' | put etc/libvirt/qemu/idle.xml
	run -3 --separate-stderr vd --root "$ROOT" logs list idle
	has "$stderr" "idle has no log in /var/log/libvirt/qemu: it was never started here, or its log was deleted"
}

@test "logs list: the same name in both drivers -> ambiguous, told apart by the driver" {
	: | put "$QEMU"/c1.log
	: | put var/log/libvirt/lxc/c1.log
	run -2 --separate-stderr vd --root "$ROOT" logs list c1
	has "$stderr" "'c1' is ambiguous; write one of qemu:c1, lxc:c1"
	run -0 --separate-stderr vd --root "$ROOT" logs list -rno DRIVER lxc:c1
	same "$output" lxc
}

# boots ROOT GUEST: sets $rows to a line for each start: HOW START END REASON ERRORS TAINTS
boots() {
	run -0 --separate-stderr vd --root "$1" --json logs boots "$2"
	rows=$(json '.boots[] | [.boot, .how, .start, .end, .reason, .errors, (.taints | join(",") | if . == "" then null else . end)] | map(. // "-") | join(" ")')
}

@test "logs boots: real logs of QEMU guests -> how each start began and ended" {
	boots "$LOGS" lf-a
	same "$rows" "-1 fresh 2026-11-23T09:45:39Z 2026-11-23T09:45:50Z destroyed 0 custom-monitor
0 fresh 2026-11-23T09:45:50Z 2026-11-23T09:45:54Z destroyed 0 -"
	boots "$LOGS" lf-ok
	same "$rows" "0 fresh 2026-11-23T09:47:18Z 2026-11-23T09:47:21Z destroyed 0 -"
	boots "$LOGS" lf-quit
	same "$rows" "0 fresh 2026-11-23T09:47:21Z 2026-11-23T09:47:24Z shutdown 0 custom-monitor"
	boots "$LOGS" lf-kill
	same "$rows" "0 fresh 2026-11-23T09:47:25Z 2026-11-23T09:47:28Z crashed 0 -"
	boots "$LOGS" lf-segv
	same "$rows" "0 fresh 2026-11-23T09:47:29Z 2026-11-23T09:47:32Z crashed 0 -"
	boots "$LOGS" lf-term
	same "$rows" "0 fresh 2026-11-23T09:47:27Z 2026-11-23T09:47:30Z shutdown: SIGTERM 0 -"
	same "$(json '.boots[0] | [.signal, .signal_pid, .signal_by] | @tsv')" $'15\t26876\tbash'
	boots "$LOGS" lf-nodisk
	same "$rows" "0 - - 2026-11-23T09:47:31Z failed before QEMU 1 -"
	boots "$LOGS" lf-perm
	same "$rows" "0 fresh 2026-11-23T09:47:32Z 2026-11-23T09:47:32Z failed 1 -"
	boots "$LOGS" lf-badarg
	same "$rows" "0 fresh 2026-11-23T09:47:36Z 2026-11-23T09:47:36Z failed 1 custom-argv"
	boots "$LOGS" lf-child
	same "$rows" "0 fresh 2026-11-23T09:56:59Z 2026-11-23T09:57:01Z destroyed 0 -"
	boots "$LOGS" lf-childenv
	same "$rows" "0 fresh 2026-11-23T09:57:06Z 2026-11-23T09:57:08Z destroyed 0 -"
	boots "$LOGS" lf-filehandler
	same "$rows" "0 fresh 2026-11-23T10:00:04Z 2026-11-23T10:00:06Z destroyed 0 -"
	boots "$LOGS" lf-kvm
	same "$rows" "0 fresh 2026-11-23T09:47:41Z 2026-11-23T09:47:55Z destroyed 0 -"
}

@test "logs boots: start blocks that a rotation has split -> one start each" {
	boots "$LOGS" lf-rot
	same "$rows" "-3 fresh - 2026-11-23T09:59:53Z destroyed 0 -
-2 fresh 2026-11-23T09:59:53Z 2026-11-23T09:59:55Z destroyed 0 -
-1 fresh 2026-11-23T09:59:55Z 2026-11-23T09:59:57Z destroyed 0 -
0 fresh 2026-11-23T09:59:57Z 2026-11-23T09:59:59Z destroyed 0 -"
	run -0 --separate-stderr vd --root "$LOGS" logs starts lf-rot
	same "${lines[0]}" "lf-rot  qemu  lf-rot.log, .log.0, .log.1 (older lines rotated away)  times UTC"
}

@test "logs boots: real logs of LXC guests -> no end is logged, failures are" {
	for guest in lf-lxc lf-lxcexit lf-lxcfail lf-lxckill lf-lxcdbg lf-lxcll1; do
		run -0 --separate-stderr vd --root "$LOGS" --json logs boots "$guest"
		same "$(json '.boots | map([.how, .end, .reason, .errors] | map(. // "-") | join(" ")) | join("/")')" \
			"fresh - not logged 0"
	done
	boots "$LOGS" lf-lxcnoinit
	same "$rows" "0 fresh 2026-11-23T09:54:05Z - failed 4 -"
	same "$(json '.boots[0].libvirt')" 9.0.0
	boots "$LOGS" lf-lxcbadroot
	same "$rows" "0 fresh 2026-11-23T09:54:10Z - failed 4 -"
}

# block TIME HOW...: a start block, as libvirt writes it
block() {
	local time=$1
	shift
	echo "$time: starting up libvirt version: 10.10.0, package: 1.fc41 (Fedora Project, 2024-12-03-10:21:33, )," \
		"qemu version: 9.1.0qemu-9.1.0-3.fc41, kernel: 6.11.4, hostname: h.example.org"
	printf '%s \\\n' LC_ALL=C "$@" '/usr/bin/qemu-system-x86_64' '-name guest=a'
	echo '-msg timestamp=on'
}

@test "logs boots: a host crash, a saved guest restored, an incoming migration, a snapshot -> told apart" {
	{
		block "2026-11-20 10:00:00.000+0000"
		block "2026-11-20 11:00:00.000+0000"
		echo "2026-11-20 11:10:00.000+0000: shutting down, reason=saved"
		echo "2026-11-20T11:10:00.100000Z qemu-system-x86_64: terminating on signal 15 from pid 1 (<unknown process>)"
		block "2026-11-20 12:00:00.000+0000" | sed '$i -incoming defer \\'
		echo "2026-11-20 12:10:00.000+0000: shutting down, reason=migrated"
		block "2026-11-20 13:00:00.000+0000" | sed '$i -incoming defer \\'
		echo "2026-11-20 13:10:00.000+0000: shutting down, reason=shutdown"
		block "2026-11-20 14:00:00.000+0000" | sed '$i -loadvm before-update \\'
		echo "2026-11-20 14:10:00.000+0000: shutting down, reason=from snapshot"
		echo "2026-11-20 15:00:00.000+0000: shutting down, reason=failed"
		block "2026-11-20 16:00:00.000+0000" | sed '$i -incoming fd:25 \\'
	} | put "$QEMU/a.log"
	boots "$ROOT" a
	same "$rows" "-6 fresh 2026-11-20T10:00:00Z - lost 0 -
-5 fresh 2026-11-20T11:00:00Z 2026-11-20T11:10:00Z saved 0 -
-4 restored 2026-11-20T12:00:00Z 2026-11-20T12:10:00Z migrated 0 -
-3 incoming 2026-11-20T13:00:00Z 2026-11-20T13:10:00Z shutdown 0 -
-2 restored 2026-11-20T14:00:00Z 2026-11-20T14:10:00Z from snapshot 0 -
-1 - - 2026-11-20T15:00:00Z failed before QEMU 1 -
0 restored 2026-11-20T16:00:00Z - lost 0 -"
	same "$(json '.boots[-1] | [.libvirt, .qemu, .kernel] | @tsv')" $'10.10.0\t9.1.0\t6.11.4'
	rm -r "$ROOT/run"
	run -0 --separate-stderr vd --root "$ROOT" --json logs boots a
	same "$(json '.boots[-1].reason')" "not logged"
}

@test "logs boots: the guest runs by its status file -> running, no end" {
	block "2026-11-20 10:00:00.000+0000" | put "$QEMU/web01.log"
	put run/libvirt/qemu/web01.xml <<<'<domstatus state="running" reason="booted" pid="42"><domain type="kvm" id="3">
		<name>web01</name><os><type>hvm</type></os></domain></domstatus>'
	boots "$ROOT" web01
	same "$rows" "0 fresh 2026-11-20T10:00:00Z - running 0 -"
	same "$(json '.boots[0].duration')" null
	run -0 --separate-stderr vd --root "$ROOT" logs list -rno GUEST,STATE,REASON
	same "$output" "web01 running running"
}

@test "logs boots: the oldest formats, no start line, damaged stamps, translated and binary lines -> starts all the same" {
	{
		echo "2013-05-01 10:00:00.123+0000: starting up"
		echo "LC_ALL=C PATH=/bin QEMU_AUDIO_DRV=none /usr/bin/qemu-kvm -S -M pc -m 512 -incoming tcp:0.0.0.0:49152 -name a"
		echo "char device redirected to /dev/pts/1 (label charserial0)"
		echo "qemu: terminating on signal 15 from pid 1500"
		echo "2013-05-01 11:00:00.456+0000: shutting down"
		# the start line is not there
		block x | tail -n +2
		printf 'Warnung: \303\234berlauf \377\000\033[31m\n'
		echo "2013-05-02 9:05:1.5+0000: shutting down, reason=crashed"
		echo "2013-05-03: starting up"
		echo "2013-05-04 05:33:2.285+0000: starting up libvirt version: 1.2.13, qemu version: 2.1.2"
		echo "/usr/bin/qemu-kvm"
	} | put "$QEMU/a.log"
	boots "$ROOT" a
	same "$rows" "-2 incoming 2013-05-01T10:00:00Z 2013-05-01T11:00:00Z no reason given 0 -
-1 fresh - 2013-05-02T09:05:01Z crashed 0 -
0 fresh 2013-05-04T05:33:02Z - lost 0 -"
}

@test "logs boots: a line of 3 MiB and lines with NUL -> read, in little memory" {
	{
		block "2026-11-20 10:00:00.000+0000"
		head -c 3000000 /dev/zero | tr '\0' x
		echo
		head -c 100000 /dev/zero
		echo
		echo "2026-11-20 10:10:00.000+0000: shutting down, reason=shutdown"
	} | put "$QEMU/a.log"
	boots "$ROOT" a
	same "$rows" "0 fresh 2026-11-20T10:00:00Z 2026-11-20T10:10:00Z shutdown 0 -"
}

@test "logs cmdline: of a real start -> variables, program and options as JSON" {
	run -0 --separate-stderr vd --root "$LOGS" --json logs cmdline lf-badarg
	same "$(json '.arguments | map(.kind) | group_by(.) | map("\(.[0]) \(length)") | join(", ")')" \
		"env 6, option 26, program 1"
	same "$(json '.arguments[] | select(.kind == "program" or .name == "-nosuchoption" or .name == "-name" or .name == "HOME")
		| [.name, .value] | map(. // "-") | join(" ")')" "HOME /var/lib/libvirt/qemu/domain-11-lf-badarg
/usr/bin/qemu-system-x86_64 -
-name guest=lf-badarg,debug-threads=on
-nosuchoption -"
}

@test "logs cmdline --shell: quotes, blanks, newlines and control bytes in arguments -> the emulator gets them back" {
	local stub=$BATS_TEST_TMPDIR/emu\ lator
	# prints its variables and arguments, each with a NUL behind it
	printf '#!/bin/sh\nprintf "%%s\\0" "$FOO" "$#" "$@"\n' >"$stub"
	chmod +x "$stub"
	{
		echo "2026-11-20 10:00:00.000+0000: starting up libvirt version: 9.0.0"
		printf '%s \\\n' LC_ALL=C PATH=/usr/bin:/bin "FOO='bar  \"baz'" "'$stub'" '-name guest=a' -S \
			"-append 'it'\\''s \$HOME \`id\` * \\ ! #'" "''"
		printf '%s\n%s\n%s\001 \\\n' "-fw_cfg 'two" "2026 lines \\" "x'"
		echo "-device '{\"driver\":\"x\",\"a\":[1,2]}'"
	} | put "$QEMU/a.log"
	run -0 --separate-stderr vd --root "$ROOT" logs cmdline --shell a
	same "$stderr" ""
	sh -c "$output" >"$BATS_TEST_TMPDIR/got"
	printf '%s\0' 'bar  "baz' 10 -name guest=a -S -append 'it'\''s $HOME `id` * \ ! #' '' -fw_cfg \
		$'two\n2026 lines \\\nx\001' -device '{"driver":"x","a":[1,2]}' >"$BATS_TEST_TMPDIR/wanted"
	cmp "$BATS_TEST_TMPDIR/got" "$BATS_TEST_TMPDIR/wanted"
	hasnt "$output" $'\001'
}

@test "logs cmdline --shell: descriptors and what a rotation took -> said" {
	run -0 --separate-stderr vd --root "$LOGS" logs cmdline --shell lf-a
	has "$stderr" "it names descriptors"
	run -3 --separate-stderr vd --root "$LOGS" logs cmdline --shell -b 1 lf-rot
	same "$output" ""
	has "$stderr" "start -3 of lf-rot cannot be run again: its beginning may have been rotated away"
	# split over two files, and whole again
	run -0 --separate-stderr vd --root "$LOGS" logs cmdline --shell -b -1 lf-rot
	has "$output" $'env -i \\\nLC_ALL=C \\\nPATH='
	has "$output" $'\n-msg timestamp=on'
}

@test "logs cmdline --diff: reordered options and keys, renumbered paths -> no difference; a changed one is" {
	{
		block "2026-11-20 10:00:00.000+0000" HOME=/var/lib/libvirt/qemu/domain-1-a |
			sed '$i -m 32 \\\n-netdev tap,fd=30,id=n0 \\\n-device virtio-net,netdev=n0,mac=52:54:00:00:00:01 \\'
		echo "2026-11-20 10:10:00.000+0000: shutting down, reason=shutdown"
		block "2026-11-20 11:00:00.000+0000" HOME=/var/lib/libvirt/qemu/domain-2-a |
			sed '$i -device virtio-net,mac=52:54:00:00:00:01,netdev=n0 \\\n-netdev tap,id=n0,fd=31 \\\n-m 32 \\'
		echo "2026-11-20 11:10:00.000+0000: shutting down, reason=shutdown"
		block "2026-11-20 12:00:00.000+0000" HOME=/var/lib/libvirt/qemu/domain-3-a | sed '$i -m 64 \\\n-S \\'
	} | put "$QEMU/a.log"
	run -0 --separate-stderr vd --root "$ROOT" logs cmdline -b -1 --diff -2 a
	same "$output" "a  from start -2 to start -1
the same options
2 more differ only in numbers that libvirt gives anew at each start; -v shows them"
	run -0 --separate-stderr vd --root "$ROOT" --json logs cmdline --diff -2 a
	same "$(json '.arguments[] | [.change, .name, .value] | map(. // "-") | join(" ")')" "removed -m 32
removed -netdev tap,fd=30,id=n0
removed -device virtio-net,netdev=n0,mac=52:54:00:00:00:01
renumbered HOME /var/lib/libvirt/qemu/domain-3-a
added -m 64
added -S -"
	same "$(json '[.from, .to] | @tsv')" $'-2\t0'
}

@test "logs cmdline: no such start, no command line, no number -> said" {
	run -3 --separate-stderr vd --root "$LOGS" logs cmdline lf-nodisk
	has "$stderr" "start 0 of lf-nodisk has no command line in the log: it failed before QEMU ran"
	run -3 --separate-stderr vd --root "$LOGS" logs cmdline -b -1 lf-ok
	has "$stderr" "the log of lf-ok tells of 1 start: there is no start -1"
	run -2 --separate-stderr vd --root "$LOGS" logs cmdline -b last lf-ok
	has "$stderr" "'last' is no start"
}
