#!/usr/bin/env bats
# Protects `virtdiag guests`: every guest of a host with its state, whatever it is called and whatever lies beside it.
# bats sets stderr and stderr_lines.
# shellcheck disable=SC2154
load helpers

ZOO=$HOSTS/guests-zoo

@test "guests: host with odd names and broken files -> all others listed, exit 3" {
	run -3 --separate-stderr vd --root "$ZOO" guests
	same "$output" "\
GUEST          DRIVER   ID  UUID                                  STATE     REASON      PID  SINCE                 JOB                       LAST_FAILURE
7              qemu      -  00000000-0000-4000-8000-000000000009  shut off  -             -  -                     -                         2026-11-23 09:47:31Z
a.b-c          qemu      -  00000000-0000-4000-8000-000000000003  shut off  -             -  -                     -                         2026-11-23 09:47:32Z
both           qemu      -  00000000-0000-4000-8000-000000000008  shut off  -             -  -                     -                         -
büro           qemu      -  00000000-0000-4000-8000-000000000002  shut off  -             -  -                     -                         -
db1            qemu      7  00000000-0000-4000-8000-000000000007  running   booted     4711  2026-11-23 03:03:01Z  -                         -
renamed        qemu      -  00000000-0000-4000-8000-000000000004  shut off  -             -  -                     -                         -
transient one  qemu     12  00000000-0000-4000-8000-000000000011  paused    migrating  4712  -                     migration out (perform3)  -
twin           qemu      -  00000000-0000-4000-8000-000000000005  shut off  -             -  -                     -                         -
web 01         qemu      -  00000000-0000-4000-8000-000000000001  shut off  -             -  -                     -                         2026-11-23 09:47:36Z
both           lxc       -  00000000-0000-4000-8000-000000000101  shut off  -             -  -                     -                         -
c1             lxc     653  00000000-0000-4000-8000-000000000102  running   booted      653  -                     -                         -"
	has "$stderr" "/etc/libvirt/qemu/broken.xml: line 4: "
	has "$stderr" "/etc/libvirt/qemu/empty.xml: line 1: the file is empty"
	has "$stderr" "/etc/libvirt/qemu/a-twin.xml: describes the guest 'twin', as /etc/libvirt/qemu/twin.xml does already"
	has "$stderr" "/etc/libvirt/qemu/xen.xml: line 1: domain type 'xen'"
	has "$stderr" "/etc/libvirt/qemu/status-here.xml: "
	has "$stderr" "/etc/libvirt/qemu/container.xml: "
	has "$stderr" "/run/libvirt/lxc/plain.xml: "
	same "${#stderr_lines[@]}" 7
}

@test "guests: --json -> one document with every column" {
	run -3 --separate-stderr vd --root "$ZOO" guests --json
	same "$(json '[.schema, .command, .status, .host.name, (.guests | length), (.missing | length)] | @json')" \
		'["virtdiag/1","guests","unknown","zoo",11,7]'
	same "$(json '.guests[] | select(.guest == "db1") | @json')" \
		'{"guest":"db1","driver":"qemu","id":7,"uuid":"00000000-0000-4000-8000-000000000007","state":"running","reason":"booted","pid":4711,"since":"2026-11-23T03:03:01Z","job":null,"last_failure":null,"failure_reason":null,"failure_error":null,"job_phase":null,"job_owner":null,"job_since":null,"flags":["block-job"],"title":null,"config":"/etc/libvirt/qemu/db1.xml","status_file":"/run/libvirt/qemu/db1.xml"}'
	same "$(json '.guests[] | select(.job) | [.guest, .job, .job_phase, .job_owner, .job_since, .config, (.flags | join("+"))] | @json')" \
		'["transient one","migration out","perform3",null,"2026-11-23T03:03:01Z",null,"transient"]'
	same "$(json '.guests[] | select(.guest == "web 01") | [.id, .pid, .since, (.flags | join("+"))] | @json')" \
		'[null,null,null,"autostart"]'
	same "$(json '.guests[] | select(.guest == "büro") | .flags | join("+")')" managed-save
	same "$(json '.missing[] | select(.what | endswith("empty.xml")) | .why')" "line 1: the file is empty"
}

@test "guests: last failure -> when, how, and the first error of it" {
	run -3 --separate-stderr vd --root "$ZOO" guests --json
	same "$(json '.guests[] | select(.last_failure) | [.guest, .last_failure, .failure_reason, .failure_error] | @json')" \
		'["7","2026-11-23T09:47:31Z","failed before QEMU",null]
["a.b-c","2026-11-23T09:47:32Z","crashed",null]
["web 01","2026-11-23T09:47:36Z","failed","-nosuchoption: invalid option"]'
	# what lies further back than the end of the newest log does not count, and the log may be long
	cp -r "$ZOO" "$BATS_TEST_TMPDIR/long"
	yes 'qemu-system-x86_64: warning: said again' | head -n 100000 >>"$BATS_TEST_TMPDIR/long/var/log/libvirt/qemu/web 01.log"
	run -3 --separate-stderr vd --root "$BATS_TEST_TMPDIR/long" guests --json
	same "$(json '[.guests[] | select(.last_failure) | .guest] | join(",")')" '7,a.b-c'
}

@test "guests: name, UUID, id and prefix -> that guest" {
	local spec
	for spec in c1 lxc:c1 653 00000000-0000-4000-8000-000000000102 00000000000040008000000000000102; do
		run -0 --separate-stderr vd --root "$ZOO" guests -n -r -o GUEST,DRIVER "$spec"
		same "$output" "c1 lxc"
	done
	run -0 --separate-stderr vd --root "$ZOO" guests -n -r -o GUEST,UUID 7
	same "$output" "7 00000000-0000-4000-8000-000000000009"
	run -0 --separate-stderr vd --root "$ZOO" guests -n -o GUEST "web 01" qemu:both 12 "web 01"
	same "$output" $'web 01\nboth\ntransient one'
}

@test "guests: with operands only files that may be about these guests decide the status, others are told" {
	local h=$BATS_TEST_TMPDIR/h
	cp -r "$ZOO" "$h"
	run -0 --separate-stderr vd --root "$h" guests 7
	has "$stderr" "/etc/libvirt/qemu/broken.xml"
	# another file says that it describes this guest
	run -3 --separate-stderr vd --root "$h" guests twin
	# the guest's own state
	echo '<domstatus' >"$h/run/libvirt/qemu/7.xml"
	run -3 --separate-stderr vd --root "$h" guests 7
	run -3 --separate-stderr vd --root "$h" guests 7 "web 01"
	run -0 --separate-stderr vd --root "$h" guests "web 01"
	# a directory may hold anything
	rm -r "$h/run/libvirt/lxc"
	: >"$h/run/libvirt/lxc"
	run -3 --separate-stderr vd --root "$h" guests "web 01"
	has "$stderr" /run/libvirt/lxc
}

@test "guests: ambiguous name -> exit 2 with the candidates" {
	run -2 --separate-stderr vd --root "$ZOO" guests both
	same "$output" ""
	has "$stderr" "qemu:both, lxc:both"
}

@test "guests: unknown name -> exit 3 with a suggestion" {
	run -3 --separate-stderr vd --root "$ZOO" guests web01
	same "$output" ""
	has "$stderr" "did you mean 'web 01'?"
}

@test "guests: --all and a name -> usage error" {
	run -2 --separate-stderr vd --root "$ZOO" guests --all db1
	same "$output" ""
	run -3 --separate-stderr vd --root "$ZOO" guests --all -n -o GUEST
	same "${#lines[@]}" 11
}

@test "guests: --session=USER -> that user's guests only" {
	run -0 --separate-stderr vd --root "$ZOO" --session=alice guests
	same "$output" "\
GUEST  DRIVER  ID  UUID                                  STATE    REASON   PID  SINCE  JOB  LAST_FAILURE
desk   qemu     1  00000000-0000-4000-8000-000000000201  running  booted  2000  -      -    -"
	run -3 --separate-stderr vd --root "$ZOO" --session=nobody-at-all guests
	same "$output" ""
	has "$stderr" "nobody-at-all"
}

@test "guests: host without libvirt -> no guests, exit 0" {
	mkdir "$BATS_TEST_TMPDIR/empty"
	run -0 --separate-stderr vd --root "$BATS_TEST_TMPDIR/empty" guests
	same "$output" "no guests"
	same "$stderr" ""
	run -0 --separate-stderr vd --root "$BATS_TEST_TMPDIR/empty" guests --json
	same "$(json '[.status, .guests] | @json')" '["ok",[]]'
}

@test "guests: hostile files -> refused, the others listed, no escape sequences" {
	local dir=$BATS_TEST_TMPDIR/hostile/etc/libvirt/qemu i
	mkdir -p "$dir"
	printf '<domain type="kvm"><name>a&#x9b;31m&#10;b\\</name></domain>' >"$dir/escape.xml"
	{
		printf '<domain type="kvm"><name>huge</name><!--'
		head -c 9000000 /dev/zero | tr '\0' x
		printf -- '--></domain>'
	} >"$dir/huge.xml"
	{
		printf '<!DOCTYPE d [<!ENTITY l0 "lol">'
		for i in 1 2 3 4 5 6 7 8 9; do
			printf '<!ENTITY l%d "' "$i"
			for _ in 1 2 3 4 5 6 7 8 9 10; do printf '&l%d;' $((i - 1)); done
			printf '">'
		done
		printf ']><domain type="kvm"><name>laughs</name><title>&l9;</title></domain>'
	} >"$dir/laughs.xml"
	printf '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><domain type="kvm"><name>xxe</name><title>[&x;]</title></domain>' >"$dir/xxe.xml"
	mkfifo "$dir/fifo.xml"
	mkdir "$dir/dir.xml"
	ln -s /etc/passwd "$dir/outside.xml"
	ln -s loop.xml "$dir/loop.xml"
	run -3 --separate-stderr vd --root "$BATS_TEST_TMPDIR/hostile" guests -n -o GUEST,TITLE
	same "${lines[0]}" 'a\xc2\x9b31m\nb\  -'
	same "${lines[1]}" 'xxe               []'
	same "${#lines[@]}" 2
	has "$stderr" huge.xml
	has "$stderr" laughs.xml
	has "$stderr" fifo.xml
	has "$stderr" dir.xml
	has "$stderr" loop.xml
	hasnt "$stderr" root:
}

@test "guests: name that a terminal would act on -> escaped in JSON, not offered by completion" {
	local dir=$BATS_TEST_TMPDIR/names/etc/libvirt/qemu
	mkdir -p "$dir"
	printf '<domain type="kvm"><name>a&#x9b;31m&#x202e;</name></domain>' >"$dir/a.xml"
	printf '<domain type="kvm"><name>tab&#9;x</name></domain>' >"$dir/b.xml"
	printf '<domain type="kvm"><name>café</name></domain>' >"$dir/c.xml"
	run -0 --separate-stderr vd --root "$BATS_TEST_TMPDIR/names" guests --json
	has "$output" '"guest": "a\u009b31m\u202e"'
	has "$output" '"guest": "café"'
	same "$(json '.guests[0].guest')" $'a\u009b31m\u202e'
	run -0 --separate-stderr vd __complete -- --root "$BATS_TEST_TMPDIR/names" guests ''
	same "$(grep -c "qemu" <<<"$output")" 1
	has "$output" café
}

@test "guests: a directory that cannot be listed -> named, exit 3" {
	mkdir -p "$BATS_TEST_TMPDIR/odd/etc/libvirt"
	: >"$BATS_TEST_TMPDIR/odd/etc/libvirt/qemu"
	run -3 --separate-stderr vd --root "$BATS_TEST_TMPDIR/odd" guests
	same "$output" ""
	has "$stderr" /etc/libvirt/qemu
}

@test "guests: a thousand guests -> all listed" {
	local dir=$BATS_TEST_TMPDIR/many/etc/libvirt/qemu i
	mkdir -p "$dir"
	for i in {1..1000}; do
		printf '<domain type="kvm"><name>g%d</name></domain>' "$i" >"$dir/g$i.xml"
	done
	run -0 --separate-stderr vd --root "$BATS_TEST_TMPDIR/many" guests -n -o GUEST
	same "${#lines[@]}" 1000
}

@test "guests: --help -> exit 0 on stdout" {
	run -0 --separate-stderr vd guests --help
	has "$output" "virtdiag guests"
	same "$stderr" ""
}

@test "guests: a capture whose clock is at the end of time -> its years as they are" {
	local h=$BATS_TEST_TMPDIR/late
	mkdir -p "$h/etc/libvirt/qemu" "$h/run/libvirt/qemu" "$h/proc/7"
	echo "<domstatus state='running' reason='booted' pid='7'><domain type='kvm' id='1'><name>a</name></domain></domstatus>" \
		>"$h/run/libvirt/qemu/a.xml"
	printf 'cpu 1\nbtime 67768036191676799\n' >"$h/proc/stat"
	echo "7 (q) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 0 20" >"$h/proc/7/stat"
	run -0 --separate-stderr vd --json --root "$h" guests
	same "$(jq -r '.guests[0].since' <<<"$output")" 2147485547-12-31T23:59:59Z
	run -0 --separate-stderr vd --root "$h" guests -o SINCE
	has "$output" 2147485547-12-31
}
