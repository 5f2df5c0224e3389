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
	run -3 --separate-stderr vd --root "$LOGS" logs show "/$QEMU/lf-rot.log.1"
	same "$stderr" "virtdiag: no guest and no log '/$QEMU/lf-rot.log.1': a log is given by its guest's name, 'lf-rot'"
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

@test "logs boots: the guest's own shutdown, after which libvirt ends QEMU -> no signal; of systemd or a user -> told" {
	local end="shutting down, reason=shutdown"
	for by in '1500 (/usr/sbin/libvirtd)' '1500 (virtqemud)' '1500 (<unknown process>)' '1 (<unknown process>)' '1 (/usr/lib/systemd/systemd)' '77 (kill)'; do
		block "2026-11-20 10:00:00.000+0000"
		echo "2026-11-20T10:05:00.000000Z qemu-system-x86_64: terminating on signal 15 from pid $by"
		echo "2026-11-20 10:05:00.200+0000: $end"
	done | put "$QEMU/a.log"
	run -0 --separate-stderr vd --root "$ROOT" --json logs boots a
	same "$(json '.boots[].reason')" "shutdown
shutdown
shutdown
shutdown: SIGTERM
shutdown: SIGTERM
shutdown: SIGTERM"
}

@test "logs cmdline --shell: of every real start -> what libvirt had written" {
	for log in "$LOGS/$QEMU"/*.log; do
		guest=$(basename "$log" .log)
		case $guest in lf-nodisk | lf-rot | lf-a) continue ;; esac
		run -0 --separate-stderr vd --root "$LOGS" logs cmdline --shell "$guest"
		same "$(tail -n +2 <<<"$output")" "$(sed -n '2,/^-msg timestamp=on$/p' "$log")"
	done
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

@test "logs show: a log over three files -> one stream, byte for byte" {
	run -0 --separate-stderr vd --root "$LOGS" logs show lf-rot
	same "$output" "$(cat "$LOGS/$QEMU/lf-rot.log.1" "$LOGS/$QEMU/lf-rot.log.0" "$LOGS/$QEMU/lf-rot.log")"
	run -0 --separate-stderr vd --root "$LOGS" --json logs show lf-rot
	same "$(jq -r .text <<<"$output")" "$(cat "$LOGS/$QEMU/lf-rot.log.1" "$LOGS/$QEMU/lf-rot.log.0" "$LOGS/$QEMU/lf-rot.log")"
	# file and offset lead to the line
	jq -r '"\(.file)\t\(.offset)\t\(.text)"' <<<"$output" | while IFS=$'\t' read -r file offset text; do
		same "$(tail -c "+$((offset + 1))" "$LOGS$file" | head -n 1)" "$text"
	done
	same "$(jq -r .boot <<<"$output" | uniq -c | awk '{print $2}' | tr '\n' ' ')" "-3 -2 -1 0 "
}

@test "logs show: real logs -> the kind of every line" {
	# kinds GUEST: kind and number of consecutive lines
	kinds() {
		run -0 --separate-stderr vd --root "$LOGS" --json logs show "$1"
		rows=$(jq -r .kind <<<"$output" | uniq -c | awk '{printf "%s%s%s", s, $2, ($1 > 1 ? "*" $1 : ""); s = " "}')
	}
	kinds lf-badarg
	same "$rows" "start env*6 argv*27 tainted libvirt qemu-error shutdown"
	kinds lf-perm
	same "$rows" "start env*6 argv*29 libvirt chardev qemu-error shutdown"
	kinds lf-child
	same "$rows" "start env*6 argv*26 libvirt*27 chardev qemu shutdown"
	kinds lf-childenv
	same "$rows" "start env*6 argv*26 libvirt*2 chardev qemu shutdown"
	kinds lf-a
	same "$rows" "start env*6 argv*26 libvirt chardev tainted qemu shutdown start env*6 argv*26 libvirt chardev qemu shutdown"
	kinds lf-lxcnoinit
	same "$rows" "start argv*2 libvirt*6 container*2"
	kinds lf-nodisk
	same "$rows" shutdown
}

@test "logs show: QEMU errors in their many forms, helpers, events, oddities -> kind and level" {
	{
		block "2026-11-20 10:00:00.000+0000"
		cat <<-'END'
			2026-11-20 10:00:00.100+0000: Starting external device: TPM Emulator
			/usr/bin/swtpm socket --tpmstate dir=/x --daemon
			2026-11-20 10:00:00.200+0000: Starting external device: virtiofsd
			/usr/libexec/virtiofsd --fd=30
			libvirt:  error : cannot execute binary /usr/bin/q: Permission denied
			2026-11-20T10:00:01.000000Z qemu-system-x86_64: -blockdev {"node-name":"f"}: Image is not in qcow2 format
			qemu-kvm: -drive file=/x: could not open disk image /x: Invalid argument
			2026-11-20T10:00:02.000000Z qemu-system-x86_64: warning: host doesn't support requested feature: svm
			KVM internal error. Suberror: 1
			EAX=00000000 EBX=00000000
			qemu-system-x86_64: ../hw/x.c:1: f: Assertion `x' failed.
			2026-11-20T10:00:03.000000Z my-wrapper: some trouble
			2026-11-20 10:00:04.000+0000: initiating migration
			2026-11-20 10:00:05.000+0000: panic s390: core='0'
			Fehler: irgendetwas
			2026-11-20 10:00:06.000+0000: shutting down, reason=crashed

		END
	} | put "$QEMU/a.log"
	run -0 --separate-stderr vd --root "$ROOT" --json logs show a
	same "$(jq -r '"\(.kind) \(.level)"' <<<"$output" | tail -n +6)" "swtpm info
swtpm info
virtiofsd info
virtiofsd info
libvirt error
qemu-error error
qemu-error error
qemu warning
qemu-error error
qemu info
qemu-error error
qemu-error error
libvirt info
libvirt error
qemu info
shutdown error
other info"
	run -0 --separate-stderr vd --root "$ROOT" logs show --level error --kind qemu-error -n 2 a
	same "$output" 'qemu-system-x86_64: ../hw/x.c:1: f: Assertion `x'"'"' failed.
2026-11-20T10:00:03.000000Z my-wrapper: some trouble'
}

@test "logs show: -b, -n, --since, --until, --grep -> just those lines" {
	run -0 --separate-stderr vd --root "$LOGS" logs show -b -1 -n 1 lf-a
	same "$output" "2026-11-23 09:45:50.138+0000: shutting down, reason=destroyed"
	run -0 --separate-stderr vd --root "$LOGS" logs show -b 1 -n 1 lf-a
	same "$output" "2026-11-23 09:45:50.138+0000: shutting down, reason=destroyed"
	run -0 --separate-stderr vd --root "$LOGS" logs show --since '2026-11-23 09:45:54 UTC' lf-a
	same "$output" "2026-11-23 09:45:54.136+0000: shutting down, reason=destroyed"
	run -0 --separate-stderr vd --root "$LOGS" logs show --until '2026-11-23T09:45:39.600Z' --grep '^char|OBJECT_(?=UNREF)' lf-a
	same "$output" "2026-11-23 09:45:39.543+0000: 1108: info : virObjectUnref:378 : OBJECT_UNREF: obj=0x7f92c801c130
char device redirected to /dev/pts/0 (label charserial0)"
	run -0 --separate-stderr vd --root "$LOGS" logs show -n 0 lf-a
	same "$output" ""
	run -0 --separate-stderr vd --root "$LOGS" logs show --grep nowhere lf-a
	same "$stderr" "virtdiag: warning: no line of the log of lf-a is that way"
	run -2 --separate-stderr vd --root "$LOGS" logs show --grep '(' lf-a
	has "$stderr" "virtdiag: --grep: "
	run -2 --separate-stderr vd --root "$LOGS" logs show --kind nosuch lf-a
	has "$stderr" "'nosuch' is no kind of line"
	run -2 --separate-stderr vd --root "$LOGS" logs show --since whenever lf-a
	has "$stderr" "'whenever' is no time"
	run -3 --separate-stderr vd --root "$LOGS" logs show -b -7 lf-a
	has "$stderr" "there is no start -7"
}

@test "logs show -n: every number, plain and packed files -> as tail counts" {
	cat "$LOGS/$QEMU/lf-rot.log.1" "$LOGS/$QEMU/lf-rot.log.0" "$LOGS/$QEMU/lf-rot.log" >"$BATS_TEST_TMPDIR/all"
	for n in 1 13 14 60 61 62 100 1000; do
		run -0 --separate-stderr vd --root "$LOGS" logs show -n "$n" lf-rot
		same "$output" "$(tail -n "$n" "$BATS_TEST_TMPDIR/all")"
		run -0 --separate-stderr vd --root "$LOGS" --json logs show -n "$n" lf-rot
		same "$(jq -r .text <<<"$output")" "$(tail -n "$n" "$BATS_TEST_TMPDIR/all")"
	done
	gzip -c "$LOGS/$QEMU/lf-rot.log.1" | put "$QEMU/a.log.2.gz"
	zstd -qc "$LOGS/$QEMU/lf-rot.log.0" | put "$QEMU/a.log.1.zst"
	put "$QEMU/a.log" <"$LOGS/$QEMU/lf-rot.log"
	run -0 --separate-stderr vd --root "$ROOT" logs show -n 61 a
	same "$output" "$(tail -n 61 "$BATS_TEST_TMPDIR/all")"
}

@test "logs show -n: the last lines of 10 GB -> from the end, at once" {
	block "2026-11-20 10:00:00.000+0000" | put "$QEMU/a.log"
	truncate -s 10G "$ROOT/$QEMU/a.log"
	{
		echo
		block "2026-11-21 10:00:00.000+0000"
		echo "2026-11-21T10:00:01.000000Z qemu-system-x86_64: trouble"
	} >>"$ROOT/$QEMU/a.log"
	run -0 --separate-stderr timeout 20 "$VIRTDIAG" --root "$ROOT" --json logs show -n 2 a
	size=$(stat -c %s "$ROOT/$QEMU/a.log")
	same "$(jq -r '"\(.boot) \(.kind) \(.offset)"' <<<"$output")" "0 argv $((size - 56 - 18))
0 qemu-error $((size - 56))"
}

@test "logs show: binary, escapes, a cut character, 3 MiB in a line -> escaped text, valid JSON" {
	{
		printf 'nul\000 esc\033[31m bad\377 del\177 \303\274\n'
		printf '\303'
		head -c 1048575 /dev/zero | tr '\0' x
		printf '\303\274'
		head -c 2000000 /dev/zero | tr '\0' y
		printf '\342\202\n'
		printf 'no newline'
	} | put "$QEMU/a.log"
	run -0 --separate-stderr vd --root "$ROOT" logs show a
	same "${lines[0]}" 'nul\x00 esc\e[31m bad\xff del\x7f ü'
	same "${#lines[1]}" "$((4 + 1048575 + 1 + 2000000 + 8))"
	same "${lines[2]}" "no newline"
	vd --root "$ROOT" --json logs show a >"$BATS_TEST_TMPDIR/json"
	iconv -f UTF-8 -t UTF-8 "$BATS_TEST_TMPDIR/json" >/dev/null
	same "$(jq -rj 'select(.offset == 0) | .text_bytes' "$BATS_TEST_TMPDIR/json" | base64 -d | od -c)" \
		"$(head -n 1 "$ROOT/$QEMU/a.log" | head -c -1 | od -c)"
	jq -rj 'select(.offset > 0 and .text_bytes) | .text_bytes' "$BATS_TEST_TMPDIR/json" | base64 -d |
		cmp - <(sed -n 2p "$ROOT/$QEMU/a.log" | head -c -1)
	same "$(jq -s -c '.[1].text | [length, .[1048574:1048578]]' "$BATS_TEST_TMPDIR/json")" "[$((1 + 1048575 + 1 + 2000000 + 2)),\"xxüy\"]"
}

@test "logs show: a line that a rotation cut in the middle -> one line; one that a crash cut -> two" {
	printf '2026-11-20T10:00:00.000000Z qemu: one ha' | put "$QEMU/a.log.1"
	printf 'lf\n2026-11-20T10:00:01.000000Z qemu: cut o' | put "$QEMU/a.log.0"
	printf '2026-11-20 10:00:02.000+0000: starting up\n' | put "$QEMU/a.log"
	run -0 --separate-stderr vd --root "$ROOT" logs show a
	same "$output" "2026-11-20T10:00:00.000000Z qemu: one half
2026-11-20T10:00:01.000000Z qemu: cut o
2026-11-20 10:00:02.000+0000: starting up"
}

@test "logs show --grep: a match beyond the first MiB of a line -> not found, and said" {
	{
		head -c 2000000 /dev/zero | tr '\0' x
		echo needle
	} | put "$QEMU/a.log"
	run -0 --separate-stderr vd --root "$ROOT" logs show --grep needle a
	same "$output" ""
	has "$stderr" "--grep saw only the first MiB of 1 long line"
}

@test "logs show --kind: virtiofsd and swtpm -> the lines of the helpers' own logs" {
	echo "2026-11-20 10:00:00.000+0000: starting up" | put "$QEMU/a.log"
	echo "[2026-11-20T10:00:01Z ERROR virtiofsd] Waiting for daemon failed" | put "$QEMU/a-fs0-virtiofsd.log"
	echo "Starting vTPM manufacturing as tss:tss" | put var/log/swtpm/libvirt/qemu/a-swtpm.log
	run -0 --separate-stderr vd --root "$ROOT" --json logs show --kind virtiofsd,swtpm a
	same "$(jq -c '[.kind, .level, .time, .boot]' <<<"$output")" '["virtiofsd","error","2026-11-20T10:00:01.000000Z",null]
["swtpm","info",null,null]'
	run -0 --separate-stderr vd --root "$ROOT" logs show a
	same "$output" "2026-11-20 10:00:00.000+0000: starting up"
}

@test "logs show: the output cannot be written, the reader leaves -> status 3, no crash" {
	run -3 --separate-stderr bash -c '"$1" --root "$2" logs show lf-a >/dev/full' _ "$VIRTDIAG" "$LOGS"
	has "$stderr" "cannot write the output"
	head -c 3000000 /dev/zero | tr '\0' '\n' | put "$QEMU/a.log"
	# ended by SIGPIPE, as cat would be
	run -0 --separate-stderr bash -c '"$1" --root "$2" logs show a | head -n 2' _ "$VIRTDIAG" "$ROOT"
	same "$stderr" ""
}

@test "logs show: a rotated file that ends in damage -> its last line ends there and is not that of the next file" {
	local dir=$BATS_TEST_TMPDIR/torn/var/log/libvirt/qemu
	mkdir -p "$dir"
	seq 1000000 1020000 | gzip >"$dir/a.log.0.gz"
	truncate -s 20000 "$dir/a.log.0.gz"
	echo 'the first line' >"$dir/a.log"
	run -3 --separate-stderr vd --root "$BATS_TEST_TMPDIR/torn" logs show a
	same "${lines[-1]}" 'the first line'
	has "$stderr" a.log.0.gz
}
