#!/usr/bin/env bats
# Protects following: whatever is done to a log while it is followed, each line is printed once, whole and in order.

load helpers

setup() {
	ROOT=$BATS_TEST_TMPDIR/root
	DIR=$ROOT/var/log/libvirt/qemu
	LOG=$DIR/a.log
	OUT=$BATS_TEST_TMPDIR/out
	mkdir -p "$DIR"
	TAIL=
}

teardown() {
	[ -z "$TAIL" ] || kill "$TAIL" 2>/dev/null || true
}

# follow ARGS...: starts logs tail in the background, its output in $OUT, messages in $OUT.err
follow() {
	"$VIRTDIAG" --root "$ROOT" logs tail "$@" >"$OUT" 2>"$OUT.err" 3>&- &
	TAIL=$!
}

# shows LINE: waits until $OUT has the line
shows() {
	for ((i = 0; i < 1000; i++)); do
		if grep -qxF -- "$1" "$OUT"; then return; fi
		sleep 0.02
	done
	echo "# never printed: $1"
	tail -n 3 "$OUT" "$OUT.err" | sed 's/^/# /'
	return 1
}

# stop STATUS [SIGNAL]: ends the program and checks how it ended
stop() {
	local status=0
	kill -s "${2:-INT}" "$TAIL"
	wait "$TAIL" || status=$?
	TAIL=
	same "$status" "$1"
}

# numbered FROM TO: lines of a log
numbered() {
	seq -f '2026-11-23T09:47:28.000000Z qemu-system-x86_64: line %07.0f of the writer' "$1" "$2"
}

# rotations HOW: 100,000 lines, and HOW after every 2,000 of them
rotations() {
	local n
	for ((n = 0; n < 50; n++)); do
		numbered $((n * 2000 + 1)) $((n * 2000 + 2000)) >>"$LOG"
		"$1" "$n"
	done
	echo end >>"$LOG"
}

# all_there: what was printed is lines 0 to 100,000, each once and in order, and the end
all_there() {
	shows end
	stop 0
	numbered 0 100000 >"$BATS_TEST_TMPDIR/wanted"
	echo end >>"$BATS_TEST_TMPDIR/wanted"
	cmp "$OUT" "$BATS_TEST_TMPDIR/wanted" || {
		diff "$BATS_TEST_TMPDIR/wanted" "$OUT" | head -n 5 | sed 's/^/# /'
		return 1
	}
	same "$(cat "$OUT.err")" ""
}

# shift_up: makes room for a new .1; all are kept, so that what a slow reader has not seen is somewhere
shift_up() {
	local i
	for ((i = 60; i > 1; i--)); do
		if [ -e "$LOG.$((i - 1))" ]; then mv "$LOG.$((i - 1))" "$LOG.$i"; fi
	done
}
renamed() {
	shift_up
	if [ -e "$LOG.0" ]; then mv "$LOG.0" "$LOG.1"; fi
	mv "$LOG" "$LOG.0"
}
# By dates in the names nothing has to be renamed, as logrotate's dateext does.
copied() {
	cp "$LOG" "$LOG-20261123-$((1000 + $1))"
	: >"$LOG"
}
packed() {
	copied "$1"
	gzip -1 "$LOG-20261123-$((1000 + $1))"
}
deleted() {
	# what nobody has opened yet is lost with the file
	shows "$(numbered $(($1 * 2000 + 2000)) $(($1 * 2000 + 2000)))"
	rm "$LOG"
}

# begin: follows; a first line goes through, so the file is open
begin() {
	: >"$LOG"
	follow a
	numbered 0 0 >>"$LOG"
	shows "$(numbered 0 0)"
}

@test "logs tail: 100,000 lines over 50 rotations by renaming, as virtlogd does -> each once" {
	begin
	rotations renamed
	all_there
}

@test "logs tail: the same while the reader sleeps -> each once" {
	begin
	kill -STOP "$TAIL"
	rotations renamed
	kill -CONT "$TAIL"
	all_there
}

@test "logs tail: 50 times copied and truncated -> each once" {
	begin
	rotations copied
	all_there
}

@test "logs tail: the same while the reader sleeps -> each once, whatever size the file has then" {
	begin
	kill -STOP "$TAIL"
	rotations copied
	kill -CONT "$TAIL"
	all_there
}

@test "logs tail: written anew with the same bytes at the place reached -> seen, nothing is lost" {
	local line
	line="2026-11-23T09:47:28.000000Z $(printf '%080d' 0)"
	begin
	printf '%s\n%s' "$(numbered 1 1)" "$line" >>"$LOG"
	shows "$(numbered 1 1)"
	kill -STOP "$TAIL"
	copied 0
	printf '%s\n%s and on\n' "$(numbered 2 3)" "$line" >>"$LOG"
	kill -CONT "$TAIL"
	shows "$line and on"
	stop 0
	same "$(cat "$OUT")" "$(numbered 0 1; echo "$line"; numbered 2 3; echo "$line and on")"
}

@test "logs tail: 50 times copied, truncated and packed -> each once" {
	begin
	rotations packed
	all_there
}

@test "logs tail: 50 times deleted and made anew -> each once" {
	begin
	rotations deleted
	all_there
}

@test "logs tail: lines that are cut by a rotation -> one line each; cut off for good -> lines of their own" {
	begin
	printf 'one ha' >>"$LOG"
	mv "$LOG" "$LOG.0"
	printf 'lf\ntwo ha' >>"$LOG"
	shows "one half"
	cp "$LOG" "$LOG.1"
	: >"$LOG"
	printf 'lves\ncut o' >>"$LOG"
	shows "two halves"
	mv "$LOG" "$LOG.0"
	numbered 7 7 >>"$LOG"
	shows "$(numbered 7 7)"
	printf 'lost' >>"$LOG"
	sleep 0.3
	rm "$LOG"
	echo fresh >"$LOG"
	shows fresh
	stop 0
	same "$(cat "$OUT")" "$(numbered 0 0)
one half
two halves
cut o
$(numbered 7 7)
lost
fresh"
}

@test "logs tail --all: directories and guests that come later, 200 of them -> every line under its guest's name" {
	rm -r "${ROOT:?}/var"
	follow --all -n 0
	sleep 0.2
	mkdir -p "$DIR"
	for n in {1..200}; do
		echo "first $n" >"$DIR/g$n.log"
	done
	for n in {1..200}; do
		echo "second $n" >>"$DIR/g$n.log"
	done
	shows "g200 | second 200"
	echo third >>"$DIR/g7.log"
	shows "g7   | third"
	for n in {1..200}; do
		shows "$(printf '%-4s | second %d' "g$n" "$n")"
	done
	stop 0
	same "$(sed 's/^[^|]*| //' "$OUT" | sort | md5sum)" "$({
		seq -f 'first %.0f' 200
		seq -f 'second %.0f' 200
		echo third
	} | sort | md5sum)"
}

@test "logs tail: a guest that never ran, several guests -> followed from when the log comes, with labels" {
	mkdir -p "$ROOT/etc/libvirt/qemu"
	echo '<domain type="kvm"><name>idle</name><os><type>hvm</type></os></domain>' >"$ROOT/etc/libvirt/qemu/idle.xml"
	numbered 1 20 >"$LOG"
	follow -n 2 a idle
	shows "a    | $(numbered 20 20)"
	echo hello >"$DIR/idle.log"
	shows "idle | hello"
	stop 0 TERM
	same "$(cat "$OUT")" "a    | $(numbered 19 19)
a    | $(numbered 20 20)
idle | hello"
	"$VIRTDIAG" --root "$ROOT" logs tail nosuch >"$OUT" 2>&1 || same $? 3
	has "$(cat "$OUT")" "no guest and no log 'nosuch'"
}

@test "logs tail: a log that is no file -> said; with --all the others are followed" {
	mkfifo "$LOG"
	"$VIRTDIAG" --root "$ROOT" logs tail a >"$OUT" 2>&1 || same $? 3
	has "$(cat "$OUT")" "/var/log/libvirt/qemu/a.log"
	follow --all
	echo hello >"$DIR/b.log"
	shows "b | hello"
	stop 0
	has "$(cat "$OUT.err")" "/var/log/libvirt/qemu/a.log"
}

@test "logs tail: a long line that waits for its end while others speak -> whole objects, nothing lost" {
	: >"$LOG"
	: >"$DIR/b.log"
	"$VIRTDIAG" --root "$ROOT" --json logs tail a b >"$OUT" 2>"$OUT.err" 3>&- &
	TAIL=$!
	echo ready >>"$LOG"
	for ((i = 0; i < 500; i++)); do
		if grep -q ready "$OUT"; then break; fi
		sleep 0.02
	done
	head -c 300000 /dev/zero | tr '\0' x >>"$LOG"
	for ((i = 0; i < 500; i++)); do
		if grep -q xxx "$OUT"; then break; fi
		sleep 0.02
	done
	echo other >>"$DIR/b.log"
	for ((i = 0; i < 500; i++)); do
		if grep -q other "$OUT"; then break; fi
		sleep 0.02
	done
	echo end >>"$LOG"
	for ((i = 0; i < 500; i++)); do
		if grep -q 'xend"' "$OUT"; then break; fi
		sleep 0.02
	done
	stop 0
	same "$(jq -rj 'select(.guest == "a") | .text' "$OUT" | md5sum)" \
		"$({ printf ready && head -c 300000 /dev/zero | tr '\0' x && printf end; } | md5sum)"
	same "$(jq -r 'select(.guest == "b") | .text' "$OUT")" other
}

@test "logs tail --json, --level, --grep -> whole objects of the chosen lines" {
	: >"$LOG"
	"$VIRTDIAG" --root "$ROOT" --json logs tail --level error --grep 'no \d' a >"$OUT" 2>"$OUT.err" 3>&- &
	TAIL=$!
	{
		echo "2026-11-20 10:00:00.000+0000: starting up"
		printf '2026-11-20T10:00:01.000000Z qemu: \377no 1\n2026-11-20T10:00:01.000000Z qemu: warning: no 2\n'
		printf '2026-11-20T10:00:01.000000Z qemu: no 3'
	} >>"$LOG"
	for ((i = 0; i < 500; i++)); do
		[ ! -s "$OUT" ] || break
		sleep 0.02
	done
	sleep 0.5
	# the last line is not finished: a program gets it when it is
	same "$(jq -c '[.guest, .boot, .kind, .level, .offset]' "$OUT")" '["a",0,"qemu-error","error",42]'
	echo ! >>"$LOG"
	for ((i = 0; i < 500; i++)); do
		[ "$(wc -l <"$OUT")" -lt 2 ] || break
		sleep 0.02
	done
	stop 0 HUP
	same "$(jq -r .text "$OUT" | tail -n 1)" "2026-11-20T10:00:01.000000Z qemu: no 3!"
}

@test "logs tail: the reader of the pipe leaves while nothing is written -> ends by itself" {
	echo first >"$LOG"
	run -0 --separate-stderr bash -c 'timeout 20 "$1" --root "$2" logs tail a | head -n 1' _ "$VIRTDIAG" "$ROOT"
	same "$output" first
	same "$stderr" ""
}

@test "logs tail on a terminal: an unfinished line -> shown after a pause, completed in place" {
	printf 'first\nunfin' >"$LOG"
	script -qfec "'$VIRTDIAG' --root '$ROOT' --color=never logs tail a" /dev/null >"$OUT" 2>/dev/null </dev/null 3>&- &
	TAIL=$!
	for ((i = 0; i < 500; i++)); do
		if grep -q unfin "$OUT"; then break; fi
		sleep 0.02
	done
	same "$(od -c -An "$OUT" | tr -d ' \n')" 'first\r\nunfin'
	echo ished >>"$LOG"
	for ((i = 0; i < 500; i++)); do
		if grep -q unfinished "$OUT"; then break; fi
		sleep 0.02
	done
	same "$(od -c -An "$OUT" | tr -d ' \n')" 'first\r\nunfin\r033[Kunfinished\r\n'
	kill "$TAIL"
	wait "$TAIL" || true
	TAIL=
}

@test "logs tail: nobody reads from the start -> ends with 0 as later" {
	local log=$ROOT/var/log/libvirt/qemu/a.log
	seq 100 >"$log"
	# the reader has gone when the first line is written
	run -0 bash -c '{ sleep 0.2; "$VIRTDIAG" --root "$1" logs tail -n 50 a; echo "status $?" >&2; } | :' - "$ROOT"
	same "$output" "status 0"
}
