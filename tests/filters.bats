#!/usr/bin/env bats
# Protects `virtdiag filters`: verdicts and levels as a real libvirtd 9.0.0 gave them, messages with a caret, warnings,
# suggestions that can be pasted, and the categories of each version.
# shellcheck disable=SC2154,SC2016

load helpers

setup() {
	ROOT=$BATS_TEST_TMPDIR/root
	mkdir -p "$ROOT/etc/libvirt"
	CASES=$BATS_TEST_DIRNAME/data/filters
}

# f ARGS...: filters ARGS on an empty root, for libvirt 9.0.0
f() {
	local verb=$1
	shift
	vd --root "$ROOT" filters "$verb" --libvirt 9.0.0 "$@"
}

# file PATH [TEXT]: a file below the root
file() {
	mkdir -p "$(dirname "$ROOT$1")"
	printf '%s' "${2-}" >"$ROOT$1"
}

@test "check: all cases -> the verdicts of libvirtd 9.0.0" {
	local kind string verdict rest s expected='' n=0 args=()
	while IFS=$'\t' read -r kind string verdict rest; do
		[ "$kind" = F ] || continue
		printf -v s '%b' "$string"
		args+=("$s")
		expected+="$verdict"$'\n'
		n=$((n + 1))
	done < <(sed 's/^\([FO]\)\t\t/\1\t\\c\t/' "$CASES/filter-cases.tsv")
	[ "$n" -gt 190 ]
	run -1 --separate-stderr f check --json -- "${args[@]}"
	same "$(json '.strings[] | if .valid then "accept" else "reject" end')" "${expected%$'\n'}"
}

@test "explain: all cases -> the levels of libvirt.so 9.0.0" {
	local filters category level wanted s got='' expected='' n=0
	while IFS=$'\t' read -r filters category level wanted; do
		printf -v s '%b' "$filters"
		run -0 --separate-stderr f explain --json --default-level "$level" -- "$s" "$category"
		got+="$output"
		expected+="$wanted"$'\n'
		n=$((n + 1))
	done < <(sed '/^#/d; s/^\t/\\c\t/' "$CASES/filter-semantics.tsv" | awk 'NR % 3 == 0')
	[ "$n" -gt 60 ]
	output=$got
	same "$(json '.categories[0].level')" "${expected%$'\n'}"
}

@test "check: valid string -> a row an item, exit 0" {
	run -0 --separate-stderr f check '1:qemu 3:util.json'
	same "$output" "$(
		cat <<-'X'
			VALID  ITEM         LEVEL    MATCH
			yes    1:qemu       debug    qemu
			yes    3:util.json  warning  util.json
		X
	)"
	same "$stderr" ""
}

@test "check: several bad items -> all reported with a caret, exit 1" {
	run -1 --separate-stderr f check '1:qemu 9:util x'
	same "$output" "$(
		cat <<-'X'
			VALID  ITEM    LEVEL  MATCH
			yes    1:qemu  debug  qemu
			no     9:util  -      -
			no     x       -      -

			error: Invalid priority '9' for filter '9:util'
			  1:qemu 9:util x
			         ^
			  the level must be 1 (debug), 2 (info), 3 (warning) or 4 (error)
			error: Malformed format for filter 'x'
			  1:qemu 9:util x
			                ^
			  an item is LEVEL:PATTERN, for example 1:qemu
			libvirt 9.0.0 refuses the whole string: 2 of 3 items are invalid.
		X
	)"
}

@test "check: the caret stands under the fault when the string is shown escaped" {
	run -1 --separate-stderr f check $'1:a\tb warn:é'
	has "$output" "$(
		cat <<-'X'
			  1:a\tb warn:é
			         ^~~~
			  levels are numbers: warn is 3
		X
	)"
}

@test "check: invalid string as JSON -> index, column, error" {
	run -1 --separate-stderr f check --json '1:é 9:util'
	same "$(json '.status, .command, (.strings | length)')" $'problems\nfilters check\n1'
	same "$(json '.strings[0] | [.input, .kind, .valid] | @json')" \
		'["1:é 9:util","filters",false]'
	same "$(json '.strings[0].items | @json')" \
		'[{"index":0,"column":1,"text":"1:é","level":1,"match":"é","valid":true,"error":null,"hint":null,"applied":false,"note":null},{"index":1,"column":5,"text":"9:util","level":null,"match":null,"valid":false,"error":"Invalid priority '\''9'\'' for filter '\''9:util'\''","hint":"the level must be 1 (debug), 2 (info), 3 (warning) or 4 (error)","applied":false,"note":null}]'
}

@test "check: what libvirt accepts silently -> warnings with their ids, exit 0, with --strict 1" {
	local string='1:qumu 1:QEMU 1:[q]emu 1:rpc,3:event 1:cpu:x 1:+lxc 1:util 4:util.pci'
	run -0 --separate-stderr f check --json --outputs 3:journald "$string"
	same "$(json '.strings[0].warnings[] | "\(.item) \(.id)"')" "$(
		cat <<-'X'
			0 no-match
			0 below-output
			1 case
			1 below-output
			2 brackets-literal
			2 below-output
			3 separator
			3 below-output
			4 suffix-ignored
			4 below-output
			5 stack-trace-flag
			5 below-output
			6 below-output
			6 flood
			7 shadowed
		X
	)"
	run -1 --separate-stderr f check --strict "$string"
	has "$output" "warning: no-match: 'qumu' matches no category; did you mean qemu or util.qemu?"
	run -0 --separate-stderr f check --strict '1:qemu'
}

@test "filters check: very many names that are nowhere near -> all are told, similar ones for the first alone" {
	line=$(printf '1:qemu.qemu_monitr%d ' {1..2000})
	run -1 --separate-stderr vd filters check "$line" --strict
	same "$(grep -c 'no-match: ' <<<"$output")" 2000
	same "$(grep -c 'no-match: .*did you mean' <<<"$output")" 20
}

@test "check: the flood's silencer, put before the item, ends the warning" {
	run -0 --separate-stderr f check '1:util'
	has "$output" "put '3:util.event 3:util.json 3:util.object' before it"
	run -0 --separate-stderr f check --strict '3:util.event 3:util.json 3:util.object 1:util'
}

@test "check: invalid --outputs -> judged too, exit 1" {
	run -1 --separate-stderr f check --outputs 3:stdout 1:qemu
	has "$output" "error: Invalid log destination 'stdout' for log output '3:stdout'"
	has "$output" 'there is no stdout; use stderr'
}

@test "check: an empty string -> valid, and what it does" {
	run -0 --separate-stderr f check ''
	same "$output" 'An empty string removes all filters.'
	run -0 --separate-stderr f check --json ' '
	same "$(json '.strings[0] | [.valid, .items] | @json')" '[true,[]]'
}

@test "check: versions -> too old 3, newer said, nonsense 2" {
	run -3 --separate-stderr vd --root "$ROOT" filters check --libvirt 0.5.1 1:qemu
	has "$stderr" 'cannot judge filters and outputs for libvirt 0.5.1: it has none'
	same "$output" ''
	run -0 --separate-stderr vd --root "$ROOT" filters check --libvirt 12.1.0 1:qemu
	has "$stderr" 'libvirt 12.1.0 is newer than what virtdiag knows: judged as 11.3.0'
	run -0 --separate-stderr vd --root "$ROOT" filters check --json --libvirt 12.1.0 1:qemu
	same "$(json '.libvirt, .catalogue')" $'12.1.0\nnewer'
	run -2 --separate-stderr vd --root "$ROOT" filters check --libvirt new 1:qemu
	run -0 --separate-stderr vd --root "$ROOT" filters check --strict --libvirt 11.3.0 1:qemu.nbdkit
	run -1 --separate-stderr vd --root "$ROOT" filters check --strict --libvirt 9.0.0 1:qemu.nbdkit
}

@test "check: the version of the host is the default" {
	file /usr/lib64/libvirt.so.0.9000.0
	run -0 --separate-stderr vd --root "$ROOT" filters check --json 1:qemu
	same "$(json '.libvirt, .catalogue')" $'9.0.0\nexact'
	mv "$ROOT/usr/lib64/libvirt.so.0.9000.0" "$ROOT/usr/lib64/libvirt.so.0.4006.0"
	run -0 --separate-stderr vd --root "$ROOT" filters check --json 1:qemu
	same "$(json '.libvirt, .catalogue, .confidence')" $'4.6.0\nbetween\nread'
	has "$stderr" 'libvirt 4.6.0 is judged by what its sources say, it was not run; log categories are those of the examined versions around it'
	rm "$ROOT/usr/lib64/libvirt.so.0.4006.0"
	run -0 --separate-stderr vd --root "$ROOT" filters check --json 1:qemu
	same "$(json '.libvirt')" 11.3.0
}

# e VERSION VERB ARGS...: the same command for another version
e() {
	local version=$1 verb=$2
	shift 2
	vd --root "$ROOT" filters "$verb" --libvirt "$version" "$@"
}

@test "check: before 2.4.0 -> items before the first bad one are in force, exit 1" {
	run -1 --separate-stderr e 0.9.12 check '1:qemu	4:rpc +2:util 1:lxc'
	same "$output" "$(
		cat <<-'X'
			VALID  ITEM     LEVEL  MATCH
			yes    1:qemu   debug  qemu
			yes    4:rpc    error  rpc
			no     +2:util  -      -
			yes    1:lxc    debug  lxc

			error: Ignoring invalid log filter setting.
			  1:qemu\t4:rpc +2:util 1:lxc
			                ^~
			  before libvirt 1.3.3 a level is digits only, without sign or blank
			libvirt 0.9.12 stops at the first bad item: 2 of 4 items are in force.
		X
	)"
	run -1 --separate-stderr e 0.9.12 check --json '1:qemu 9:x 1:lxc'
	same "$(json '.strings[0] | [.valid, [.items[].applied]] | @json')" '[false,[true,false,false]]'
	run -1 --separate-stderr e 2.4.0 check --json '1:qemu 9:x 1:lxc'
	same "$(json '.strings[0] | [.valid, [.items[].applied]] | @json')" '[false,[false,false,false]]'
}

@test "check: nobody knows when a change came -> unknown, exit 3, and what is known" {
	run -3 --separate-stderr e 8.10.0 check '1:qemu:x'
	same "$output" "$(
		cat <<-'X'
			VALID    ITEM      LEVEL  MATCH
			unknown  1:qemu:x  -      -

			unknown: 7.0.0 refuses a second colon, 9.0.0 ignores what follows it; between them nobody looked
			  1:qemu:x
			        ^~
			Whether libvirt 8.10.0 takes the string is not known.
		X
	)"
	run -3 --separate-stderr e 8.10.0 check --json '1:qemu:x'
	same "$(json '.status, (.strings[0] | [.valid, .items[0].valid, .items[0].applied, .items[0].error] | @json)')" \
		$'unknown\n[null,null,null,null]'
	has "$(json '.strings[0].items[0].note')" '9.0.0 ignores what follows it'
	run -1 --separate-stderr e 8.10.0 check '1:qemu:x 9:x'
	run -1 --separate-stderr e 7.0.0 check '1:qemu:x'
	has "$output" "Malformed format for filter '1:qemu:x'"
	has "$output" 'In a configuration file or the environment it is ignored, and the daemon goes on.'
	run -1 --separate-stderr e 9.0.0 check '9:x'
	hasnt "$output" 'goes on'
	run -0 --separate-stderr e 1.3.2 check '1:qemu:x'
}

@test "check: confidence -> run for 9.0.0, read for the others, said for older ones" {
	run -0 --separate-stderr e 9.0.0 check --json 1:qemu
	same "$(json '.confidence')" run
	same "$stderr" ''
	run -0 --separate-stderr e 11.3.0 check --json 1:qemu
	same "$(json '.confidence')" read
	run -0 --separate-stderr e 4.3.0 check --json 1:qemu
	same "$(json '.confidence, .catalogue')" $'read\nexact'
	same "$stderr" 'virtdiag: warning: libvirt 4.3.0 is judged by what its sources say, it was not run'
	run -0 --separate-stderr e 1.2.2 check --json 1:qemu
	same "$(json '.catalogue')" older
	has "$stderr" 'no log categories but compares patterns with names of source files'
}

@test "check: each warning of older versions -> its id" {
	local v s wanted
	while read -r v s wanted; do
		run -0 --separate-stderr e "$v" check --json --outputs 1:stderr -- "$s"
		same "$v $s $(json '[.strings[0].warnings[].id] | join(",") | if . == "" then "-" else . end')" "$v $s $wanted"
	done <<-'X'
		4.3.0 1:* star-literal
		4.4.0 3:* -
		4.3.0 1:[q]emu brackets-literal
		4.6.0 1:[q]emu -
		6.0.0 1:[q]emu brackets-literal
		0.9.12 1:+qemu stack-trace-flag
		5.0.0 1:+qemu stack-trace-flag
		1.3.2 1:qemu;1:lxc separator
		2.3.0 1:QEMU case
		1.2.2 1:qemu.qemu_driver no-match
		4.3.0 1:qemu.qemu_security no-match
		2.3.0 1:rpc -
	X
}

@test "explain: before 4.4.0 1:* is nothing; before 2.4.0 the later of two equal patterns counts" {
	run -0 --separate-stderr e 4.3.0 explain '1:*'
	same "$output" 'libvirt 4.3.0 has 261 categories: 0 debug, 0 info, 261 warning, 0 error.'
	run -0 --separate-stderr e 2.3.0 explain --json '1:qemu 4:qemu' qemu.qemu_driver
	same "$(json '.categories[0] | [.level, .item] | @json')" '[4,"4:qemu"]'
	run -1 --separate-stderr e 2.3.0 explain '1:qemu 9:x' qemu.qemu_driver
	has "$output" 'qemu.qemu_driver  debug  1:qemu  filter'
	run -1 --separate-stderr e 2.4.0 explain '1:qemu 9:x' qemu.qemu_driver
	hasnt "$output" 'qemu.qemu_driver'
}

@test "explain: before 1.2.3 -> names of source files, unknown where they are" {
	run -0 --separate-stderr e 1.2.2 explain --json '1:qemu/qemu_monitor.c' qemu.qemu_monitor util.json
	same "$(json '.categories | @json')" \
		'[{"category":"qemu.qemu_monitor","level":1,"item":"1:qemu/qemu_monitor.c","source":"filter","matched":["qemu/qemu_monitor.c"]},{"category":"util.json","level":3,"item":null,"source":"default","matched":["util/virjson.c"]}]'
	run -0 --separate-stderr e 0.10.2 explain --json '1:file' qemu.qemu_monitor
	same "$(json '.categories[0] | [.level, .matched] | @json')" \
		'[1,["file.qemu/qemu_monitor.c","file.qemu_monitor.c"]]'
	run -3 --separate-stderr e 1.0.0 explain '1:virjson' util.json
	has "$output" 'util.json  unknown  1:virjson  filter'
	run -3 --separate-stderr e 1.2.2 explain --json '1:qemu' daemon.remote
	same "$(json '.status, (.categories[0] | [.level, .matched] | @json)')" $'unknown\n[null,[]]'
	run -0 --separate-stderr e 1.2.2 explain --json '1:conf' conf/domain_conf.c
	same "$(json '.categories[0].level')" 1
	same "$stderr" 'virtdiag: warning: libvirt 1.2.2 is judged by what its sources say, it was not run; it has no log categories but compares patterns with names of source files, of which there is no full list'
	run -3 --separate-stderr e 1.2.2 explain '1:rpc/virnetsocket'
	same "${lines[1]}" 'rpc.netsocket  debug  1:rpc/virnetsocket  filter'
	has "$output" 'unknown.'
}

@test "explain: differing categories -> who decides, and a count" {
	run -0 --separate-stderr f explain '4:cgroup 1:qemu.qemu_c'
	same "$output" "$(
		cat <<-'X'
			CATEGORY                LEVEL  ITEM           SOURCE
			domain.cgroup           error  4:cgroup       filter
			lxc.lxc_cgroup          error  4:cgroup       filter
			qemu.qemu_capabilities  debug  1:qemu.qemu_c  filter
			qemu.qemu_cgroup        error  4:cgroup       filter
			qemu.qemu_checkpoint    debug  1:qemu.qemu_c  filter
			qemu.qemu_command       debug  1:qemu.qemu_c  filter
			qemu.qemu_conf          debug  1:qemu.qemu_c  filter
			qemu.qemu_configs       debug  1:qemu.qemu_c  filter
			util.cgroup             error  4:cgroup       filter
			libvirt 9.0.0 has 329 categories: 5 debug, 0 info, 320 warning, 4 error.
		X
	)"
}

@test "explain: --outputs -> what each output receives" {
	run -0 --separate-stderr f explain --json --outputs '2:file:/tmp/x 3:journald 4:journald' '1:qemu' qemu.qemu_driver util.pci
	same "$(json '.categories | @json')" \
		'[{"category":"qemu.qemu_driver","level":1,"item":"1:qemu","source":"filter","matched":["qemu.qemu_driver"],"outputs":[{"output":"file:/tmp/x","level":2},{"output":"journald","level":4}]},{"category":"util.pci","level":3,"item":null,"source":"default","matched":["util.pci"],"outputs":[{"output":"file:/tmp/x","level":3},{"output":"journald","level":4}]}]'
	run -0 --separate-stderr f explain --outputs '2:file:/tmp/x 3:journald' '1:qemu' qemu.qemu_driver
	has "$output" 'file:/tmp/x info, journald warning'
}

@test "explain: --all-categories, --default-level" {
	run -0 --separate-stderr f explain --json --all-categories --default-level 2 '1:qemu'
	same "$(json '.categories | length')" 329
	same "$(json '[.categories[] | select(.level == 2 and .source == "default" and .item == null)] | length')" 286
	run -2 --separate-stderr f explain --default-level 5 1:qemu
}

@test "explain: an invalid string -> the error, no rows, exit 1" {
	run -1 --separate-stderr f explain 9:x
	has "$output" "error: Invalid priority '9' for filter '9:x'"
	hasnt "$output" CATEGORY
	run -1 --separate-stderr f explain --json 9:x
	same "$(json '.status, (.categories | length)')" $'problems\n0'
}

@test "explain: an invalid string -> the document says which item and why" {
	run -1 --separate-stderr f explain --json 9:qemu --outputs 1:nowhere
	same "$(json '.categories | length')" 0
	same "$(json '.strings[] | [.kind, .valid, .items[0].text, .items[0].error] | @json')" \
		'["filters",false,"9:qemu","Invalid priority '"'9'"' for filter '"'9:qemu'"'"]
["outputs",false,"1:nowhere","Invalid log destination '"'nowhere'"' for log output '"'1:nowhere'"'"]'
	run -0 --separate-stderr f explain --json 1:qemu
	same "$(json '.strings[] | [.kind, .valid] | @json')" '["filters",true]'
	run -1 --separate-stderr vd --json filters apply --libvirt 9.0.0 9:qemu
	same "$(json '.strings[0].items[0].text')" 9:qemu
}

@test "explain: an unknown category -> its level and a warning" {
	run -0 --separate-stderr f explain 1:qemu qemu.qemu_monitr
	has "$output" 'qemu.qemu_monitr  debug  1:qemu  filter'
	has "$stderr" "libvirt has no log category 'qemu.qemu_monitr'; did you mean qemu.qemu_monitor?"
}

@test "list: glob -> the categories of that version" {
	run -0 --separate-stderr f list qemu_monitor
	same "$output" "$(
		cat <<-'X'
			CATEGORY                AREA  FILE                          SINCE  UNTIL  VOLUME
			qemu.qemu_monitor       qemu  src/qemu/qemu_monitor.c       1.2.3  -      high
			qemu.qemu_monitor_json  qemu  src/qemu/qemu_monitor_json.c  1.2.3  -      high
			qemu.qemu_monitor_text  qemu  src/qemu/qemu_monitor_text.c  1.2.3  9.0.0  -
		X
	)"
	run -0 --separate-stderr f list --json util.cg
	same "$(json '.categories[0] | [.category, .area, (.file | length), .since, .until, .volume] | @json')" \
		'["util.cgroup","util",4,"1.2.3",null,"high"]'
	run -0 --separate-stderr f list --json
	same "$(json '.categories | length')" 329
	run -0 --separate-stderr vd --root "$ROOT" filters list --json --libvirt 11.3.0
	same "$(json '.categories | length')" 344
}

@test "list: an older version -> its categories; before 1.2.3 names of source files" {
	run -0 --separate-stderr e 4.3.0 list eventpoll
	same "$output" "$(
		cat <<-'X'
			CATEGORY        AREA  FILE  SINCE  UNTIL  VOLUME
			util.eventpoll  util  -     1.2.3  4.3.0  -
		X
	)"
	run -1 --separate-stderr e 7.0.0 list eventpoll
	run -0 --separate-stderr e 1.2.3 list --json
	same "$(json '.categories | length')" 176
	run -0 --separate-stderr e 1.0.0 list util/json
	same "${lines[1]}" 'util.json  util  util/virjson.c,util/json.c  1.2.3  -      flood'
}

@test "list: nothing matches -> the nearest name, exit 1" {
	run -1 --separate-stderr f list qumu_monitor
	same "$output" "no log category matches 'qumu_monitor'; did you mean qemu.qemu_monitor?"
}

@test "suggest: without topic -> the list" {
	run -0 --separate-stderr f suggest
	same "${lines[0]}" 'TOPIC        VOLUME  DAEMON         TITLE'
	same "${lines[1]}" 'qemu         high    virtqemud      QEMU driver, targeted'
	run -0 --separate-stderr f suggest --json
	same "$(json '.suggestions | length')" 29
	same "$(json '.suggestions[] | select(.topic == "security") | .aliases | @json')" \
		'["selinux","apparmor","dac","svirt","label"]'
}

@test "suggest: each topic's plain string -> valid, no warning but floods" {
	local topics topic
	run -0 --separate-stderr f suggest --json
	topics=$(json '.suggestions[].topic')
	for topic in $topics; do
		run -0 --separate-stderr f suggest --format plain "$topic"
		run -0 --separate-stderr f check --json "$output"
		same "$(json '[.strings[0].warnings[] | select(.id != "flood")] | length')" 0
	done
}

@test "suggest: the whole view on a modular host" {
	file /usr/sbin/virtqemud
	file /usr/sbin/libvirtd
	mkdir -p "$ROOT/etc/systemd/system/sockets.target.wants"
	ln -s /usr/lib/systemd/system/virtqemud.socket "$ROOT/etc/systemd/system/sockets.target.wants/virtqemud.socket"
	file /etc/libvirt/virtqemud.conf $'# mine\nlog_filters = "3:rpc"\nlog_outputs="2:journald 3:syslog:vq"\n'
	run -0 --separate-stderr f suggest qemu
	same "$output" "$(cat "$BATS_TEST_DIRNAME/data/filters/suggest-qemu.txt")"
	same "$stderr" ""
}

@test "suggest: which daemon -> monolithic, either, nowhere, asked for" {
	run -0 --separate-stderr f suggest qemu
	has "$output" 'daemon   virtqemud, or libvirtd where there are no modular daemons: no trace of either here (--daemon)'
	file /usr/sbin/libvirtd
	run -0 --separate-stderr f suggest qemu
	has "$output" 'daemon   libvirtd (/usr/sbin/libvirtd)'
	has "$output" 'virt-admin -c libvirtd:///system daemon-log-filters'
	hasnt "$output" 'rotates'
	file /usr/sbin/virtqemud
	run -0 --separate-stderr f suggest qemu
	has "$output" 'both are here (--daemon)'
	file /run/libvirt/libvirt-admin-sock
	run -0 --separate-stderr f suggest qemu
	has "$output" 'daemon   libvirtd (/run/libvirt/libvirt-admin-sock)'
	run -0 --separate-stderr f suggest --daemon virtlxcd security
	has "$output" 'virt-admin -c virtlxcd:///system daemon-log-filters'
	run -2 --separate-stderr f suggest --daemon virtnosuchd security
}

@test "suggest: which daemon -> the one that runs, or the one whose configuration somebody has written" {
	run -0 --separate-stderr vd --root "$HOSTS/selinux-healthy" filters suggest cgroup
	has "$output" 'daemon   libvirtd (/run/libvirtd.pid)'
	has "$output" 'virt-admin -c libvirtd:///system daemon-log-filters 1:cgroup'
	has "$output" 'lasting: in /etc/libvirt/libvirtd.conf'
	has "$output" 'what it uses now is not known: the undo sets what its next start would use'
	hasnt "$output" virtqemud
	file /etc/libvirt/virtqemud.conf '# nothing'
	file /etc/libvirt/libvirtd.conf 'log_level = 3'
	run -0 --separate-stderr f suggest cgroup
	has "$output" 'daemon   libvirtd (/etc/libvirt/libvirtd.conf)'
	file /etc/libvirt/libvirtd.conf '# nothing'
	run -0 --separate-stderr f suggest cgroup
	has "$output" 'both are here (--daemon)'
	rm "$ROOT/etc/libvirt/virtqemud.conf"
	run -0 --separate-stderr vd --root "$ROOT" filters apply --libvirt 9.0.0 --persist --dry-run 1:qemu
	has "$output" 'libvirtd  filters  -    1:qemu  not yet  /etc/libvirt/libvirtd.conf'
}

@test "suggest: a drop-in is in force -> the undo puts it back, the file is said to lose, ours comes behind it" {
	local dir=/etc/systemd/system/libvirtd.service.d
	file /usr/sbin/libvirtd
	file /etc/libvirt/libvirtd.conf $'log_filters = "1:util"\n'
	file "$dir/x.conf" $'[Service]\nEnvironment=LIBVIRT_LOG_FILTERS=1:qemu\n'
	run -0 --separate-stderr f suggest cgroup
	has "$output" "           $dir/x.conf:2 says: filters \"1:qemu\""
	has "$output" "lasting: in /etc/libvirt/libvirtd.conf, in place of the lines there
 overridden: $dir/x.conf:2 sets LIBVIRT_LOG_FILTERS, which wins over this file"
	has "$output" "environment: a drop-in $dir/x.virtdiag-log.conf"
	has "$output" "rm -- $dir/x.virtdiag-log.conf"
	run -0 --separate-stderr f suggest --json cgroup
	same "$(json '.suggestions[0].ways[0].undo[0] | @json')" \
		'["virt-admin","-c","libvirtd:///system","daemon-log-filters","1:qemu"]'
	same "$(json '.suggestions[0].ways[1] | [.overridden_by, .undo_lines[0]] | @json')" \
		"[\"$dir/x.conf:2 sets LIBVIRT_LOG_FILTERS\",\"log_filters = \\\"1:util\\\"\"]"
	run -0 --separate-stderr f suggest --format conf cgroup
	has "$stderr" "$dir/x.conf:2 sets LIBVIRT_LOG_FILTERS, which wins over /etc/libvirt/libvirtd.conf"
	# What is suggested is what counts then.
	file "$dir/x.virtdiag-log.conf" $'[Service]\nEnvironment="LIBVIRT_LOG_FILTERS=1:cgroup"\n'
	run -0 --separate-stderr vd --root "$ROOT" filters show --json
	same "$(json '.settings[] | select(.setting == "filters" and .applies == ["next"]) | .value')" 1:cgroup
	run -0 --separate-stderr f suggest cgroup
	has "$output" "environment: a drop-in $dir/x.virtdiag-log.conf"
	mv "$ROOT$dir/x.conf" "$ROOT$dir/a.conf"
	rm "$ROOT$dir/x.virtdiag-log.conf"
	run -0 --separate-stderr f suggest cgroup
	has "$output" "environment: a drop-in $dir/virtdiag-log.conf"
}

@test "suggest: an environment file is in force -> its lines are replaced, no drop-in would win" {
	file /usr/sbin/libvirtd
	file /usr/lib/systemd/system/libvirtd.service $'[Service]\nEnvironmentFile=-/etc/sysconfig/libvirtd\n'
	file /etc/sysconfig/libvirtd $'A=b\nLIBVIRT_LOG_OUTPUTS="3:syslog:x"\n'
	run -0 --separate-stderr f suggest cgroup
	has "$output" "environment: in /etc/sysconfig/libvirtd, in place of the lines there
  LIBVIRT_LOG_FILTERS=1:cgroup
  LIBVIRT_LOG_OUTPUTS='1:file:/var/log/libvirt/libvirtd.log 3:syslog:x'
 then:
  systemctl restart libvirtd
 undo: put back what was there
  LIBVIRT_LOG_OUTPUTS=3:syslog:x
  systemctl restart libvirtd"
	has "$output" "daemon-log-outputs 3:syslog:x"
	run -0 --separate-stderr f suggest --json cgroup
	same "$(json '.suggestions[0].ways[2] | [.id, .file, .replaces_lines] | @json')" \
		'["environment","/etc/sysconfig/libvirtd",[2]]'
	file /etc/sysconfig/libvirtd $'LIBVIRT_LOG_OUTPUTS="3:file:/\e[31m"\n'
	run -0 --separate-stderr f suggest cgroup
	hasnt "$output" $'\e'
	has "$output" '/etc/sysconfig/libvirtd:1 sets outputs with control characters: the undo cannot put that back'
	has "$output" $' undo: put back what was there\n  # LIBVIRT_LOG_OUTPUTS as it was: it has control characters\n'
}

@test "suggest: a hostile name of a drop-in -> escaped" {
	file /usr/sbin/libvirtd
	file $'/etc/systemd/system/libvirtd.service.d/z\e.conf' $'[Service]\nEnvironment=LIBVIRT_LOG_FILTERS=1:a\n'
	run -0 --separate-stderr f suggest cgroup
	hasnt "$output" $'\e'
	has "$output" 'environment: a drop-in /etc/systemd/system/libvirtd.service.d/z\e.virtdiag-log.conf'
	run -0 --separate-stderr f suggest --format conf cgroup
	hasnt "$stderr" $'\e'
}

@test "suggest: virtlogd serves beside both and does not time out" {
	file /usr/sbin/libvirtd
	run -0 --separate-stderr f suggest --format virt-admin virtlogd
	same "$output" "$(
		cat <<-'X'
			virt-admin -c virtlogd:///system daemon-log-outputs '1:file:/var/log/libvirt/virtlogd.log 3:journald'
			virt-admin -c virtlogd:///system daemon-log-filters '1:logging 4:object 4:json 4:event 1:util'
		X
	)"
}

@test "suggest: --format -> only that" {
	local string='1:libvirt 1:qemu 1:conf 1:security 3:event 3:json 3:file 3:object 1:util'
	run -0 --separate-stderr f suggest --format plain qemu
	same "$output" "$string"
	run -0 --separate-stderr f suggest --format conf qemu
	same "$output" "log_filters = \"$string\""$'\nlog_outputs = "1:file:/var/log/libvirt/virtqemud.log 3:journald"'
	run -0 --separate-stderr f suggest --format env qemu
	same "$output" "LIBVIRT_LOG_FILTERS='$string'"$'\n'"LIBVIRT_LOG_OUTPUTS='1:file:/var/log/libvirt/virtqemud.log 3:journald'"
	run -0 --separate-stderr f suggest --format env rpc-client
	same "$output" $'LIBVIRT_LOG_FILTERS=\'1:rpc 1:remote 1:libvirt 3:event\'\nLIBVIRT_LOG_OUTPUTS=1:stderr'
	run -0 --separate-stderr f suggest --format conf network nwfilter
	has "$output" '# virtnetworkd'
	has "$output" '# virtnwfilterd'
	run -2 --separate-stderr f suggest --format virt-admin startup
	has "$stderr" 'virt-admin comes too late'
	run -2 --separate-stderr f suggest --format virt-admin rpc-client
	run -2 --separate-stderr f suggest --format plain
	run -2 --separate-stderr f suggest --format yaml qemu
	run -2 --separate-stderr f suggest --json --format plain qemu
}

@test "suggest: an output that takes the messages already stays alone" {
	file /etc/libvirt/virtqemud.conf 'log_outputs = "1:file:/srv/my.log 3:journald"'
	run -0 --separate-stderr f suggest --format conf qemu
	has "$output" 'log_outputs = "1:file:/srv/my.log 3:journald"'
	file /etc/libvirt/virtqemud.conf 'log_outputs = "1:journald 4:file:/var/log/libvirt/virtqemud.log"'
	run -0 --separate-stderr f suggest --format conf qemu
	has "$output" 'log_outputs = "1:file:/var/log/libvirt/virtqemud.log 1:journald"'
}

@test "suggest: level 2 is enough for QMP -> the output says so" {
	run -0 --separate-stderr f suggest --format conf qmp
	same "$output" $'log_filters = "2:qemu.qemu_monitor 3:*"\nlog_outputs = "2:file:/var/log/libvirt/virtqemud.log 3:journald"'
}

@test "suggest: a configuration that cannot be read -> said, the rest goes on" {
	file /etc/libvirt/virtqemud.conf 'log_filters = '
	run -0 --separate-stderr f suggest qemu
	has "$output" 'what /etc/libvirt/virtqemud.conf sets is unknown: the undo assumes that it sets nothing'
	has "$stderr" '/etc/libvirt/virtqemud.conf'
	run -0 --separate-stderr f suggest --json qemu
	same "$(json '.missing[0].what')" /etc/libvirt/virtqemud.conf
}

@test "suggest: hostile configuration -> quoted, and no control characters" {
	file /etc/libvirt/virtqemud.conf "log_outputs = '3:file:/x/\$(id)\"%n'"
	run -0 --separate-stderr f suggest qemu
	has "$output" "daemon-log-outputs '3:file:/x/\$(id)\"%n'"
	has "$output" 'Environment="LIBVIRT_LOG_OUTPUTS=1:file:/var/log/libvirt/virtqemud.log 3:file:/x/$(id)\"%%n"'
	has "$output" "log_outputs = '1:file:/var/log/libvirt/virtqemud.log 3:file:/x/\$(id)\"%n'"
	file /etc/libvirt/virtqemud.conf $'log_outputs = "3:file:/x/\e[31m"'
	run -0 --separate-stderr f suggest qemu
	hasnt "$output" $'\e'
	has "$output" 'is unknown'
}

@test "suggest: topics are merged -> one string, nothing shadowed" {
	run -0 --separate-stderr f suggest --format plain agent virtlogd
	same "$output" '4:object 4:json 4:event 1:qemu.qemu_agent 1:logging 1:util'
	run -0 --separate-stderr f suggest --json selinux cgroups
	same "$(json '.suggestions | length, .[0].topic, .[0].filters')" \
		$'1\nsecurity cgroup\n1:security 1:util.file 1:util.command 1:cgroup'
}

@test "suggest: JSON -> commands as vectors, undo, lines" {
	file /usr/sbin/virtqemud
	file /etc/libvirt/virtqemud.conf $'\nlog_filters = "3:rpc"\n'
	run -0 --separate-stderr f suggest --json access
	same "$(json '.suggestions[0] | .daemon, ([.ways[].id] | @json)')" $'virtqemud\n["virt-admin","conf","environment","client"]'
	same "$(json '.suggestions[0].ways[0] | [.commands[0], .undo[0]] | @json')" \
		'[["virt-admin","-c","virtqemud:///system","daemon-timeout","--timeout","0"],["virt-admin","-c","virtqemud:///system","daemon-log-filters","3:rpc"]]'
	same "$(json '.suggestions[0].ways[1] | [.file, .replaces_lines, .undo_lines] | @json')" \
		'["/etc/libvirt/virtqemud.conf",[2],["log_filters = \"3:rpc\""]]'
}

@test "suggest: version 11.3.0 -> without what is gone" {
	run -0 --separate-stderr vd --root "$ROOT" filters suggest --libvirt 11.3.0 nwfilter
	has "$output" 'filters  1:nwfilter 1:util.firewall 1:util.ebtables 1:util.command'
	has "$output" 'without 1:util.iptables, which matches nothing in this version'
}

@test "suggest: before 4.4.0 -> log_level instead of 1:*, and no virt-admin" {
	run -0 --separate-stderr e 4.3.0 suggest --format conf all
	same "${lines[0]}" 'log_level = 1'
	same "${lines[1]}" 'log_filters = "3:remote 4:event 3:util.json 3:util.object 3:util.dbus 3:util.netlink 3:node_device 3:rpc 3:access"'
	same "${lines[2]}" 'log_outputs = "1:file:/var/log/libvirt/libvirtd.log 3:journald"'
	run -0 --separate-stderr e 4.3.0 suggest --format env all
	same "${lines[0]}" 'LIBVIRT_DEBUG=1'
	run -2 --separate-stderr e 4.3.0 suggest --format virt-admin all
	has "$stderr" 'virt-admin cannot set log_level'
	run -0 --separate-stderr e 4.3.0 suggest --json all
	same "$(json '.suggestions[0] | [.log_level, [.ways[].id]] | @json')" '[1,["conf","environment","client"]]'
	file /etc/libvirt/libvirtd.conf $'log_level = 2\n'
	run -0 --separate-stderr e 4.3.0 suggest --json all
	same "$(json '.suggestions[0].ways[0] | [.replaces_lines, .undo_lines] | @json')" '[[1],["log_level = 2"]]'
	run -0 --separate-stderr e 4.3.0 suggest --format plain monitor
	same "$output" 2:qemu.qemu_monitor
	run -0 --separate-stderr e 4.4.0 suggest --format plain monitor
	same "$output" '2:qemu.qemu_monitor 3:*'
	# What all leaves loud no other topic silences.
	run -0 --separate-stderr e 4.3.0 suggest --format plain all virtlogd
	hasnt "$output" 4:json
}

@test "suggest: what a version lacks is not suggested" {
	file /usr/sbin/virtqemud
	run -0 --separate-stderr e 5.6.0 suggest --json cgroup
	same "$(json '.suggestions[0].daemon')" libvirtd
	run -0 --separate-stderr e 5.7.0 suggest --json cgroup
	same "$(json '.suggestions[0].daemon')" virtqemud
	run -2 --separate-stderr e 5.6.0 suggest --daemon virtqemud cgroup
	has "$stderr" 'there is no virtqemud before libvirt 5.7.0'
	run -0 --separate-stderr e 8.5.0 suggest --format virt-admin cgroup
	hasnt "$output" daemon-timeout
	run -0 --separate-stderr e 8.6.0 suggest --format virt-admin cgroup
	has "$output" 'daemon-timeout --timeout 0'
	run -0 --separate-stderr e 3.0.0 suggest --format virt-admin cgroup
	run -2 --separate-stderr e 2.5.0 suggest --format virt-admin cgroup
	has "$stderr" 'from libvirt 3.0.0 on only'
	run -0 --separate-stderr e 0.10.2 suggest --format conf security
	has "$output" 'log_outputs = "1:file:/var/log/libvirt/libvirtd.log"'
	run -0 --separate-stderr e 4.3.0 suggest tpm
	has "$output" 'without 1:qemu.tpm, which matches nothing in this version'
	run -3 --separate-stderr e 1.2.3 suggest job
	has "$stderr" 'no item of its filters is known to match in this version'
}

@test "suggest: before 1.2.3 -> names of source files, and the ring buffer is said" {
	run -0 --separate-stderr e 1.2.2 suggest lxc
	has "$output" 'filters  1:lxc 1:util/vircgroup 1:util/vircommand 1:security 4:object 4:event'
	has "$output" 'log_buffer_size = 0'
	run -0 --separate-stderr e 1.2.2 suggest --json lxc
	has "$(json '.note')" 'log_buffer_size = 0'
	run -0 --separate-stderr e 1.2.3 suggest lxc
	hasnt "$output" log_buffer_size
	run -0 --separate-stderr e 0.8.8 suggest lxc
	hasnt "$output" log_buffer_size
	has "$output" 'filters  1:lxc 1:cgroup 1:security 4:object 4:event'
}

@test "suggest: each topic in each era -> accepted, no warning but floods" {
	local v topic
	for v in 1.2.2 1.2.3 2.4.0 4.3.0 7.0.0; do
		for topic in qemu all monitor lxc network block startup; do
			run -0 --separate-stderr e "$v" suggest --format plain "$topic"
			run -0 --separate-stderr e "$v" check --json "$output"
			same "$v $topic $(json '[.strings[0].warnings[] | select(.id != "flood")] | length')" "$v $topic 0"
		done
	done
}

@test "suggest: a misspelt topic -> the nearest, exit 2" {
	run -2 --separate-stderr f suggest selinx
	has "$stderr" "there is no topic 'selinx'; did you mean 'selinux'?"
	run -2 --separate-stderr f suggest zzzzzz
	has "$stderr" 'lists them'
	run -2 --separate-stderr vd --root "$ROOT" --session filters suggest qemu
}

@test "options: usage errors" {
	run -2 --separate-stderr vd filters
	run -2 --separate-stderr vd filters check
	run -2 --separate-stderr vd filters explain
	run -2 --separate-stderr vd filters list a b
}
