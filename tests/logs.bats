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
