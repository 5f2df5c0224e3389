#!/usr/bin/env bats
# `virtdiag logs daemon` on all that a real libvirtd has to say, written both to a file and to a real journal: the category
# that the text of the file tells is the one that the journal has, and the journal itself is read as journalctl reads it.
# shellcheck disable=SC2086,SC2154 # our paths have no blanks; $output and $stderr are set by run
load helpers

LOG=/var/log/libvirt/all.log # not where anybody would look for it
DATA=/var/tmp/daemon-log

# records ARGS...: the records that `logs daemon` prints, a line each: category, level, function, line, text
records() {
	"$VIRTDIAG" logs daemon --json "$@" | jq -r 'select(.continues | not) |
		[.category // "cannot tell", .level // "-", .function // "", .line // "", .text] | @tsv' | sort
}

setup_file() {
	load helpers
	mkdir -p /etc/systemd/journald.conf.d $DATA
	printf '[Journal]\nRateLimitIntervalSec=0\nSystemMaxUse=200M\n' >/etc/systemd/journald.conf.d/all.conf
	systemctl restart systemd-journald
	define web ""
	define bad "$(disk $IMAGES/gone.img raw vda)"
	journalctl -q --rotate --vacuum-time=1s >/dev/null
	# without what is most of it and comes from two files of libvirt: twice as fast here, and harder, as each line counts more
	printf '%s\n' 'log_level = 1' 'log_filters = "3:util.json 3:util.object"' "log_outputs = \"1:file:$LOG 1:journald\"" >>/etc/libvirt/libvirtd.conf
	systemctl restart libvirtd && timeout 300 virsh -q uri
	timeout 300 virsh -q start --paused web
	sleep 2
	date -u '+%F %T UTC' >$DATA/since
	virsh -q start bad || true
	virsh -q dominfo nobody || true
	virsh -q destroy web
	systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd
	journalctl --sync
	# The same columns. A record's text is its first line here, and what begins a log has no function in a file.
	journalctl -q --all -o json --output-fields=LIBVIRT_SOURCE,PRIORITY,CODE_FUNC,CODE_LINE,MESSAGE \
		_COMM=libvirtd _TRANSPORT=journal | jq -r '
		(.MESSAGE | if type == "array" then implode else . end | split("\n")[0]) as $text |
		(.CODE_FUNC == "virLogVMessage") as $begins |
		[.__REALTIME_TIMESTAMP, .LIBVIRT_SOURCE, {"7": "debug", "6": "info", "4": "warning", "3": "error"}[.PRIORITY],
			if $begins then "", "" else .CODE_FUNC, .CODE_LINE end, $text] | @tsv' >$DATA/timed
	cut -f 2- $DATA/timed | sort >$DATA/journal
	records $LOG >$DATA/file
	# From now on the daemon seems to log to the journal alone.
	sed -i 's/^log_outputs.*/log_outputs = "1:journald"/' /etc/libvirt/libvirtd.conf
}

@test "logs daemon: the category of at least 99.9 % of a debug log's lines is the journal's" {
	local all agree
	all=$(wc -l <$DATA/file)
	agree=$(comm -12 $DATA/file $DATA/journal | wc -l)
	echo "# category: $agree of $all lines of the file agree with the journal, $(awk "BEGIN {print 100 * $agree / $all}") %" >&3
	comm -23 $DATA/file $DATA/journal | head -n 20
	[ "$all" -gt 5000 ]
	[ "$(cut -f 1 $DATA/journal | sort -u | wc -l)" -gt 50 ]
	[ $((agree * 1000)) -ge $((all * 999)) ]
}

@test "logs daemon: the journal -> each record that journalctl has, with its category, level, function and line" {
	records >"$BATS_TEST_TMPDIR/journal"
	same "$(comm -23 $DATA/journal "$BATS_TEST_TMPDIR/journal" | head -n 5)" ""
}

@test "logs daemon: --level, --category, --since -> of file and journal what these hold of it" {
	local since n
	same "$(records --level error $LOG)" "$(awk -F '\t' '$2 == "error"' $DATA/journal)"
	# what was written before its outputs were opened is in the journal alone
	same "$(records --level error --category util.error | grep -c "Cannot access storage file")" 1
	n=$(awk -F '\t' '$1 == "qemu.qemu_process"' $DATA/journal | wc -l)
	[ "$n" -gt 20 ]
	same "$(records --category qemu.qemu_process $LOG | wc -l)" "$n"
	same "$(records --category qemu.qemu_process | wc -l)" "$n"
	since=$(cat $DATA/since)
	n=$(awk -F '\t' -v since="$(date -d "$since" +%s)000000" '$1 >= since && $2 == "qemu.qemu_process"' $DATA/timed | wc -l)
	[ "$n" -gt 0 ]
	same "$(records --category qemu.qemu_process --since "$since" | wc -l)" "$n"
	same "$(records --category qemu.qemu_process --since "$since" $LOG | wc -l)" "$n"
	same "$(records --until '2020-01-01' | wc -l)" 0
}

@test "logs daemon: --guest -> of a file what its threads did for it, of the journal what names it" {
	records --guest web $LOG >"$BATS_TEST_TMPDIR/file"
	records --guest web >"$BATS_TEST_TMPDIR/journal"
	records --guest bad $LOG >"$BATS_TEST_TMPDIR/bad"
	for named in file journal; do
		same "$(comm -23 <(grep -E 'name=web\b|'"'web'" $DATA/$named) "$BATS_TEST_TMPDIR/$named")" ""
		same "$(grep -E 'name=bad\b|'"'bad'" "$BATS_TEST_TMPDIR/$named")" ""
	done
	has "$(cat "$BATS_TEST_TMPDIR/file")" $'qemuProcessLaunch'
	has "$(cat "$BATS_TEST_TMPDIR/bad")" "Cannot access storage file '$IMAGES/gone.img'"
	same "$(grep -c 'gone.img' "$BATS_TEST_TMPDIR/file")" 0
	[ "$(wc -l <"$BATS_TEST_TMPDIR/journal")" -lt "$(wc -l <"$BATS_TEST_TMPDIR/file")" ]
}

# say N: a message with number N, of a daemon to the journal
say() {
	printf 'SYSLOG_IDENTIFIER=libvirtd\nPRIORITY=6\nLIBVIRT_SOURCE=qemu.qemu_driver\nCODE_FUNC=f\nCODE_LINE=7\nMESSAGE=number %s\n' "$1" |
		logger --journald
}

# shows FILE N: waits until message N stands in FILE
shows() {
	local i
	for ((i = 0; i < 600; i++)); do
		if grep -q "number $2\$" "$1"; then return 0; fi
		sleep 0.1
	done
	echo "# never shown: $2"
	tail -n 3 "$1" "$1.err" | sed 's/^/# /'
	return 1
}

@test "logs daemon: -f -> the journal's last entries and what comes, each once, through its rotations" {
	local out=$BATS_TEST_TMPDIR/out pid i
	say 0
	journalctl --sync
	"$VIRTDIAG" logs daemon -f --lines 20 --category 'qemu.*' >"$out" 2>"$out.err" 3>&- &
	pid=$!
	shows "$out" 0
	for ((i = 1; i <= 90; i++)); do
		say $i
		if [ $((i % 30)) = 0 ]; then journalctl -q --rotate; fi
	done
	shows "$out" 90
	kill -INT $pid
	wait $pid
	same "$(sed -n 's/.* : f:7 : number //p' "$out")" "$(seq 0 90)"
	same "$(cat "$out.err")" ""
}
