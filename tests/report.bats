#!/usr/bin/env bats
# Protects the renderers: what each type of column becomes in text, raw and JSON output, trees, colours, width, pager.

load helpers

# terminal [NAME=VALUE...] ARGS...: virtdiag on a pseudo terminal of 60 columns
terminal() {
	local line env=(PATH="$PATH" TERM=xterm LC_ALL=C.UTF-8 ASAN_OPTIONS="${ASAN_OPTIONS-}" UBSAN_OPTIONS="${UBSAN_OPTIONS-}")
	while [[ $1 == *=* ]]; do
		env+=("$1")
		shift
	done
	printf -v line '%q ' env -i "${env[@]}" "$VIRTDIAG" "$@"
	script -qec "stty cols 60; $line" /dev/null </dev/null | tr -d '\r'
	return "${PIPESTATUS[0]}"
}

@test "text: a tree with every type of column -> as a person reads it, hostile names escaped" {
	run -0 --separate-stderr vd __sample -t x
	same "$stderr" ""
	same "$output" "number: -1 duration: -1 enum: ok string: -
word 0: x
NAME                         NUM   BYTES    CPU  PERCENT  SINCE                 BOOL  FLAGS            PATH
top é                26951440794   25.1G  9d04h     12.3  2025-11-23 03:02:01Z  yes   throttled,oom:2  /var/lib/a b.img
├─bad\\xff\\e[31m\\n\\n    536870912  512.0M  4h12m     12.3  1970-01-01 00:00:00Z  yes   -                -
│ └─deep                       -       -      -        -  -                     -     -                -
└─last                      1023    1023  3.20s     12.3  2100-01-01 00:00:00Z  -     -                same"
}

@test "text: --ascii, and a locale that is not UTF-8 -> tree lines of ASCII, names as they are" {
	wanted="number: -1 duration: -1 enum: ok string: -
word 0: x
NAME
top é
|-bad\\xff\\e[31m\\n\\n
| \`-deep
\`-last"
	run -0 --separate-stderr vd __sample -t -o NAME --ascii x
	same "$output" "$wanted"
	run -0 --separate-stderr env LC_ALL=C "$VIRTDIAG" __sample -t -o NAME x
	same "$output" "$wanted"
}

@test "columns: -o, +, any case, twice -> that order, each once" {
	run -0 --separate-stderr vd __sample --rows 1 -o num,NAME,num x
	same "${lines[*]:2}" "NUM  NAME   0  row"
	run -0 --separate-stderr vd __sample --rows 1 -o +extra-text x
	has "${lines[2]}" "PATH  EXTRA-TEXT"
	run -0 --separate-stderr vd __sample --rows 1 -n -oname x
	same "${lines[*]:2}" row
}

@test "raw: a tree -> rows only, fields split at single blanks, unscaled" {
	run -0 --separate-stderr vd __sample -tr x
	same "$output" "NAME NUM BYTES CPU PERCENT SINCE BOOL FLAGS PATH
top\\x20é 26951440794 26951440794 792059 12.34 2025-11-23T03:02:01Z yes throttled,oom:2 /var/lib/a\\x20b.img
bad\\xff\\x1b[31m\\x0a\\x5cn 536870912 536870912 15120 12.34 1970-01-01T00:00:00Z yes - -
deep - - - - - - - -
last 1023 1023 3.2 12.34 2100-01-01T00:00:00Z - - /same/path"
}

@test "times: --local -> with the offset of the zone; --utc -> Z; the last one counts" {
	run -0 --separate-stderr env TZ=Asia/Kolkata "$VIRTDIAG" __sample -tn -o since --local x
	same "${lines[2]}" "2025-11-23 08:32:01+05:30"
	run -0 --separate-stderr env TZ=XYZ3:30 "$VIRTDIAG" __sample -tn -o since --local x
	same "${lines[2]}" "2025-11-22 23:32:01-03:30"
	run -0 --separate-stderr env TZ=Asia/Kolkata "$VIRTDIAG" __sample -tn -o since --local --utc x
	same "${lines[2]}" "2025-11-23 03:02:01Z"
}

@test "json: the envelope -> one document with every key" {
	run -0 --separate-stderr vd --json __sample -t x --missing /a
	same "$stderr" ""
	same "$(json 'del(.time) | del(.rows) | tojson')" "$(jq -c . <<-X
		{"schema":"virtdiag/1","command":"__sample","host":{"name":null,"machine_id":null,"libvirt":null,"root":"/"},
		"status":"ok","words":1,"missing":[{"what":"/a","why":"not there"}]}
	X
	)"
	[[ $(json .time) =~ ^20[0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]Z$ ]]
	same "$(jq -cs length <<<"$output")" 1
}

@test "json: a row -> all columns, whatever -o says; absent null, flags an array, bytes that are not UTF-8 kept" {
	run -0 --separate-stderr vd --json __sample -t -o NAME -n -r x
	same "$(json '.rows[0] | del(.children) | tojson')" "$(jq -c . <<-X
		{"name":"top é","num":26951440794,"bytes":26951440794,"cpu":792059.0,"percent":12.34,
		"since":"2025-11-23T03:02:01Z","bool":true,"flags":["throttled","oom:2"],"extra_text":null,
		"value":["chcon","-t","x_t","--","/a b"],"path":"/var/lib/a b.img"}
	X
	)"
	same "$(json '.rows[0].children[0] | [.name, .name_bytes, .path, (.flags | tojson)] | tojson')" \
		'["bad�\u001b[31m\n\\n","YmFk/xtbMzFtClxu",null,"[]"]'
	same "$(json '.rows[0].children[0].children[0] | [.name, .num, .bool, .children] | tojson')" '["deep",null,null,[]]'
	same "$(json '.rows[0].children[1].path')" /same/path
}

@test "json: a table without rows -> an empty array; text -> no headings" {
	run -0 --separate-stderr vd --json __sample x
	same "$(json '.rows | tojson')" "[]"
	run -0 --separate-stderr vd __sample x
	same "${#lines[@]}" 2
}

@test "volume: 10,000 rows -> all, in text and JSON" {
	run -0 --separate-stderr vd __sample --rows 10000 x
	same "${#lines[@]}" 10003
	run -0 --separate-stderr vd __sample --rows 10000 --json x
	same "$(json '.rows | length, .[9999].num')" "10000
9999"
}

@test "status: found, unknown, warning, strict -> word and exit status" {
	while read -r options status word; do
		# shellcheck disable=SC2086
		run -"$status" --separate-stderr vd --json __sample ${options//+/ } x
		same "$(json .status)" "$word"
	done <<-X
		--status=ok 0 ok
		--status=problem 1 problems
		--status=unknown 3 unknown
		--status=warning 0 ok
		--status=warning+--strict 1 problems
		--status=ok+--strict 0 ok
		--missing=/a 0 ok
		--missing=/a+--matters 3 unknown
		--missing=/a+--matters+--status=problem 1 problems
	X
}

@test "missing: evidence -> on stderr; --quiet silences what does not matter" {
	run -0 --separate-stderr vd __sample --missing /a x
	same "$stderr" "virtdiag: warning: not examined: /a: not there"
	run -0 --separate-stderr vd -q __sample --missing /a x
	same "$stderr" ""
	run -3 --separate-stderr vd -q __sample --missing /a --matters x
	same "$stderr" "virtdiag: not examined: /a: not there"
}

@test "colour: by option and environment, no terminal -> only when asked for" {
	run -0 --separate-stderr vd __sample -to name x
	hasnt "$output" $'\e'
	run -0 --separate-stderr vd __sample -to name --color x
	has "$output" $'\e[1;31m├─bad'
	has "$output" $'\e[33mnumber:\e[0m -1'
	run -0 --separate-stderr env CLICOLOR_FORCE=1 "$VIRTDIAG" __sample -to name x
	has "$output" $'\e[1;31m'
	for off in 'env CLICOLOR_FORCE=1 NO_COLOR=1' 'env CLICOLOR_FORCE=0' 'env NO_COLOR=1'; do
		# shellcheck disable=SC2086
		run -0 --separate-stderr $off "$VIRTDIAG" __sample -to name x
		hasnt "$output" $'\e'
	done
	run -0 --separate-stderr env CLICOLOR_FORCE=1 "$VIRTDIAG" __sample -to name --color=never x
	hasnt "$output" $'\e'
	run -0 --separate-stderr env CLICOLOR_FORCE=1 "$VIRTDIAG" __sample -t --json x
	hasnt "$output" $'\e'
}

@test "text: a table of ASCII alone, which libsmartcols does not see -> the same bytes as from libsmartcols" {
	local cols more
	for cols in num,bytes,cpu,since path,num flags,path,bool num path; do
		for more in "" --noheadings; do
			run -0 --separate-stderr vd __sample -to "$cols" $more --color=never x
			has "$output" "-"
			plain=$output
			# Colours are left to libsmartcols.
			run -0 --separate-stderr vd __sample -to "$cols" $more --color=always x
			same "$(sed 's/\x1b\[[0-9;]*m//g' <<<"$output")" "$plain"
		done
	done
}

@test "terminal: colours, except on a dumb one and with NO_COLOR" {
	run -0 terminal --no-pager __sample -to name x
	has "$output" $'\e[1;31m'
	run -0 terminal TERM=dumb --no-pager __sample -to name x
	hasnt "$output" $'\e'
	run -0 terminal NO_COLOR=1 --no-pager __sample -to name x
	hasnt "$output" $'\e'
}

@test "terminal: a row wider than it -> the column that may be cut is cut; elsewhere nothing is" {
	run -0 terminal TERM=dumb --no-pager __sample -tno name,since,flags,path x
	same "${lines[2]}" "top é                2025-11-23 03:02:01Z  throttled,oom:2  /var"
	run -0 terminal TERM=dumb COLUMNS=68 --no-pager __sample -tno name,since,flags,path x
	same "${lines[2]}" "top é                2025-11-23 03:02:01Z  throttled,oom:2  /var/lib"
	run -0 --separate-stderr env COLUMNS=60 "$VIRTDIAG" __sample -tno name,since,flags,path x
	has "${lines[2]}" "/var/lib/a b.img"
}

@test "pager: on a terminal, VIRTDIAG_PAGER before PAGER, none when empty, cat, JSON or --no-pager" {
	run -0 terminal VIRTDIAG_PAGER="sed s/^/V:/" PAGER="sed s/^/P:/" __sample x
	same "${lines[1]}" "V:word 0: x"
	run -0 terminal PAGER="sed s/^/P:/" __sample x
	same "${lines[1]}" "P:word 0: x"
	for no in VIRTDIAG_PAGER= VIRTDIAG_PAGER=cat; do
		run -0 terminal "$no" PAGER="sed s/^/P:/" __sample x
		same "${lines[1]}" "word 0: x"
	done
	run -0 terminal PAGER="sed s/^/P:/" __sample --no-pager x
	same "${lines[1]}" "word 0: x"
	run -0 terminal PAGER="sed s/^/P:/" __sample --json x
	same "${lines[0]}" "{"
	run -0 --separate-stderr env PAGER="sed s/^/P:/" "$VIRTDIAG" __sample x
	same "${lines[1]}" "word 0: x"
}

@test "pager: one that cannot be run -> a warning with its name, and the output without it" {
	local pager
	for pager in /nonexistent nonexistent-pager "/nonexistent -x" /etc/passwd "/nonexistent | cat >&2; exit 127"; do
		run -0 terminal VIRTDIAG_PAGER="$pager" __sample -to name x
		has "$output" "pager '$pager'"
		has "$output" "word 0: x"
	done
	printf '%s\n' '2026-01-01 00:00:00.000+0000: 1: error : f:1 : oops' >"$BATS_TEST_TMPDIR/log"
	run -0 terminal VIRTDIAG_PAGER=/nonexistent logs daemon "$BATS_TEST_TMPDIR/log"
	has "$output" oops
	run -3 terminal VIRTDIAG_PAGER="exec /nonexistent;" logs daemon "$BATS_TEST_TMPDIR/log"
	has "$output" "the output is lost"
}

@test "pager: one that ends early or cannot start -> the exit status is the command's" {
	run -1 terminal PAGER=true __sample --rows 20000 --status problem x
	run -1 terminal PAGER=/nonexistent __sample --rows 20000 --status problem x
}
