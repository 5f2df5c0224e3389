#!/usr/bin/env bats
# virtdiag logs stats and qmp: who fills libvirt's logs, and what QEMU was asked.
load helpers

LOG=$BATS_TEST_DIRNAME/data/logs/libvirtd.log

# rec SECONDS THREAD LEVEL FUNCTION TEXT: a record
rec() {
	printf '2026-11-23 09:47:%s+0000: %s: %s : %s:7 : %s\n' "$1" "$2" "$3" "$4" "$5"
}

# send SECONDS MON ID COMMAND; reply SECONDS MON JSON
send() {
	rec "$1" 10 info qemuMonitorSend "QEMU_MONITOR_SEND_MSG: mon=0x$2 msg={\"execute\":\"$4\",\"id\":\"libvirt-$3\"}"
}
reply() {
	rec "$1" 11 info qemuMonitorJSONIOProcessLine "QEMU_MONITOR_RECV_REPLY: mon=0x$2 reply=$3"
}

talk() {
	rec 01.000 10 debug qemuDomainObjEnterMonitorInternal 'Entering monitor (mon=0xa vm=0x1 name=web)'
	rec 01.000 12 debug qemuDomainObjEnterMonitorInternal 'Entering monitor (mon=0xb vm=0x2 name=db)'
	send 02.000 a 1 query-status
	send 02.100 a 2 query-block
	send 02.200 b 1 stop
	reply 02.250 a '{"return": {}, "id": "libvirt-2"}'
	reply 02.300 b '{"id": "libvirt-1", "error": {"class": "GenericError", "desc": "not now"}}'
	reply 03.500 a '{"return": {}, "id": "libvirt-1"}'
	rec 04.000 11 info qemuMonitorJSONIOProcessEvent 'QEMU_MONITOR_RECV_EVENT: mon=0xa event={"timestamp": {}, "event": "SHUTDOWN", "data": {"guest": true}}'
	send 05.000 a 3 quit
	rec 05.100 11 info qemuMonitorClose 'QEMU_MONITOR_CLOSE: mon=0xa'
}

@test "logs qmp: replies in another order, two guests, an error, an event, no reply -> each told apart" {
	talk >"$BATS_TEST_TMPDIR/l"
	run -0 --separate-stderr vd logs qmp -o +OUT_OF_ORDER "$BATS_TEST_TMPDIR/l"
	run -0 --separate-stderr vd logs qmp --json "$BATS_TEST_TMPDIR/l"
	same "$(json '.commands[]|[.time,.guest,.command,.latency,.result,.detail,.id,.out_of_order]|@json')" \
		'["2026-11-23T09:47:02.000Z","web","query-status",1.5,"ok",null,"libvirt-1",false]
["2026-11-23T09:47:02.100Z","web","query-block",0.15,"ok",null,"libvirt-2",true]
["2026-11-23T09:47:02.200Z","db","stop",0.1,"error","not now","libvirt-1",false]
["2026-11-23T09:47:04.000Z","web","SHUTDOWN",null,"event","{\"guest\": true}",null,false]
["2026-11-23T09:47:05.000Z","web","quit",null,"no reply",null,"libvirt-3",false]'
	same "$(json '[.count,.errors,.no_reply,.events]|@json')" '[4,1,1,1]'
}

@test "logs qmp: --sort latency, --limit, --guest, --command, --since -> what is asked for" {
	talk >"$BATS_TEST_TMPDIR/l"
	run -0 --separate-stderr vd logs qmp --json --sort latency --limit 2 "$BATS_TEST_TMPDIR/l"
	same "$(json '.commands|map(.command)|join(" ")')" 'query-status query-block'
	run -0 --separate-stderr vd logs qmp --json --limit 2 "$BATS_TEST_TMPDIR/l"
	same "$(json '.commands|map(.command)|join(" ")')" 'SHUTDOWN quit'
	run -0 --separate-stderr vd logs qmp --json --guest db "$BATS_TEST_TMPDIR/l"
	same "$(json '.commands|map(.command)|join(" ")')" 'stop'
	run -0 --separate-stderr vd logs qmp --json --command 'query-*' "$BATS_TEST_TMPDIR/l"
	same "$(json '.commands|map(.command)|join(" ")')" 'query-status query-block'
	run -0 --separate-stderr vd logs qmp --json --since '2026-11-23 09:47:04Z' "$BATS_TEST_TMPDIR/l"
	same "$(json '.commands|map(.command)|join(" ")')" 'SHUTDOWN quit'
	run -0 --separate-stderr vd logs qmp "$BATS_TEST_TMPDIR/l"
	has "$output" '1500 ms'
	has "$output" '4 commands: 1 errors, 1 without a reply in the log; 1 events.'
	has "$output" $'\n\n4 commands'
}

@test "logs qmp: a real log -> its commands, with their guest" {
	run -0 --separate-stderr vd logs qmp --json "$LOG"
	same "$(json '[.commands[]|select(.guest=="lf-ok" and .result=="ok")]|length > 3')" true
	same "$(json '.commands[0]|[.command,.guest,.latency]|@json')" '["qmp_capabilities","lf-ok",0.058]'
}

@test "logs stats: a real log -> counts that add up, and filters that are valid and reached" {
	run -0 --separate-stderr vd logs stats --json --top 0 "$LOG"
	same "$(json '.bytes')" "$(wc -c <"$LOG")"
	same "$(json '.lines')" "$(wc -l <"$LOG")"
	for by in category function thread level; do
		same "$(json "[.emitters[]|select(.by==\"$by\").bytes]|add")" "$(wc -c <"$LOG")"
		same "$(json "[.emitters[]|select(.by==\"$by\").lines]|add")" "$(wc -l <"$LOG")"
	done
	same "$(json .catalogue)" 9.0.0
	silencer=$(json .silencer)
	has "$silencer" :util.object
	run -0 --separate-stderr vd filters check --json "$silencer"
	same "$(json '[.strings[].warnings[]|select(.id=="shadowed" or .id=="no-match")]|length')" 0
}

@test "logs stats: --by, --top, --level -> what is asked for; text names the filters" {
	{
		rec 01.000 1 debug virObjectRef "$(printf 'x%.0s' {1..900})"
		rec 02.000 2 info virObjectRef y
		rec 03.000 1 error virNetSocketReadWire 'End of file'
		echo 'more of it'
	} >"$BATS_TEST_TMPDIR/l"
	run -0 --separate-stderr vd logs stats --json --by function --top 1 "$BATS_TEST_TMPDIR/l"
	same "$(json '[.emitters[]|[.by,.name,.lines]]|@json')" '[["function","virObjectRef",2]]'
	run -0 --separate-stderr vd logs stats --json --by category --level error "$BATS_TEST_TMPDIR/l"
	same "$(json '[.emitters[]|[.name,.lines]]|@json')" '[["util.error",2]]'
	same "$(json .silencer)" null
	run -0 --separate-stderr vd logs stats "$BATS_TEST_TMPDIR/l"
	has "$output" '2:util.object'
	has "$output" $'\n\nThese, in front'
}

@test "logs stats, qmp: no record, no file -> said" {
	echo 'no log' >"$BATS_TEST_TMPDIR/l"
	run -0 --separate-stderr vd logs stats "$BATS_TEST_TMPDIR/l"
	has "$stderr" "no record of libvirt's"
	run -3 --separate-stderr vd logs stats "$BATS_TEST_TMPDIR/none"
	run -3 --separate-stderr vd logs qmp "$BATS_TEST_TMPDIR/none"
	run -2 --separate-stderr vd logs qmp --sort size "$BATS_TEST_TMPDIR/l"
}
