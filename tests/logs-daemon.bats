#!/usr/bin/env bats
# virtdiag logs daemon: which records of libvirt's own logs are shown, and how.
load helpers

LOG=$BATS_TEST_DIRNAME/data/logs/libvirtd.log

# rec SECONDS THREAD LEVEL FUNCTION TEXT: a record
rec() {
	printf '2026-11-23 09:47:%s+0000: %s: %s : %s:7 : %s\n' "$1" "$2" "$3" "$4" "$5"
}

# jsons EXPR: a jq expression on all objects of $output as one array
jsons() {
	jq -rs "$1" <<<"$output"
}

some() {
	rec 01.000 1 debug virFileWriteStr 'open /a'
	rec 02.000 2 info virObjectRef 'OBJECT_REF: obj=0x1'
	echo '  and a line more'
	rec 03.000 1 warning qemuDomainObjTaint 'tainted'
	rec 04.000 2 error virNetSocketReadWire 'End of file while reading data: Input/output error'
}

@test "logs daemon: without conditions -> every line, carriage returns dropped" {
	run -0 --separate-stderr vd logs daemon "$LOG"
	same "$output" "$(tr -d '\r' <"$LOG")"
	same "$stderr" ""
}

@test "logs daemon: standard input, and a compressed file -> the same" {
	gzip -c "$LOG" >"$BATS_TEST_TMPDIR/l.gz"
	vd logs daemon "$LOG" >"$BATS_TEST_TMPDIR/plain"
	run -0 --separate-stderr vd logs daemon "$BATS_TEST_TMPDIR/l.gz"
	same "$output" "$(cat "$BATS_TEST_TMPDIR/plain")"
	run -0 --separate-stderr vd logs daemon - <"$LOG"
	same "$output" "$(cat "$BATS_TEST_TMPDIR/plain")"
}

@test "logs daemon: --level -> this one and graver ones, with the lines that belong to them" {
	some >"$BATS_TEST_TMPDIR/l"
	run -0 --separate-stderr vd logs daemon --level info "$BATS_TEST_TMPDIR/l"
	same "$output" "$(some | tail -n +2)"
	run -0 --separate-stderr vd logs daemon --level error "$BATS_TEST_TMPDIR/l"
	same "$output" "$(some | tail -n 1)"
}

@test "logs daemon: --thread, --function, --category, --since, --until -> records that fit all" {
	some >"$BATS_TEST_TMPDIR/l"
	run -0 --separate-stderr vd logs daemon --thread 1 "$BATS_TEST_TMPDIR/l"
	same "$output" "$(some | sed -n '1p;4p')"
	run -0 --separate-stderr vd logs daemon --function 'virObject*' "$BATS_TEST_TMPDIR/l"
	same "$output" "$(some | sed -n '2,3p')"
	run -0 --separate-stderr vd logs daemon --category 'util.*' "$BATS_TEST_TMPDIR/l"
	same "$output" "$(some | sed -n '1,3p;5p')"
	run -0 --separate-stderr vd logs daemon --category util.error "$BATS_TEST_TMPDIR/l"
	same "$output" "$(some | tail -n 1)"
	run -0 --separate-stderr vd logs daemon --since '2026-11-23 09:47:02 UTC' --until '2026-11-23 09:47:03Z' "$BATS_TEST_TMPDIR/l"
	same "$output" "$(some | sed -n '2,4p')"
	run -0 --separate-stderr vd logs daemon --thread 2 --level error "$BATS_TEST_TMPDIR/l"
	same "$output" "$(some | tail -n 1)"
}

@test "logs daemon: --guest -> what its jobs did, in all threads" {
	run -0 --separate-stderr vd logs daemon --guest lf-ok "$LOG"
	has "$output" 'QEMU_MONITOR_NEW: mon=0x7f92fc011010'
	has "$output" '"execute":"qmp_capabilities"'
	hasnt "$output" "adminDispatchConnectClose"
	run -0 --separate-stderr vd logs daemon --guest nobody "$LOG"
	same "$output" ""
}

@test "logs daemon, stats: no record of that guest or thread, or that fits -> said" {
	some >"$BATS_TEST_TMPDIR/l"
	run -0 --separate-stderr vd logs daemon --guest nosuch "$BATS_TEST_TMPDIR/l"
	same "$output" ""
	has "$stderr" 'no record about nosuch was found there'
	run -0 --separate-stderr vd logs daemon --thread 99 "$BATS_TEST_TMPDIR/l"
	same "$output" ""
	has "$stderr" 'no record of thread 99 was found there'
	run -0 --separate-stderr vd logs daemon --json --thread 99 --level error "$BATS_TEST_TMPDIR/l"
	same "$output" ""
	has "$stderr" 'no record of thread 99 that fits the other conditions was found there'
	run -0 --separate-stderr vd logs daemon --grep nosuch "$BATS_TEST_TMPDIR/l"
	has "$stderr" 'no record that fits the conditions was found there'
	run -0 --separate-stderr vd logs daemon --thread 1 "$BATS_TEST_TMPDIR/l"
	same "$stderr" ""
	run -0 --separate-stderr vd logs stats --thread 99 "$BATS_TEST_TMPDIR/l"
	has "$stderr" 'no record of thread 99 was found there'
	: >"$BATS_TEST_TMPDIR/l"
	run -0 --separate-stderr vd logs daemon "$BATS_TEST_TMPDIR/l"
	same "$stderr" ""
}

@test "logs daemon: --grep -> the records that match, whole; many lines at once and one by one find the same" {
	for pattern in 'name=lf-(ok|kvm)' '^  path' 'fd=-1' 'port 0' '\d+: error' 'OBJECT_UNREF' '$' 'x*'; do
		vd logs daemon --grep "$pattern" "$LOG" >"$BATS_TEST_TMPDIR/many"
		vd logs daemon --grep "(?=.|$)(?:$pattern)" "$LOG" >"$BATS_TEST_TMPDIR/one"
		cmp "$BATS_TEST_TMPDIR/many" "$BATS_TEST_TMPDIR/one"
		[ -s "$BATS_TEST_TMPDIR/many" ]
	done
	some >"$BATS_TEST_TMPDIR/l"
	run -0 --separate-stderr vd logs daemon --grep 'line more' "$BATS_TEST_TMPDIR/l"
	same "$output" "$(some | sed -n '2,3p')"
}

@test "logs daemon: --grep in a line of several MiB -> looks at its first MiB and says so" {
	{
		rec 01.000 1 debug f "$(printf 'x%.0s' {1..100})needle"
		printf '2026-11-23 09:47:02.000+0000: 1: debug : f:7 : '
		head -c 3000000 /dev/zero | tr '\0' y
		echo needle
		rec 03.000 1 debug f needle
	} >"$BATS_TEST_TMPDIR/l"
	run -0 --separate-stderr vd logs daemon --grep needle "$BATS_TEST_TMPDIR/l"
	[ "${#lines[@]}" -eq 2 ]
	has "$stderr" 'longer than 1 MiB'
	run -0 --separate-stderr vd logs daemon --grep 'yyyy' "$BATS_TEST_TMPDIR/l"
	[ "${#output}" -gt 3000000 ]
}

@test "logs daemon, show: --grep with a pattern that explodes -> what matches is shown, 3 and why" {
	local dir=$BATS_TEST_TMPDIR/root/var/log/libvirt/qemu why='gave up on some lines'
	{
		rec 01.000 1 debug f "$(printf 'a%.0s' {1..3000})b"
		rec 02.000 1 debug f xyz
	} >"$BATS_TEST_TMPDIR/l"
	run -3 --separate-stderr vd logs daemon --grep '(a+)+$|x(y+)*z' "$BATS_TEST_TMPDIR/l"
	same "$output" "$(rec 02.000 1 debug f xyz)"
	has "$stderr" "$why"
	run -0 --separate-stderr vd logs daemon --grep 'x(y+)*z' "$BATS_TEST_TMPDIR/l"
	same "$stderr" ""
	mkdir -p "$dir"
	cp "$BATS_TEST_TMPDIR/l" "$dir/a.log"
	run -3 --separate-stderr vd --root "$BATS_TEST_TMPDIR/root" logs show --grep '(a+)+$|x(y+)*z' a
	has "$output" xyz
	has "$stderr" "$why"
}

@test "logs daemon: several logs -> merged by time, each line with its log" {
	{
		rec 01.000 1 debug f a1
		rec 03.000 1 debug f a3
		echo more of a3
	} >"$BATS_TEST_TMPDIR/virtqemud.log"
	{
		rec 02.000 1 debug f b2
		rec 04.000 1 debug f b4
	} >"$BATS_TEST_TMPDIR/virtlogd.log"
	run -0 --separate-stderr vd logs daemon "$BATS_TEST_TMPDIR"/virt{qemud,logd}.log
	same "$output" "virtqemud.log: $(rec 01.000 1 debug f a1)
virtlogd.log: $(rec 02.000 1 debug f b2)
virtqemud.log: $(rec 03.000 1 debug f a3)
virtqemud.log: more of a3
virtlogd.log: $(rec 04.000 1 debug f b4)"
}

@test "logs daemon: NUL, escapes and bytes that are not UTF-8 -> shown escaped" {
	printf '2026-11-23 09:47:01.000+0000: 1: debug : f:7 : a\0b\033[31m\377c\tt \303\251\n' >"$BATS_TEST_TMPDIR/l"
	run -0 --separate-stderr vd logs daemon "$BATS_TEST_TMPDIR/l"
	same "$output" "$(printf '2026-11-23 09:47:01.000+0000: 1: debug : f:7 : a\\x00b\\e[31m\\xffc\tt \303\251')"
}

@test "logs daemon: --json -> an object per line, valid UTF-8, the bytes beside it" {
	{
		some
		printf '\377\0"\\\n'
	} >"$BATS_TEST_TMPDIR/l"
	run -0 --separate-stderr vd logs daemon --json "$BATS_TEST_TMPDIR/l"
	same "$(jsons '[.[]|[.time,.level,.thread,.category,.function,.line,.continues,.offset,.text]|@json]|.[0:3]|join("\n")')" \
		'["2026-11-23T09:47:01.000000Z","debug",1,"util.file","virFileWriteStr",7,false,0,"open /a"]
["2026-11-23T09:47:02.000000Z","info",2,"util.object","virObjectRef",7,false,69,"OBJECT_REF: obj=0x1"]
["2026-11-23T09:47:02.000000Z","info",2,"util.object",null,null,true,146,"  and a line more"]'
	same "$(jsons '.[-1]|[(.text|explode),.text_bytes,.level]|@json')" '[[65533,0,34,92],"/wAiXA==","error"]'
	run -0 --separate-stderr vd logs daemon --json "$LOG"
	same "$(jsons 'length')" "$(wc -l <"$LOG")"
	same "$(jsons 'map(select(.guest=="lf-ok"))|length > 20')" true
}

@test "logs daemon: --json, a line of 3 MiB that is not UTF-8 -> its bytes beside it, where there is room for them" {
	{
		head -c 1500000 /dev/zero | tr '\0' x
		printf '\377'
		head -c 1500000 /dev/zero | tr '\0' y
	} >"$BATS_TEST_TMPDIR/text"
	{
		printf '2026-11-23 09:47:01.000+0000: 1: debug : f:7 : '
		cat "$BATS_TEST_TMPDIR/text"
		printf '\n'
		rec 02.000 1 debug f short
	} >"$BATS_TEST_TMPDIR/l"
	vd logs daemon --json "$BATS_TEST_TMPDIR/l" >"$BATS_TEST_TMPDIR/json"
	jq -rj '.text_bytes // empty' "$BATS_TEST_TMPDIR/json" | base64 -d | cmp - "$BATS_TEST_TMPDIR/text"
	same "$(jq -r '.text[-5:]' "$BATS_TEST_TMPDIR/json")" "yyyyy
short"
	run -0 --separate-stderr bash -c 'trap "" XFSZ; ulimit -f 1000; "$VIRTDIAG" logs daemon --json "$1" | cat' - "$BATS_TEST_TMPDIR/l"
	has "$stderr" 'the bytes of a long line are left out'
	same "$(jsons '[.[] | .text_bytes] | @json')" '[null,null]'
}

@test "logs daemon: older forms, journal and syslog prefixes -> read alike" {
	{
		echo '14:29:04.771: debug : fn:7 : old'
		echo '14:36:57.223: 14351: warning : fn:7 : less old'
		echo 'Nov 23 09:47:18 vm libvirtd[264]: 26489: error : f:1 : by syslog'
		echo 'Nov 23 09:47:18 vm libvirtd[264]: native'
	} >"$BATS_TEST_TMPDIR/l"
	run -0 --separate-stderr vd logs daemon --json "$BATS_TEST_TMPDIR/l"
	same "$(jsons '[.[]|[.level,.thread,.function,.text]|@json]|join("\n")')" '["debug",null,"fn","old"]
["warning",14351,"fn","less old"]
["error",26489,"f","by syslog"]
[null,null,null,"native"]'
}

@test "logs daemon: --color=always -> levels, functions, paths, guests, contexts, failures; noise dimmed" {
	{
		rec 01.000 1 error virFileOpen "cannot open '/a/b.img': Permission denied"
		rec 02.000 1 debug f 'chcon system_u:object_r:svirt_image_t:s0:c1,c2 vm=0x1 name=web, x'
		rec 03.000 1 info virObjectRef 'OBJECT_REF: obj=/a/b'
		rec 04.000 1 error f 'Errors: unable, fails; it was refused, timed out or denied: a Failure that failed, renamed'
	} >"$BATS_TEST_TMPDIR/l"
	run -0 --separate-stderr vd logs daemon --color=always "$BATS_TEST_TMPDIR/l"
	has "${lines[0]}" $'\033[1;31merror\033[0m'
	has "${lines[0]}" $'\033[36mvirFileOpen\033[0m'
	has "${lines[0]}" $'\033[32m/a/b.img\033[0m'
	has "${lines[0]}" $'\033[1;31mcannot\033[0m'
	has "${lines[0]}" $'\033[1;31mdenied\033[0m'
	has "${lines[1]}" $'\033[35msystem_u:object_r:svirt_image_t:s0:c1,c2\033[0m'
	has "${lines[1]}" $'name=\033[1mweb\033[0m, x'
	same "${lines[2]}" $'\033[2m'"$(rec 03.000 1 info virObjectRef 'OBJECT_REF: obj=/a/b')"$'\033[0m'
	for word in Errors unable fails refused timed denied Failure failed; do
		has "${lines[3]}" $'\033[1;31m'"$word"$'\033[0m'
	done
	hasnt "${lines[3]}" $'\033[1;31mrenamed'
	# colour adds nothing but itself
	same "$(vd logs daemon --color=always "$LOG" | sed 's/\x1b\[[0-9;]*m//g')" "$(vd logs daemon "$LOG")"
}

@test "logs daemon: a captured host -> the file that its daemon's settings name" {
	mkdir -p "$BATS_TEST_TMPDIR"/h/{etc/libvirt,var/log/own,usr/sbin}
	echo 'log_outputs = "1:file:/var/log/own/virtqemud.log"' >"$BATS_TEST_TMPDIR/h/etc/libvirt/virtqemud.conf"
	some >"$BATS_TEST_TMPDIR/h/var/log/own/virtqemud.log"
	run -0 --separate-stderr vd --root "$BATS_TEST_TMPDIR/h" logs daemon --level error
	same "$output" "$(some | tail -n 1)"
}

@test "logs daemon: a captured host with nothing of a daemon but its logs -> the usual files and the journal, merged" {
	local h=$BATS_TEST_TMPDIR/h journal=$BATS_TEST_TMPDIR/h/var/log/journal/0123456789abcdef0123456789abcdef
	mkdir -p "$h/var/log/libvirt/qemu"
	some >"$h/var/log/libvirt/qemu/guest.log"
	run -3 --separate-stderr vd --root "$h" logs daemon
	has "$stderr" 'no log of a libvirt daemon was found'
	some >"$h/var/log/libvirt/virtnetworkd.log"
	run -0 --separate-stderr vd --root "$h" logs daemon --level error
	same "$output" "$(some | tail -n 1)"
	same "$stderr" ""
	run -0 --separate-stderr vd --root "$h" logs stats --json
	same "$(json .records)" 4
	run -0 --separate-stderr vd --root "$h" logs qmp
	mkdir -p "$journal"
	xz -dc "$BATS_TEST_DIRNAME/data/logs/virtqemud.journal.xz" >"$journal/system.journal"
	run -0 --separate-stderr vd --root "$h" logs stats --json
	same "$(json .records)" 44
	rm "$h/var/log/libvirt/virtnetworkd.log"
	run -0 --separate-stderr vd --root "$h" logs daemon --json
	same "$(jsons 'map(select(.continues|not))|length')" 40
	# settings that name a file, and only that
	mkdir -p "$h/etc/libvirt"
	echo 'log_outputs = "1:file:/var/log/own.log"' >"$h/etc/libvirt/virtqemud.conf"
	some >"$h/var/log/own.log"
	run -0 --separate-stderr vd --root "$h" logs daemon
	same "$output" "$(some)"
}

@test "logs daemon: what cannot be read, wrong options -> said, 3 and 2" {
	run -3 --separate-stderr vd logs daemon "$BATS_TEST_TMPDIR/none"
	has "$stderr" 'No such file'
	some >"$BATS_TEST_TMPDIR/l"
	run -3 --separate-stderr vd logs daemon "$BATS_TEST_TMPDIR/none" "$BATS_TEST_TMPDIR/l"
	has "$output" 'tainted'
	run -3 --separate-stderr vd logs daemon "$BATS_TEST_TMPDIR"
	has "$stderr" 'Is a directory'
	run -2 --separate-stderr vd logs daemon --grep 'a(' "$BATS_TEST_TMPDIR/l"
	has "$stderr" 'invalid pattern'
	run -2 --separate-stderr vd logs daemon --since gestern "$BATS_TEST_TMPDIR/l"
	has "$stderr" '--since'
	run -2 --separate-stderr vd logs daemon --category no.such "$BATS_TEST_TMPDIR/l"
	has "$stderr" 'no log category of libvirt 9.0.0'
	run -3 --separate-stderr bash -c '"$VIRTDIAG" logs daemon "$1" >/dev/full' - "$LOG"
	has "$stderr" 'No space left'
	run -0 --separate-stderr bash -c '"$VIRTDIAG" logs daemon "$1" | head -n 1' - "$LOG"
	same "$stderr" ""
}

@test "logs daemon: a captured host whose daemon logs to the journal -> its entries, with the journal's category" {
	mkdir -p "$BATS_TEST_TMPDIR"/h/{etc/libvirt,var/log/journal/0123456789abcdef0123456789abcdef}
	echo 'log_outputs = "1:journald"' >"$BATS_TEST_TMPDIR/h/etc/libvirt/virtqemud.conf"
	run -3 --separate-stderr vd --root "$BATS_TEST_TMPDIR/h" logs daemon
	has "$stderr" 'there is no journal'
	xz -dc "$BATS_TEST_DIRNAME/data/logs/virtqemud.journal.xz" \
		>"$BATS_TEST_TMPDIR/h/var/log/journal/0123456789abcdef0123456789abcdef/system.journal"
	run -0 --separate-stderr vd --root "$BATS_TEST_TMPDIR/h" logs daemon --json
	same "$(jsons 'map(select(.continues|not))|length')" 40
	same "$(jsons '.[4]|[.time,.level,.thread,.category,.function,.line,.file]|@json')" \
		'["2026-11-23T09:47:18.576000Z","warning",4711,"network.bridge_driver","networkStateInitialize",658,"journal"]'
	hasnt "$output" 'Started something else'
	run -0 --separate-stderr vd --root "$BATS_TEST_TMPDIR/h" logs daemon --category network.bridge_driver
	[ "${#lines[@]}" -eq 1 ]
	run -0 --separate-stderr vd --root "$BATS_TEST_TMPDIR/h" logs daemon --since '2026-11-23 09:47:18.610Z' --json
	same "$(jsons 'map(select(.continues|not))|length')" 2
	# beside files that are damaged or just being made it is read
	: >"$BATS_TEST_TMPDIR/h/var/log/journal/0123456789abcdef0123456789abcdef/user-1000.journal"
	run -0 --separate-stderr vd --root "$BATS_TEST_TMPDIR/h" logs daemon --category network.bridge_driver
	[ "${#lines[@]}" -eq 1 ]
	head -c 8192 /dev/zero >"$BATS_TEST_TMPDIR/h/var/log/journal/0123456789abcdef0123456789abcdef/user-1000.journal"
	run -3 --separate-stderr vd --root "$BATS_TEST_TMPDIR/h" logs daemon --category network.bridge_driver
	[ "${#lines[@]}" -eq 1 ]
	has "$stderr" 'a file of the journal cannot be read'
	rm "$BATS_TEST_TMPDIR/h/var/log/journal/0123456789abcdef0123456789abcdef/user-1000.journal"
	echo rubbish >"$BATS_TEST_TMPDIR/h/var/log/journal/0123456789abcdef0123456789abcdef/system.journal"
	run -3 --separate-stderr vd --root "$BATS_TEST_TMPDIR/h" logs daemon
	has "$stderr" 'cannot read the journal'
}

@test "logs daemon: a file of the journal as FILE -> its entries; damaged, or with -f -> refused" {
	local file=$BATS_TEST_TMPDIR/system.journal
	xz -dc "$BATS_TEST_DIRNAME/data/logs/virtqemud.journal.xz" >"$file"
	run -0 --separate-stderr vd logs daemon --json "$file"
	same "$(jsons 'map(select(.continues|not))|length')" 40
	same "$(jsons '.[4]|[.time,.category,.file]|@json')" \
		"[\"2026-11-23T09:47:18.576000Z\",\"network.bridge_driver\",\"$file\"]"
	run -0 --separate-stderr bash -c '"$VIRTDIAG" logs daemon --category network.bridge_driver - <"$1"' - "$file"
	[ "${#lines[@]}" -eq 1 ]
	run -0 --separate-stderr vd logs stats --json "$file"
	same "$(json .records)" 40
	# beside another log, and from a time on
	some >"$BATS_TEST_TMPDIR/l"
	run -0 --separate-stderr vd logs stats --json --since '2026-11-23 09:47:18.610Z' "$file" "$BATS_TEST_TMPDIR/l"
	same "$(json .records)" 2
	run -3 --separate-stderr vd logs daemon -f "$file"
	same "$output" ""
	has "$stderr" "$file is a file of the journal and cannot be followed alone"
	head -c 4096 /dev/zero | dd of="$file" bs=8 seek=1 conv=notrunc status=none
	run -3 --separate-stderr vd logs daemon "$file"
	same "$output" ""
	has "$stderr" "cannot read the journal file $file"
}

# until FILE TEXT: waits until TEXT is in FILE
until_has() {
	for ((i = 0; i < 200; i++)); do
		if grep -qF "$2" "$1"; then return 0; fi
		sleep 0.05
	done
	cat "$1"
	return 1
}

@test "logs daemon: -f -> the last lines, then what is added, through a rotation" {
	local log=$BATS_TEST_TMPDIR/l out=$BATS_TEST_TMPDIR/out
	{
		rec 01.000 1 debug f first
		rec 02.000 1 warning f second
	} >"$log"
	"$VIRTDIAG" logs daemon -f --lines 1 --level info "$log" >"$out" 2>&1 &
	until_has "$out" second
	rec 03.000 1 debug f third >>"$log"
	rec 04.000 1 error f fourth >>"$log"
	until_has "$out" fourth
	mv "$log" "$log.1"
	rec 05.000 1 error f fifth >"$log"
	until_has "$out" fifth
	kill -INT $!
	wait $! # an ordinary end
	same "$(cat "$out")" "$(rec 02.000 1 warning f second
		rec 04.000 1 error f fourth
		rec 05.000 1 error f fifth)"
	run -2 --separate-stderr vd --root "$BATS_TEST_TMPDIR" logs daemon -f "$log"
	run -2 --separate-stderr vd logs daemon --lines 1 "$log"
	has "$stderr" "--lines goes with --follow"
}

@test "logs daemon: -f --json, a line longer than what is handed on at once -> no character of it is cut" {
	local log=$BATS_TEST_TMPDIR/l out=$BATS_TEST_TMPDIR/out fill
	printf -v fill 'ä%.0s' {1..100000}
	rec 01.000 1 error f first >"$log"
	"$VIRTDIAG" logs daemon -f --json "$log" >"$out" 2>&1 &
	until_has "$out" first
	# a piece may end at odd and at even offsets
	{
		rec 02.000 1 error f "$fill"
		rec 03.000 1 error f "$fill"
		rec 04.000 1 error f "x$fill"
		rec 05.000 1 error f last
	} >>"$log"
	until_has "$out" last
	kill -INT $!
	wait $!
	same "$(jq -r '.text' "$out")" "first
$fill
$fill
x$fill
last"
	hasnt "$(cat "$out")" text_bytes
}

@test "logs daemon: -f when nobody reads any more -> ends although nothing is written" {
	rec 01.000 1 debug f first >"$BATS_TEST_TMPDIR/l"
	run -0 --separate-stderr bash -c '{ "$VIRTDIAG" logs daemon -f "$1"; echo "status $?" >&2; } | head -n 1' - "$BATS_TEST_TMPDIR/l"
	same "$output" "$(rec 01.000 1 debug f first)"
	same "$stderr" "status 0"
}

@test "logs daemon: -f with --root, whose daemon logs to the journal -> it does not grow: said, 3" {
	mkdir -p "$BATS_TEST_TMPDIR"/h/etc/libvirt
	echo 'log_outputs = "1:journald"' >"$BATS_TEST_TMPDIR/h/etc/libvirt/virtqemud.conf"
	run -3 --separate-stderr vd --root "$BATS_TEST_TMPDIR/h" logs daemon -f
	same "$output" ""
	has "$stderr" 'the journal of a captured host does not grow'
}

@test "logs daemon: a pipe that goes on -> what came is shown before its end" {
	local out=$BATS_TEST_TMPDIR/out
	mkfifo "$BATS_TEST_TMPDIR/p"
	"$VIRTDIAG" logs daemon - <"$BATS_TEST_TMPDIR/p" >"$out" 7>&- &
	exec 7>"$BATS_TEST_TMPDIR/p"
	rec 01.000 1 debug f first >&7
	until_has "$out" first
	rec 02.000 1 debug f second >&7
	exec 7>&-
	wait $!
	same "$(cat "$out")" "$(rec 01.000 1 debug f first
		rec 02.000 1 debug f second)"
}

@test "logs daemon: --grep on a pipe that goes on -> what matched is shown before its end" {
	local out=$BATS_TEST_TMPDIR/out
	mkfifo "$BATS_TEST_TMPDIR/p"
	"$VIRTDIAG" logs daemon --grep first - <"$BATS_TEST_TMPDIR/p" >"$out" 7>&- &
	exec 7>"$BATS_TEST_TMPDIR/p"
	{ rec 01.000 1 debug f first; rec 02.000 1 debug f second; rec 03.000 1 debug f third; } >"$BATS_TEST_TMPDIR/l"
	cat "$BATS_TEST_TMPDIR/l" >&7
	until_has "$out" first
	exec 7>&-
	wait $!
	same "$(cat "$out")" "$(rec 01.000 1 debug f first)"
}

@test "lnav: the formats of contrib/lnav -> installed and used by the real lnav" {
	export HOME=$BATS_TEST_TMPDIR
	run -0 --separate-stderr lnav -i "$BATS_TEST_DIRNAME/../contrib/lnav/libvirt.json"
	run -0 --separate-stderr lnav -n -c ';SELECT log_level, count(*) AS n FROM libvirtd_log GROUP BY log_level ORDER BY n' \
		-c ':write-csv-to -' "$LOG"
	same "$output" "log_level,n
warning,2
error,6
info,109
debug,192"
	run -0 --separate-stderr lnav -n -c ';SELECT log_level, event, program FROM libvirt_guest_log' -c ':write-csv-to -' \
		"$HOSTS/guest-logs/var/log/libvirt/qemu/lf-term.log"
	has "$output" 'info,starting up,'
	has "$output" 'warning,<NULL>,qemu-system-x86_64'
}

@test "logs daemon: --json, a packed log that is damaged in a line of several MiB -> one document a line all the same, exit 3" {
	{
		head -c 3000000 /dev/zero | tr '\0' x
		head -c 1000000 /dev/urandom | od -An -v -tx1 | tr -d ' \n'
		echo
	} | gzip -1 >"$BATS_TEST_TMPDIR/bad.gz"
	truncate -s 500000 "$BATS_TEST_TMPDIR/bad.gz"
	run -3 --separate-stderr vd logs daemon --json "$BATS_TEST_TMPDIR/bad.gz"
	same "$(jq -s 'length' <<<"$output")" 1
	has "$stderr" damaged
}
